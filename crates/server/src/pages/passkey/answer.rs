//! What a form brings back: the token of the challenge, and what the browser answered.

use hallpass_issuer::factors::passkey::{Challenge, RelyingParty};
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::webauthn::{AuthenticationResponse, RegistrationResponse};

use super::ask::{Ceremony, Of, Sealed};
use crate::accounts::Asked;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::page_token::Purpose;
use crate::request::Request;
use crate::state::State;

/// What a form brought.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// An answer to a challenge that this browser was given for this.
    Given(Asked, T),
    /// The page was too old, or script found it so before it asked: it is shown once more, and asks at
    /// once.
    TooOld,
    /// No answer to such a challenge.
    Nothing,
}

/// Reads the answer to [`super::Ask::to_create`].
pub(crate) fn creation(
    at: (&State, &Request, &Browser),
    relying_party: &RelyingParty,
    form: &Form,
    of: Of,
) -> Result<Answer<RegistrationResponse>, PageError> {
    let read = RegistrationResponse::read;
    answer(at, relying_party, form, (Ceremony::Create, of), read)
}

/// Reads the answer to [`super::Ask::to_use`] alike.
pub(crate) fn use_of(
    at: (&State, &Request, &Browser),
    relying_party: &RelyingParty,
    form: &Form,
    of: (Ceremony, Of),
) -> Result<Answer<AuthenticationResponse>, PageError> {
    answer(at, relying_party, form, of, AuthenticationResponse::read)
}

fn answer<T, E: std::fmt::Display>(
    (state, request, browser): (&State, &Request, &Browser),
    relying_party: &RelyingParty,
    form: &Form,
    (ceremony, of): (Ceremony, Of),
    read: fn(&str) -> Result<T, E>,
) -> Result<Answer<T>, PageError> {
    let token = form.one("challenge")?.unwrap_or_default();
    let binding = browser.binding(request);
    let sealed: Option<Sealed> = state.page_tokens.open(Purpose::Passkey, binding, token);
    let sealed = sealed.filter(|sealed| sealed.ceremony == ceremony && sealed.of == of);
    let Some((sealed, challenge)) = sealed.and_then(|sealed| {
        let challenge = base64url::decode(&sealed.challenge)?.try_into().ok()?;
        Some((sealed, challenge))
    }) else {
        tracing::info!(address = %request.peer, "passkey.refused: not this browser's challenge");
        return Ok(Answer::Nothing);
    };
    let text = form.one("passkey")?.unwrap_or_default();
    if text.is_empty() || request.now >= sealed.expires_at {
        return Ok(Answer::TooOld);
    }
    match read(text) {
        Ok(response) => {
            let asked = Asked {
                relying_party: relying_party.clone(),
                challenge: Challenge::new(challenge),
                ends_at: sealed.expires_at,
            };
            Ok(Answer::Given(asked, response))
        }
        Err(problem) => {
            tracing::info!(address = %request.peer, %problem, "passkey.refused");
            Ok(Answer::Nothing)
        }
    }
}
