//! Token introspection.
//!
//! RFC 7662 §2: <https://www.rfc-editor.org/rfc/rfc7662#section-2>

use hallpass_issuer::Refusal;
use hallpass_issuer::client::Proof;
use hallpass_issuer::refusal::ClientReason;
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::introspection::{IntrospectionRequest, IntrospectionResponse};
use http::{Response, StatusCode};

use crate::Body;
use crate::error::Fault;
use crate::error::json::{self, JsonError};
use crate::extract::authenticated_client::{Unnamed, authenticate, unauthenticated};
use crate::extract::token::live_access_token;
use crate::request::Request;
use crate::state::State;

/// `POST introspect`.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let form = request.form()?;
    let asked = IntrospectionRequest::decode(&form)?;
    // Dev mode takes any bearer token as the caller's proof (`docs/dev-mode.md`).
    let by_bearer =
        !state.clients.is_strict() && request.bearer().is_some_and(|token| !token.is_empty());
    if !by_bearer {
        let caller = authenticate(state, request, &form, Unnamed::InvalidClient)?;
        // RFC 7662 §2.1: somebody who merely names itself could scan for tokens.
        if caller.proof() != Proof::Secret || !caller.client().introspects {
            return Err(unauthenticated(
                request,
                Refusal::InvalidClient(ClientReason::NotAuthenticated),
            ));
        }
    }
    let token = asked
        .token
        .ok_or_else(|| Refusal::invalid_request("`token` is missing"))?;
    let claims = live_access_token(state, request, token.expose()).await?;
    let claims: Option<&AccessTokenClaims> = claims.as_deref();
    let response = claims.map_or(IntrospectionResponse::INACTIVE, |claims| {
        IntrospectionResponse {
            active: true,
            token_type: Some("Bearer".to_owned()),
            claims: Some(claims),
        }
    });
    Ok(json::json(
        StatusCode::OK,
        serde_json::to_vec(&response).map_err(Fault::from)?,
    ))
}
