//! The pushed request that an authorization request names by its `request_uri`.
//!
//! RFC 9126 §4: <https://www.rfc-editor.org/rfc/rfc9126#section-4>

use std::net::IpAddr;

use hallpass_issuer::pushed_request::{self, PushedRequest, Reference};
use hallpass_issuer::refusal::PageReason;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::form::Form;
use hallpass_store::pushed_requests;
use serde::{Deserialize, Serialize};

use super::browser::Browser;
use crate::error::page::PageError;
use crate::page_token::Purpose;
use crate::request::Request;
use crate::state::State;

/// The parameter of our own pages that says since when the browser shows them.
const PARAMETER: &str = "opened";

/// A pushed request in a browser.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    /// Its name in the store.
    pub(crate) hash: SecretHash,
    /// The network it was pushed from, where that is known.
    pub(crate) from: Option<IpAddr>,
    uri: String,
    opened: Option<String>,
}

/// A request that a browser opened in time: people take longer than the request lives.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Opened {
    hash: SecretHash,
    until: Timestamp,
}

/// Puts the pushed parameters in place of those of the browser, which are ignored (RFC 9101 §6.3).
/// A URL that we would have to fetch stays, to be refused like any other parameter.
pub(crate) async fn resolve(
    state: &State,
    request: &Request,
    asked: AuthorizationRequest,
) -> Result<(AuthorizationRequest, Option<Pushed>), PageError> {
    let unknown = PageError::Request(PageReason::UnknownRequestUri);
    let Some(uri) = asked.request_uri.clone() else {
        return Ok((asked, None));
    };
    let hash = match pushed_request::read(&uri) {
        Reference::Foreign => return Ok((asked, None)),
        Reference::Unknown => return Err(unknown),
        Reference::Pushed(hash) => hash,
    };
    let issuer = request.issuer.clone();
    let found = state
        .store
        .read(move |tx| pushed_requests::find(tx, &issuer, &hash));
    let client = asked.client_id.as_ref();
    let opened = request.query_form()?.one(PARAMETER)?.map(str::to_owned);
    let is_open = |pushed: &PushedRequest| {
        let in_time = pushed.is_for(client, request.now);
        in_time || pushed.is_for(client, pushed.pushed_at) && was_opened(state, request, &hash)
    };
    let pushed = found.await?.filter(is_open).ok_or(unknown)?;
    let place = Pushed {
        hash,
        from: pushed.pushed_from,
        uri,
        opened,
    };
    Ok((pushed.parameters, Some(place)))
}

/// Whether this browser was shown the request in time, and not too long ago.
fn was_opened(state: &State, request: &Request, hash: &SecretHash) -> bool {
    let Ok(Some(token)) = request
        .query_form()
        .map(|query| query.one(PARAMETER).ok().flatten().map(str::to_owned))
    else {
        return false;
    };
    let browser = Browser::of(state, request);
    let opened: Option<Opened> =
        state
            .page_tokens
            .open(Purpose::PushedRequest, browser.binding(request), &token);
    opened.is_some_and(|opened| opened.hash == *hash && request.now < opened.until)
}

impl Pushed {
    /// The parameters of the URL that pages of this browser post to.
    pub(crate) fn parameters(
        &self,
        state: &State,
        request: &Request,
        (browser, client_id): (&Browser, &str),
    ) -> Form {
        let opened = self.opened.clone().unwrap_or_else(|| {
            let opened = Opened {
                hash: self.hash,
                until: request.now + state.settings.interaction_lifetime,
            };
            let binding = browser.binding(request);
            state
                .page_tokens
                .seal(Purpose::PushedRequest, binding, &opened)
        });
        [
            ("client_id", client_id),
            ("request_uri", &self.uri),
            (PARAMETER, &opened),
        ]
        .into_iter()
        .collect()
    }
}
