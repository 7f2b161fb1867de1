//! Token revocation; also takes a device code that its client no longer needs.
//!
//! RFC 7009 §2: <https://www.rfc-editor.org/rfc/rfc7009#section-2>

use hallpass_issuer::AuthenticatedClient;
use hallpass_issuer::audit::Event;
use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::refusal::{GrantReason, Refusal};
use hallpass_issuer::tokens::one_time::Kind;
use hallpass_protocol::revocation::RevocationRequest;
use hallpass_store::{authorizations, device_grants, revocations};
use http::{Response, StatusCode};

use crate::Body;
use crate::dev_mode::unsigned_refresh_token;
use crate::error::json::{self, JsonError};
use crate::extract::authenticated_client::{Unnamed, authenticate};
use crate::extract::token::access_token_claims;
use crate::request::Request;
use crate::state::State;

/// `POST revoke`. An unknown token is a success (RFC 7009 §2.2), the hint changes nothing.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let form = request.form()?;
    let asked = RevocationRequest::decode(&form)?;
    let client = authenticate(state, request, &form, Unnamed::InvalidClient).await?;
    let token = asked
        .token
        .ok_or_else(|| Refusal::invalid_request("`token` is missing"))?;
    let token = unsigned_refresh_token::unwrap(&token);
    let token = token.expose();
    if let Some(hash) = Kind::DeviceCode.read(token) {
        let (issuer, client_id, now) = (request.issuer.clone(), client.id().clone(), request.now);
        let withdraw = state.store.write(move |tx| {
            if let Some(mut grant) = device_grants::find_by_code(tx, &issuer, &hash)?
                && grant.client_id == client_id
            {
                let was_undecided = grant.is_undecided(now);
                grant.withdraw(now);
                device_grants::save(tx, &grant)?;
                return Ok(was_undecided);
            }
            Ok(false)
        });
        if withdraw.await? {
            let entry = request.event(Event::DeviceWithdrawn);
            state.audit.tell(entry.by_client(client.id()));
        }
        state.held_polls.wake(&hash);
    } else if let Some(genuine) = state.refresh_keys.read(token, &request.issuer, client.id()) {
        let (id, now) = (genuine.authorization, request.now);
        let revoke = state
            .store
            .write(move |tx| authorizations::revoke(tx, id, RevokeReason::Client, now));
        revoke.await?;
        let entry = request.event(Event::SessionRevoked);
        let entry = entry.by_client(client.id()).with_sid(id);
        state.audit.keep(entry.with("why", "client")).await;
    } else if let Some(owner) = refresh_token_owner(state, request, token).await? {
        tracing::info!(%owner, "revocation of another client's refresh token refused");
        return Err(Refusal::InvalidGrant(GrantReason::OtherClient).into());
    } else {
        revoke_access_token(state, request, &client, token).await?;
    }
    Ok(json::json(StatusCode::OK, b"{}".to_vec()))
}

/// The other client that a genuine refresh token belongs to (row S-150).
async fn refresh_token_owner(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<hallpass_protocol::ClientId>, JsonError> {
    let Some(id) = state.refresh_keys.peek_authorization(token) else {
        return Ok(None);
    };
    let found = state
        .store
        .read(move |tx| authorizations::find(tx, id))
        .await?;
    let owner = found.map(|authorization| authorization.client_id);
    Ok(owner.filter(|owner| {
        state
            .refresh_keys
            .read(token, &request.issuer, owner)
            .is_some()
    }))
}

/// A JWT ends by its id, until it would have ended by itself.
async fn revoke_access_token(
    state: &State,
    request: &Request,
    client: &AuthenticatedClient,
    token: &str,
) -> Result<(), JsonError> {
    let keys = state
        .keys
        .of(&request.issuer, &state.store, request.now)
        .await?;
    let Some(claims) = access_token_claims(state, &keys, token) else {
        return Ok(());
    };
    if claims.client_id != client.id().as_str() {
        return Err(Refusal::InvalidGrant(GrantReason::OtherClient).into());
    }
    let issuer = request.issuer.clone();
    let end = state
        .store
        .write(move |tx| revocations::insert_jti(tx, &issuer, &claims.jti, claims.exp));
    Ok(end.await?)
}
