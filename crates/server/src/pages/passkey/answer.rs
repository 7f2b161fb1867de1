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

/// Reads the answer to [`super::Ask::to_create`]; `None` when it is no answer to a challenge that this
/// browser was given for this.
pub(crate) fn creation(
    at: (&State, &Request, &Browser),
    relying_party: &RelyingParty,
    form: &Form,
    of: Of,
) -> Result<Option<(Asked, RegistrationResponse)>, PageError> {
    let Some(asked) = asked(at, relying_party, form, (Ceremony::Create, of))? else {
        return Ok(None);
    };
    let text = form.one("passkey")?.unwrap_or_default();
    match RegistrationResponse::read(text) {
        Ok(response) => Ok(Some((asked, response))),
        Err(problem) => {
            tracing::info!(address = %at.1.peer, %problem, "passkey.refused");
            Ok(None)
        }
    }
}

/// Reads the answer to [`super::Ask::to_use`] alike.
pub(crate) fn use_of(
    at: (&State, &Request, &Browser),
    relying_party: &RelyingParty,
    form: &Form,
    of: (Ceremony, Of),
) -> Result<Option<(Asked, AuthenticationResponse)>, PageError> {
    let Some(asked) = asked(at, relying_party, form, of)? else {
        return Ok(None);
    };
    let text = form.one("passkey")?.unwrap_or_default();
    match AuthenticationResponse::read(text) {
        Ok(response) => Ok(Some((asked, response))),
        Err(problem) => {
            tracing::info!(address = %at.1.peer, %problem, "passkey.refused");
            Ok(None)
        }
    }
}

fn asked(
    (state, request, browser): (&State, &Request, &Browser),
    relying_party: &RelyingParty,
    form: &Form,
    (ceremony, of): (Ceremony, Of),
) -> Result<Option<Asked>, PageError> {
    let token = form.one("challenge")?.unwrap_or_default();
    let binding = browser.binding(request);
    let sealed: Option<Sealed> = state.page_tokens.open(Purpose::Passkey, binding, token);
    let sealed = sealed.filter(|sealed| sealed.ceremony == ceremony && sealed.of == of);
    let asked = sealed.and_then(|sealed| {
        let challenge = base64url::decode(&sealed.challenge)?.try_into().ok()?;
        Some(Asked {
            relying_party: relying_party.clone(),
            challenge: Challenge::new(challenge),
            ends_at: sealed.expires_at,
        })
    });
    if asked.is_none() {
        tracing::info!(address = %request.peer, "passkey.refused: not this browser's challenge");
    }
    Ok(asked)
}
