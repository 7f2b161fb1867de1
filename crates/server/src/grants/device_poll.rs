//! Answers a poll of a device before a decision: at once, or after it was held for a while.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>, RFC 7240 §4.3.

use std::time::Duration;

use hallpass_issuer::grants::device_poll::{PollTime, PolledGrant};
use hallpass_issuer::policy;
use hallpass_issuer::refusal::Refusal;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{Timestamp, prefer};
use hallpass_store::device_grants;
use hallpass_store::device_polls::{self, Poller};
use tokio::time::Instant;

use super::unknown_device_code::unknown;
use crate::error::json::JsonError;
use crate::held_polls::HeldPoll;
use crate::issuance::Context;
use crate::limiter::network_of;
use crate::request::Request;
use crate::state::State;

/// How often a poll that waits looks at the clock, which tests move.
const TICK: Duration = Duration::from_secs(1);

/// What a device polls for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Poll<'a> {
    pub(super) hash: SecretHash,
    pub(super) resource: &'a [String],
}

/// How a poll that might wait went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// It is answered now.
    Enough,
    /// Another poll of the same device came, or the server stops: nothing may be redeemed.
    TakenOver,
}

impl Poll<'_> {
    /// Whether it wants to wait, or ends the wait of the one before it. Most polls do neither.
    pub(super) fn may_wait(self, at: Context<'_>) -> bool {
        wanted(at.state, at.request).is_some() || at.state.held_polls.has(&self.hash)
    }

    /// Refuses a poll that comes before a decision, or for a grant that was denied: most polls end
    /// here, and none of them writes.
    pub(super) async fn answer(self, at: Context<'_>, came: Timestamp) -> Result<(), JsonError> {
        let Context { state, request, .. } = at;
        let time = PollTime {
            came,
            answered: request.now,
        };
        let (answered, is_elsewhere) = self.count(at, time).await?;
        if is_elsewhere {
            let (hash, from) = (self.hash, request.peer);
            let saved = state
                .store
                .write(move |tx| device_grants::save_other_address(tx, &hash, from));
            saved.await?;
        }
        Ok(answered?)
    }

    /// Counts a poll of the right device: what it is told, and whether it is the first one from
    /// another network.
    async fn count(
        self,
        at: Context<'_>,
        time: PollTime,
    ) -> Result<(Result<(), Refusal>, bool), JsonError> {
        // Only whoever has the code comes so far; a stranger's polls tell nothing of the device.
        let note = |grant: &mut PolledGrant| {
            let from = at.request.known_address();
            from.is_some_and(|from| grant.note_address(from))
        };
        if at.state.store.has_other_nodes() {
            return Box::pin(self.count_for_all_nodes(at, time, note)).await;
        }
        self.look(at, |grant| (grant.answer(time), note(grant)))
            .await
    }

    /// Row S-18: the nodes share one pace, so that a device gains nothing by asking them in turn.
    async fn count_for_all_nodes(
        self,
        at: Context<'_>,
        time: PollTime,
        note: impl FnOnce(&mut PolledGrant) -> bool,
    ) -> Result<(Result<(), Refusal>, bool), JsonError> {
        let Context { state, request, .. } = at;
        let (issuer, hash) = (request.issuer.clone(), self.hash);
        let (client, dpop_jkt) = (at.client.id().clone(), at.dpop_jkt.map(str::to_owned));
        let counted = state.store.write(move |tx| {
            let poller = Poller {
                client: &client,
                dpop_jkt: dpop_jkt.as_deref(),
            };
            device_polls::count(tx, (&issuer, &hash), poller, time)
        });
        let Some((mut grant, is_early)) = counted.await? else {
            return Err(unknown(state, request));
        };
        policy::narrowed_resources(&grant.resource, self.resource)?;
        grant.check_poller(at.client, at.dpop_jkt)?;
        let answer = grant.answer_counted(is_early, time.answered);
        Ok((answer, note(&mut grant)))
    }

    /// Waits for a decision, as long as the client likes and the settings allow.
    pub(super) async fn wait(self, at: Context<'_>) -> Result<Waited, JsonError> {
        let Context { state, request, .. } = at;
        let now = request.now;
        let decisions = state.store.device_decisions();
        let seen = self.look(at, |grant| (grant.is_undecided(now), grant.expires_at));
        let (is_undecided, expires_at) = seen.await?;
        let wait = wanted(state, request).filter(|_| is_undecided);
        let (place, taken_over) = if wait.is_some() {
            let from = (network_of(request.peer), now);
            let most = state.settings.long_polls.most;
            state.held_polls.hold(self.hash, from, most)
        } else {
            (None, state.held_polls.take_over(&self.hash))
        };
        // The device is the right one: its poll that waited is answered, and counted.
        if let Some(came) = taken_over {
            let time = PollTime {
                came,
                answered: now,
            };
            // Whoever asked has gone.
            drop(self.count(at, time).await?);
        }
        let (Some(wait), Some(place)) = (wait, place) else {
            return Ok(Waited::Enough);
        };
        // The answer says so, whatever it is.
        let _: Result<(), _> = request.held_for.set(wait);
        // What was decided before there was a place woke nobody.
        let must_look = decisions != state.store.device_decisions();
        self.sit(at, place, (wait, expires_at), must_look).await
    }

    /// Sits in its place until there is something to say.
    async fn sit(
        self,
        at: Context<'_>,
        place: HeldPoll<'_>,
        (wait, expires_at): (Duration, Timestamp),
        mut must_look: bool,
    ) -> Result<Waited, JsonError> {
        let state = at.state;
        let has_other_nodes = state.settings.database.is_server();
        let end = Instant::now() + wait;
        let soonest = state.settings.long_polls.look_again;
        let next = || Instant::now() + state.held_polls.look_again_after(soonest);
        let mut next_look = next();
        loop {
            if place.is_over() {
                return Ok(Waited::TakenOver);
            }
            if must_look {
                let now = state.now();
                if !self.look(at, |grant| grant.is_undecided(now)).await? {
                    break;
                }
            }
            let clock = Instant::now();
            if clock >= end || state.now() >= expires_at {
                break;
            }
            let left = expires_at.since(state.now()).min(TICK);
            let wakes_at = end.min(clock + left);
            must_look = tokio::select! {
                () = place.news() => true,
                // What another node says may be lost.
                () = tokio::time::sleep_until(next_look), if has_other_nodes => true,
                () = tokio::time::sleep_until(wakes_at) => false,
            };
            if must_look {
                next_look = next();
            }
        }
        Ok(if place.leave() {
            Waited::Enough
        } else {
            Waited::TakenOver
        })
    }

    /// Lets the right device look at its grant: in memory, else in the store.
    async fn look<T>(
        self,
        at: Context<'_>,
        mut see: impl FnMut(&mut PolledGrant) -> T,
    ) -> Result<T, JsonError> {
        let Context {
            state,
            request,
            client,
            dpop_jkt,
            ..
        } = at;
        let mut checked = |grant: &mut PolledGrant| -> Result<T, Refusal> {
            policy::narrowed_resources(&grant.resource, self.resource)?;
            grant.check_poller(client, dpop_jkt)?;
            Ok(see(grant))
        };
        let place = (request.issuer.as_str(), &self.hash);
        // Counted before the store is read: what is decided in between is read at the next poll.
        let decisions = state.store.device_decisions();
        let known = state.polled_grants.answer(place, decisions, &mut checked);
        if let Some(seen) = known {
            return Ok(seen?);
        }
        let (issuer, hash) = (request.issuer.clone(), self.hash);
        let found = state
            .store
            .read(move |tx| device_grants::find_polled(tx, &issuer, &hash));
        let Some(mut grant) = found.await? else {
            return Err(unknown(state, request));
        };
        state.polled_grants.learn(place, decisions, grant.clone());
        let known = state.polled_grants.answer(place, decisions, &mut checked);
        // Another poll has just learnt of a newer decision, or there are too many grants.
        Ok(known.unwrap_or_else(|| checked(&mut grant))?)
    }
}

/// How long the client would like to wait, as far as the settings allow.
fn wanted(state: &State, request: &Request) -> Option<Duration> {
    let values = request.headers.get_all(prefer::PREFER).iter();
    let wait = prefer::wait(values.filter_map(|value| value.to_str().ok()))?;
    let wait = wait.min(state.settings.long_polls.longest);
    (!wait.is_zero()).then_some(wait)
}
