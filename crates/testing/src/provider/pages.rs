//! What people do at a provider's pages, as far as a double needs to know.

use std::collections::VecDeque;

use hallpass_protocol::form;
use hallpass_protocol::pkce::{CodeChallenge, CodeVerifier};

use super::server::{Request, Response};

/// What a poll of a device code meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody has confirmed yet.
    Pending,
    /// The poll came too early.
    SlowDown,
    /// The person declined.
    Denied,
    /// The code's lifetime is over.
    Expired,
    /// The code is not known.
    Unknown,
    /// The person confirmed.
    Approved,
}

/// The page where codes are entered, seen from the polls.
#[derive(Clone, Debug, Default)]
pub struct DevicePage(VecDeque<Turn>);

impl DevicePage {
    /// What the next polls meet; the last one stays.
    pub fn will(&mut self, turns: impl IntoIterator<Item = Turn>) {
        self.0 = turns.into_iter().collect();
    }

    /// What this poll meets; a person confirms who was told nothing.
    pub fn poll(&mut self) -> Turn {
        let turn = self.0.front().copied().unwrap_or(Turn::Approved);
        if self.0.len() > 1 {
            self.0.pop_front();
        }
        turn
    }
}

/// The page where people sign in, and the code that it gives out. Everybody signs in at once.
#[derive(Clone, Debug, Default)]
pub struct CodePage {
    challenge: String,
    redirect_uri: String,
    nonce: String,
    is_open: bool,
    /// The parameters of the last authorization request.
    pub asked: Option<Request>,
}

/// The only code there is.
pub(super) const CODE: &str = "code-of-a-double";

impl CodePage {
    /// Signs the person in and sends them back, with `iss` where the provider sends it.
    pub(super) fn authorize(&mut self, request: &Request, iss: Option<&str>) -> Response {
        self.authorize_to(request, (request.field("redirect_uri"), iss))
    }

    /// The same, back to another spelling of the redirect URI.
    pub(super) fn authorize_to(
        &mut self,
        request: &Request,
        (to, iss): (&str, Option<&str>),
    ) -> Response {
        request
            .field("code_challenge")
            .clone_into(&mut self.challenge);
        request
            .field("redirect_uri")
            .clone_into(&mut self.redirect_uri);
        request.field("nonce").clone_into(&mut self.nonce);
        self.is_open = true;
        self.asked = Some(request.clone());
        let state = form::encode(request.field("state"));
        let iss = iss.map_or(String::new(), |iss| format!("&iss={}", form::encode(iss)));
        Response::redirect(format!("{to}?code={CODE}&state={state}{iss}"))
    }

    /// Redeems the code, once, if the redirect URI and the verifier are right; gives the nonce.
    pub(super) fn redeem(&mut self, request: &Request) -> Option<String> {
        let verifier = CodeVerifier::parse(request.field("code_verifier")).ok()?;
        let challenge = CodeChallenge::parse(&self.challenge).ok()?;
        let is_good = std::mem::take(&mut self.is_open)
            && request.field("code") == CODE
            && request.field("redirect_uri") == self.redirect_uri
            && challenge.is_met_by(&verifier);
        is_good.then(|| self.nonce.clone())
    }
}
