//! The pushed authorization request endpoint: all that the authorization endpoint would check is
//! checked here, before a person sees anything.
//!
//! RFC 9126 §2: <https://www.rfc-editor.org/rfc/rfc9126#section-2>, RFC 9449 §10.1.

use hallpass_issuer::grants::authorization_code;
use hallpass_issuer::limits::PUSHED_REQUESTS;
use hallpass_issuer::pushed_request::{self, PushedRequest};
use hallpass_issuer::refusal::{AuthorizationRefusal, ProofReason, Refusal};
use hallpass_issuer::tokens::one_time::Kind;
use hallpass_issuer::{AuthenticatedClient, bound_key, network};
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::pushed_authorization::PushedAuthorizationResponse;
use hallpass_store::pushed_requests;
use http::{Response, StatusCode};

use super::debugger;
use crate::Body;
use crate::dpop_nonces::Role;
use crate::error::Fault;
use crate::error::json::{self, JsonError};
use crate::extract::authenticated_client::{Unnamed, authenticate};
use crate::extract::dpop_proof;
use crate::limiter::network_of;
use crate::request::Request;
use crate::state::State;

/// `POST par`.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let form = request.form()?;
    let mut asked = AuthorizationRequest::decode(&form)?;
    let client = authenticate(state, request, &form, Unnamed::InvalidClient).await?;
    count(state, request, &client)?;
    // §2.1: "The request_uri authorization request parameter is one exception, and it MUST NOT be
    // provided."
    if asked.request_uri.is_some() {
        return Err(Refusal::invalid_request("`request_uri` cannot be pushed").into());
    }
    // The client is the one that proved itself; `client_id` may be left to its credentials.
    asked.client_id = Some(client.id().clone());
    bind(state, request, &mut asked).await?;
    check(state, request, &asked)?;
    let (secret, hash) = Kind::PushedRequest.generate(state.random.as_ref());
    let lifetime = state.settings.pushed_requests.lifetime;
    let pushed = PushedRequest {
        hash,
        issuer: request.issuer.clone(),
        client_id: client.id().clone(),
        parameters: asked,
        pushed_from: request.known_address().map(network::of),
        pushed_at: request.now,
        expires_at: request.now + lifetime,
    };
    let kept = state.store.write(move |tx| {
        if pushed_requests::count_rows(tx)? >= pushed_request::MOST_ROWS {
            return Ok(Err(Refusal::Busy(lifetime)));
        }
        pushed_requests::insert(tx, &pushed).map(Ok)
    });
    kept.await??;
    let response = PushedAuthorizationResponse {
        request_uri: pushed_request::request_uri(&secret),
        expires_in: lifetime.as_secs(),
    };
    let body = serde_json::to_vec(&response).map_err(Fault::from)?;
    Ok(json::json(StatusCode::CREATED, body))
}

/// §2.3 (429): a client pushes as often as people sign in, and not to fill the table.
fn count(state: &State, request: &Request, client: &AuthenticatedClient) -> Result<(), JsonError> {
    let network = network_of(request.peer);
    let pusher = format!("par|{}|{}|{network}", request.issuer, client.id());
    if let Some(wait) = state.limiter.locked_for(&pusher, request.now) {
        return Err(JsonError::TooMany(wait));
    }
    state
        .limiter
        .add_to_share(&state.store, &pusher, PUSHED_REQUESTS, request.now);
    Ok(())
}

/// RFC 9449 §10.1: a proof binds the code as `dpop_jkt` does; both must name one key.
async fn bind(
    state: &State,
    request: &Request,
    asked: &mut AuthorizationRequest,
) -> Result<(), JsonError> {
    let Some(proof) = dpop_proof::find(state, request, Role::AuthorizationServer, None).await?
    else {
        return Ok(());
    };
    match asked.dpop_jkt.as_deref() {
        Some(jkt) if !bound_key::is_same(jkt, &proof.thumbprint) => {
            Err(Refusal::InvalidDpopProof(ProofReason::OtherKey).into())
        }
        Some(_) | None => {
            asked.dpop_jkt = Some(proof.thumbprint);
            Ok(())
        }
    }
}

/// §2.1 no. 3: "Validate the pushed request as it would an authorization request".
fn check(state: &State, request: &Request, asked: &AuthorizationRequest) -> Result<(), Refusal> {
    let client = asked
        .client_id
        .as_ref()
        .and_then(|id| state.clients.find_at(id, &debugger::redirect_uri(request)));
    let reply = authorization_code::check_reply_address(asked, client.as_deref());
    let reply = reply.map_err(|refusal| match refusal {
        AuthorizationRefusal::Page(refusal, _) | AuthorizationRefusal::Redirect(refusal) => refusal,
    })?;
    let client = client.ok_or_else(|| Refusal::invalid_request("`client_id` is missing"))?;
    let checked = authorization_code::check(asked, &client, reply)?;
    state.settings.check_resources(&checked.resource)
}
