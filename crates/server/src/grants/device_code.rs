//! Redeems a device code: what a decision leads to is written in one transaction.

use hallpass_issuer::authorization::{Authorization, Origin};
use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::limits::DEVICE_CODE_PER_ADDRESS;
use hallpass_issuer::policy;
use hallpass_issuer::refusal::{GrantReason, Refusal};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_protocol::Secret;
use hallpass_protocol::token::TokenResponse;
use hallpass_store::{StoreError, Transaction, authorizations, device_grants};

use super::device_poll::{Poll, Waited};
use super::{Context, first_tokens, settle};
use crate::error::json::JsonError;
use crate::issuance::Beginning;
use crate::limiter::{self, network_of};
use crate::phishing_signals::PhishingSignals;
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
    let poll = Poll {
        hash,
        resource: &resource,
    };
    if poll.may_wait(at) {
        return Box::pin(redeem_held(at, poll, device_code)).await;
    }
    let came = request.now;
    poll.answer(at, came).await?;
    finish(at, poll, device_code).await
}

/// Redeems a code that was approved; the last word is the record's.
async fn finish(
    at: Context<'_>,
    poll: Poll<'_>,
    device_code: &Secret<String>,
) -> Result<TokenResponse, JsonError> {
    let Context { state, request, .. } = at;
    let (hash, resource) = (poll.hash, poll.resource.to_vec());
    let beginning = Beginning::of_device_code(at, device_code);
    let begin = beginning.clone();
    let (issuer, now) = (request.issuer.clone(), request.now);
    let dpop_jkt = at.dpop_jkt.map(str::to_owned);
    let from = request.known_address();
    let decided = state.store.write(move |tx| {
        let Some(mut grant) = device_grants::find_by_code(tx, &issuer, &hash)? else {
            return Ok(Err(GrantReason::Unknown.into()));
        };
        let audience = match policy::narrowed_resources(&grant.resource, &resource) {
            Ok(audience) => audience,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        if let Some(found) = find_unheard(tx, &grant, &begin, dpop_jkt.as_deref())? {
            return Ok(Ok((found, audience)));
        }
        let shown = (begin.client(), dpop_jkt.as_deref());
        let answer = grant.redeem(shown, begin.id(), now);
        device_grants::save(tx, &grant)?;
        if let (Ok(_), Some(from)) = (&answer, from) {
            PhishingSignals::note_redeemed(&grant, from);
        }
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
    decided.await?;
    state.held_polls.wake(&hash);
    Ok(())
}

/// Holds a poll as long as its client likes and nobody decides, then answers it (row S-271).
async fn redeem_held(
    at: Context<'_>,
    poll: Poll<'_>,
    device_code: &Secret<String>,
) -> Result<TokenResponse, JsonError> {
    let came = at.request.now;
    if poll.wait(at).await? == Waited::TakenOver {
        return Err(Refusal::AuthorizationPending.into());
    }
    // Tokens live from when they are given.
    let request = Request {
        now: at.state.now(),
        ..at.request.clone()
    };
    let at = Context {
        request: &request,
        ..at
    };
    poll.answer(at, came).await?;
    finish(at, poll, device_code).await
}

/// The authorization of a redeemed code whose device did not hear of it.
fn find_unheard(
    tx: &Transaction<'_>,
    grant: &DeviceGrant,
    begin: &Beginning,
    dpop_jkt: Option<&str>,
) -> Result<Option<Authorization>, StoreError> {
    let Some(id) = grant.authorization() else {
        return Ok(None);
    };
    let found = authorizations::find(tx, id)?.filter(|found| {
        grant.answers_again((begin.client(), dpop_jkt), found, begin.now())
            // A family from before this version has a seed that nobody can derive.
            && found.refresh.is_some() == begin.first_of(found).is_some()
    });
    if found.is_some() {
        tracing::info!(authorization = %id, "device code answered again: the device did not hear");
    }
    Ok(found)
}

/// Refuses a code that nobody was given, and after many of them the address. A real code is
/// answered even then: a stranger behind the same address locks nobody out.
pub(super) fn unknown(state: &State, request: &Request) -> JsonError {
    let guesser = format!("device code|{}", network_of(request.peer));
    if let Some(wait) = state.limiter.locked_for(&guesser, request.now) {
        return JsonError::TooMany(wait);
    }
    limiter::add_to_share(state, &guesser, DEVICE_CODE_PER_ADDRESS, request.now);
    Refusal::InvalidGrant(GrantReason::Unknown).into()
}
