//! A challenge, and the options that go to the browser with it.
//!
//! The page carries the challenge in a token that holds in this browser, for one thing and one person,
//! for five minutes. Nothing is written down until an answer comes.

use std::time::Duration;

use hallpass_issuer::factors::passkey::{Challenge, OwnPasskey, RelyingParty, UserVerification};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::webauthn::{CreationOptions, Descriptor, RequestOptions};
use hallpass_protocol::{Timestamp, random};
use serde::{Deserialize, Serialize};

use crate::extract::browser::Browser;
use crate::page_token::Purpose;
use crate::pages::problem::Said;
use crate::request::Request;
use crate::state::State;

/// So long an answer is waited for; also what browsers are told.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);

/// What a passkey is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ceremony {
    /// To be made.
    Create,
    /// To show that it works.
    Try,
    /// To say who signs in, and prove it.
    SignIn,
    /// To prove it after a password.
    SecondFactor,
}

/// Whom it is asked of: a session, or somebody whose password was right. Nobody yet at a sign-in.
pub(crate) type Of = Option<SecretHash>;

/// The token's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) ceremony: Ceremony,
    pub(super) of: Of,
    pub(super) challenge: String,
    pub(super) expires_at: Timestamp,
}

/// What a page needs for its form: see `templates/passkey.html`.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The function of `navigator.credentials`: `create` or `get`.
    pub function: &'static str,
    /// Its options, as JSON.
    pub options: String,
    /// Goes back as `challenge`.
    pub challenge: String,
    /// Whether the browser may offer passkeys where the user name is typed.
    pub is_conditional: bool,
    /// Whether it is asked at once, in the place of a page that was too old.
    pub is_again: bool,
    /// Whether there is no other way here.
    pub is_only_way: bool,
}

impl Ask {
    /// Asks for a new passkey, for the person of a session or of a sign-in that waits for it.
    pub(crate) fn to_create(
        (state, request, browser): (&State, &Request, &Browser),
        relying_party: &RelyingParty,
        (of, names): (SecretHash, (&str, &str)),
        (user_handle, known): (&[u8], &[OwnPasskey]),
    ) -> Self {
        let (challenge, token) = draw((state, request, browser), Ceremony::Create, Some(of));
        let options = CreationOptions {
            relying_party: (&relying_party.id, &state.settings.branding.name),
            user_handle,
            user_names: names,
            challenge: challenge.as_bytes(),
            exclude: &descriptors(known),
            timeout: PATIENCE,
        };
        Self {
            function: "create",
            options: options.to_json().to_string(),
            challenge: token,
            is_conditional: false,
            is_again: false,
            is_only_way: false,
        }
    }

    /// Asks at once where the page before was too old: its person has pressed the button already.
    pub(crate) fn after(self, said: Said) -> Self {
        let is_again = said == Said::TooOld;
        Self {
            is_again,
            is_conditional: self.is_conditional && !is_again,
            ..self
        }
    }

    /// Asks whoever has a passkey to sign in. It names none, so that it tells nothing about anybody.
    pub(crate) fn to_sign_in(
        at: (&State, &Request, &Browser),
        relying_party: &RelyingParty,
    ) -> Self {
        Self {
            is_conditional: true,
            ..Self::to_use(at, relying_party, (Ceremony::SignIn, None), &[])
        }
    }

    /// Asks for the use of one of these passkeys, or of any where there are none.
    pub(crate) fn to_use(
        at: (&State, &Request, &Browser),
        relying_party: &RelyingParty,
        (ceremony, of): (Ceremony, Of),
        known: &[OwnPasskey],
    ) -> Self {
        let (challenge, token) = draw(at, ceremony, of);
        let options = RequestOptions {
            relying_party: &relying_party.id,
            challenge: challenge.as_bytes(),
            allow: &descriptors(known),
            user_verification: ceremony.verification().as_str(),
            timeout: PATIENCE,
        };
        Self {
            function: "get",
            options: options.to_json().to_string(),
            challenge: token,
            is_conditional: false,
            is_again: false,
            is_only_way: false,
        }
    }
}

impl Ceremony {
    /// A password before it is the other factor; else the passkey must be both.
    pub(crate) fn verification(self) -> UserVerification {
        match self {
            Self::SecondFactor => UserVerification::Preferred,
            Self::Create | Self::Try | Self::SignIn => UserVerification::Required,
        }
    }
}

fn draw(
    (state, request, browser): (&State, &Request, &Browser),
    ceremony: Ceremony,
    of: Of,
) -> (Challenge, String) {
    let challenge = Challenge::new(random::bytes(state.random.as_ref()));
    let sealed = Sealed {
        ceremony,
        of,
        challenge: base64url::encode(challenge.as_bytes()),
        expires_at: request.now + PATIENCE,
    };
    let binding = browser.binding(request);
    let token = state.page_tokens.seal(Purpose::Passkey, binding, &sealed);
    (challenge, token)
}

fn descriptors(known: &[OwnPasskey]) -> Vec<Descriptor<'_>> {
    let mut found = Vec::with_capacity(known.len());
    for own in known {
        found.push(Descriptor {
            id: &own.passkey.credential_id,
            transports: &own.transports,
        });
    }
    found
}
