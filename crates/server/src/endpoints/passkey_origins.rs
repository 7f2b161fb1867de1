//! Which origins may use the passkeys of this server: its own, and no other.
//!
//! WebAuthn §5.11: <https://www.w3.org/TR/webauthn-3/#sctn-related-origins>

use http::Response;
use serde_json::json;

use crate::Body;
use crate::error::json::JsonError;
use crate::public_json::PublicJson;
use crate::request::Request;
use crate::state::State;

/// `GET .well-known/webauthn`.
pub(crate) fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let Some(relying_party) = &state.settings.passkeys else {
        return Err(JsonError::NotFound);
    };
    let document = json!({ "origins": [relying_party.origin] });
    let body = document.to_string().into_bytes();
    Ok(PublicJson::new(body.into())?.response(&request.headers))
}
