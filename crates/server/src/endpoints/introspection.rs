//! Token introspection.
//!
//! RFC 7662 §2: <https://www.rfc-editor.org/rfc/rfc7662#section-2>

use hallpass_issuer::client::Proof;
use hallpass_issuer::refusal::ClientReason;
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_issuer::{AuthenticatedClient, Refusal, grants};
use hallpass_protocol::Secret;
use hallpass_protocol::access_token::{AccessTokenClaims, Confirmation};
use hallpass_protocol::form::Form;
use hallpass_protocol::introspection::{
    IntrospectionRequest, IntrospectionResponse, RefreshTokenInfo,
};
use hallpass_store::authorizations;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::Body;
use crate::dev_mode::unsigned_refresh_token;
use crate::error::Fault;
use crate::error::json::{self, JsonError};
use crate::extract::authenticated_client::{Unnamed, authenticate, unauthenticated};
use crate::extract::token::{fresh, live_access_token};
use crate::request::Request;
use crate::state::State;

/// `POST introspect`.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let form = request.form()?;
    let asked = IntrospectionRequest::decode(&form)?;
    // Dev mode takes any bearer token as the caller's proof (`docs/dev-mode.md`).
    let by_bearer =
        !state.clients.is_strict() && request.bearer().is_some_and(|token| !token.is_empty());
    let caller = if by_bearer {
        None
    } else {
        Some(caller(state, request, &form).await?)
    };
    let token = asked
        .token
        .ok_or_else(|| Refusal::invalid_request("`token` is missing"))?;
    if let Some(caller) = &caller {
        if let Some(own) = own_refresh_token(state, request, caller, &token) {
            return Box::pin(refresh_token(state, request, caller, own)).await;
        }
        if !caller.client().introspects {
            return Err(not_allowed(request));
        }
    }
    let claims = live_access_token(state, request, token.expose()).await?;
    let claims: Option<&AccessTokenClaims> = claims.as_deref();
    let response = claims.map_or(IntrospectionResponse::INACTIVE, |claims| {
        IntrospectionResponse {
            active: true,
            token_type: Some(claims.token_type().to_owned()),
            claims: Some(claims),
        }
    });
    answer(&response)
}

/// RFC 7662 §2.1: somebody who merely names itself could scan for tokens.
async fn caller(
    state: &State,
    request: &Request,
    form: &Form,
) -> Result<AuthenticatedClient, JsonError> {
    let caller = authenticate(state, request, form, Unnamed::InvalidClient).await?;
    if caller.proof() == Proof::Named {
        return Err(not_allowed(request));
    }
    Ok(caller)
}

fn not_allowed(request: &Request) -> JsonError {
    let refusal = Refusal::InvalidClient(ClientReason::NotAuthenticated);
    unauthenticated(request, refusal)
}

/// A genuine refresh token of the caller's; to everybody else it is an unknown text (row S-159).
fn own_refresh_token(
    state: &State,
    request: &Request,
    caller: &AuthenticatedClient,
    token: &Secret<String>,
) -> Option<RefreshToken> {
    let bare = unsigned_refresh_token::unwrap(token);
    state
        .refresh_keys
        .read(bare.expose(), &request.issuer, caller.id())
}

async fn refresh_token(
    state: &State,
    request: &Request,
    caller: &AuthenticatedClient,
    token: RefreshToken,
) -> Result<Response<Body>, JsonError> {
    let id = token.authorization;
    let found = state.store.read(move |tx| authorizations::find(tx, id));
    let found = fresh(state, found).await?;
    let valid = found.and_then(|authorization| {
        let exp = grants::refresh_token::valid_until(&authorization, &token, request.now)?;
        Some((authorization, exp))
    });
    let Some((authorization, exp)) = valid else {
        return answer(&IntrospectionResponse::<AccessTokenClaims>::INACTIVE);
    };
    answer(&RefreshTokenInfo {
        active: true,
        iss: request.issuer_url.clone(),
        sub: authorization.seed.user.id.to_string(),
        client_id: caller.id().to_string(),
        scope: authorization.seed.scopes,
        exp,
        iat: authorization.created_at,
        sid: authorization.id.to_string(),
        cnf: authorization.dpop_jkt.map(|jkt| Confirmation {
            jkt: Some(jkt),
            ..Confirmation::default()
        }),
    })
}

fn answer(response: &impl Serialize) -> Result<Response<Body>, JsonError> {
    // Most answers fit, so that the buffer does not grow step by step.
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, response).map_err(Fault::from)?;
    Ok(json::json(StatusCode::OK, body))
}
