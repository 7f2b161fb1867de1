//! Answers one poll of a device; what a decision leads to is written in one transaction.

use hallpass_issuer::authorization::Origin;
use hallpass_issuer::grants::device_poll::PolledGrant;
use hallpass_issuer::limits::DEVICE_CODE_PER_ADDRESS;
use hallpass_issuer::policy;
use hallpass_issuer::refusal::{GrantReason, Refusal};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_protocol::Secret;
use hallpass_protocol::token::TokenResponse;
use hallpass_store::device_grants;

use super::{Context, first_tokens, settle};
use crate::error::json::JsonError;
use crate::issuance::Beginning;
use crate::limiter::network_of;
use crate::request::Request;
use crate::state::State;

pub(crate) async fn redeem(
    at: Context<'_>,
    device_code: &Secret<String>,
    resource: Vec<String>,
) -> Result<TokenResponse, JsonError> {
    let Context { state, request, .. } = at;
    let Some(hash) = Kind::DeviceCode.read(device_code.expose()) else {
        return Err(unknown(state, request));
    };
    if state.settings.device_policy.is_some() {
        Box::pin(follow_policy(state, request, hash)).await?;
    }
    pace(at, &hash, &resource).await?;
    let beginning = Beginning::new(at);
    let begin = beginning.clone();
    let (issuer, now) = (request.issuer.clone(), request.now);
    let dpop_jkt = at.dpop_jkt.map(str::to_owned);
    let decided = state.store.write(move |tx| {
        let Some(mut grant) = device_grants::find_by_code(tx, &issuer, &hash)? else {
            return Ok(Err(GrantReason::Unknown.into()));
        };
        let audience = match policy::narrowed_resources(&grant.resource, &resource) {
            Ok(audience) => audience,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let shown = (begin.client(), dpop_jkt.as_deref());
        let answer = grant.redeem(shown, begin.id(), now);
        device_grants::save(tx, &grant)?;
        let settled = settle(tx, &begin, answer, Origin::Device)?;
        Ok(settled.map(|authorization| (authorization, audience)))
    });
    let (authorization, audience) = decided.await?.map_err(|denied| match denied.refusal {
        Refusal::InvalidGrant(GrantReason::Unknown) => unknown(state, request),
        other => other.into(),
    })?;
    Box::pin(first_tokens(at, &beginning, &authorization, audience)).await
}

/// Decides in a person's place, where the configuration says so.
async fn follow_policy(
    state: &State,
    request: &Request,
    hash: SecretHash,
) -> Result<(), JsonError> {
    let policy = state.settings.device_policy.as_ref();
    let due = policy.filter(|policy| state.control.device_polls.is_due(policy, hash));
    let Some(policy) = due.cloned() else {
        return Ok(());
    };
    let (issuer, now) = (request.issuer.clone(), request.now);
    let decided = state.store.write(move |tx| {
        if let Some(mut grant) = device_grants::find_by_code(tx, &issuer, &hash)?
            && grant.is_undecided(now)
        {
            policy.decide(&mut grant, now);
            device_grants::save(tx, &grant)?;
        }
        Ok(())
    });
    Ok(decided.await?)
}

/// Refuses a poll that comes before a decision, or for a grant that was denied: most polls end here,
/// and none of them writes.
async fn pace(at: Context<'_>, hash: &SecretHash, resource: &[String]) -> Result<(), JsonError> {
    let Context {
        state,
        request,
        client,
        dpop_jkt,
        ..
    } = at;
    let place = (request.issuer.as_str(), hash);
    let answer = |grant: &mut PolledGrant| {
        policy::narrowed_resources(&grant.resource, resource)?;
        grant.answer((client, dpop_jkt), request.now)
    };
    // Counted before the store is read: what is decided in between is read at the next poll.
    let decisions = state.store.device_decisions();
    if let Some(answer) = state.polled_grants.answer(place, decisions, answer) {
        return Ok(answer?);
    }
    let (issuer, code_hash) = (request.issuer.clone(), *hash);
    let found = state
        .store
        .read(move |tx| device_grants::find_polled(tx, &issuer, &code_hash));
    let Some(mut grant) = found.await? else {
        return Err(unknown(state, request));
    };
    state.polled_grants.learn(place, decisions, grant.clone());
    match state.polled_grants.answer(place, decisions, answer) {
        Some(answer) => Ok(answer?),
        // Another poll has just learnt of a newer decision, or there are too many grants.
        None => Ok(answer(&mut grant)?),
    }
}

/// Refuses a code that nobody was given, and after many of them the address. A real code is
/// answered even then: a stranger behind the same address locks nobody out.
fn unknown(state: &State, request: &Request) -> JsonError {
    let guesser = format!("device code|{}", network_of(request.peer));
    if let Some(wait) = state.limiter.locked_for(&guesser, request.now) {
        return JsonError::TooMany(wait);
    }
    state
        .limiter
        .add(&guesser, DEVICE_CODE_PER_ADDRESS, request.now);
    Refusal::InvalidGrant(GrantReason::Unknown).into()
}
