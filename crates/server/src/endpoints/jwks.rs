//! The public keys of an issuer.
//!
//! RFC 7517 §5: <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use http::Response;

use crate::Body;
use crate::error::json::JsonError;
use crate::request::Request;
use crate::state::State;

/// `GET jwks`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let keys = state
        .keys
        .of(&request.issuer, &state.store, request.now)
        .await?;
    Ok(keys.jwks.response(&request.headers))
}
