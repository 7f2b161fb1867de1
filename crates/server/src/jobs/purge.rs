//! Removes what is long over, in small batches.

use std::time::Duration;

use hallpass_issuer::grants::{authorization_code, device_code};
use hallpass_issuer::sign_in_event;
use hallpass_issuer::sign_up::MAILS_PER_DAY;
use hallpass_protocol::Timestamp;
use hallpass_store::{
    Store, StoreError, Transaction, account_links, audit_events, authorization_codes,
    authorization_lookups, authorizations, browser_sessions, confirmed_networks, consents,
    counters, device_grants, device_polls, leader, passkey_challenges, proof_ids, pushed_requests,
    revocations, sign_in_events, sign_ups,
};
use tokio::time::MissedTickBehavior;

use crate::audit;
use crate::state::{Current, State};

/// How often.
const PERIOD: Duration = Duration::from_mins(1);
/// So many rows of a table at once.
const BATCH: u32 = 500;
/// Requests that wait to write go between two batches.
const PAUSE: Duration = Duration::from_millis(10);
/// Audit events go once an hour.
const ROUNDS_OF_AN_HOUR: u32 = 60;
/// From where something was done is kept for as long as people are shown their own sign-ins.
const PLACES_REMEMBERED: Duration = sign_in_event::REMEMBERED;
/// Who was quiet for so long has every budget again: longer than the longest of them locks, which is that
/// of mails to newcomers.
const QUIET: Duration = Duration::from_hours(25);
const _: () = assert!(QUIET.as_secs() > MAILS_PER_DAY.lock.as_secs());

/// Purges until the server stops, by the settings that hold in each round.
pub(crate) async fn run(current: Current) {
    let mut ticks = tokio::time::interval(PERIOD);
    // A node that was stopped for long makes no burst of rounds.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut feed = None;
    let mut place = authorization_lookups::Place::random(current.get().now());
    let mut rounds: u32 = 0;
    loop {
        ticks.tick().await;
        let state = current.get();
        let purged = async {
            let opened = state.settings.interaction_lifetime;
            purge(&state.store, state.now(), opened).await?;
            sweep(&state.store, &mut place).await?;
            if rounds.is_multiple_of(ROUNDS_OF_AN_HOUR) {
                prune_audit(&state).await?;
            }
            rounds = rounds.wrapping_add(1);
            state.store.purge_revocation_feed(feed.take()).await
        };
        match purged.await {
            Ok(seen) => feed = seen,
            Err(error) => tracing::warn!(%error, "purging failed; the next round tries again"),
        }
    }
}

/// Removes all that is over, unless another node is at it. A browser has `opened` for a pushed request that
/// it opened in time.
async fn purge(store: &Store, now: Timestamp, opened: Duration) -> Result<(), StoreError> {
    let batch = move |tx: &Transaction<'_>| {
        if leader::may_purge(tx)? {
            purge_batch(tx, now, opened)
        } else {
            Ok(0)
        }
    };
    while store.write(batch).await? >= u64::from(BATCH) {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Takes out of the lookup tables what points nowhere: one batch, which is all of ten million
/// sign-ins in two weeks, or more where much of it goes.
async fn sweep(store: &Store, place: &mut authorization_lookups::Place) -> Result<(), StoreError> {
    loop {
        let from = place.clone();
        let look = store.read(move |tx| authorization_lookups::list_dangling(tx, &from, BATCH));
        let (dangling, next) = look.await?;
        *place = next;
        if dangling.is_empty() {
            return Ok(());
        }
        let is_backlog = dangling.len() >= BATCH as usize / 2;
        let delete = store.write(move |tx| authorization_lookups::delete(tx, &dangling));
        delete.await?;
        if !is_backlog {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes the audit events that are older than the settings say, chain by chain, and signs where each
/// begins then.
async fn prune_audit(state: &State) -> Result<(), StoreError> {
    let until = state.now() - state.settings.audit.retention;
    let old = state
        .store
        .read(move |tx| audit_events::list_old(tx, until));
    for node in old.await? {
        loop {
            let key = audit::load_key(&state.store, state.random.as_ref()).await?;
            let prune = state.store.write(move |tx| {
                if leader::may_purge(tx)? {
                    audit_events::prune(tx, node, (until, BATCH), &key)
                } else {
                    Ok(Ok(0))
                }
            });
            match prune.await? {
                Ok(0) => break,
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(finding) => {
                    tracing::error!(%finding, "old audit events stay: run `hallpass admin audit verify`");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// How many rows went of the table that had most of them.
fn purge_batch(tx: &Transaction<'_>, now: Timestamp, opened: Duration) -> Result<u64, StoreError> {
    let removed = [
        authorization_codes::purge_expired(tx, now, authorization_code::REMEMBERED, BATCH)?,
        device_grants::purge_expired(tx, now, device_code::REMEMBERED, BATCH)?,
        device_polls::purge_expired(tx, now, BATCH)?,
        browser_sessions::purge_expired(tx, now, device_code::REMEMBERED, BATCH)?,
        revocations::purge_expired(tx, now, BATCH)?,
        account_links::purge_expired(tx, now, BATCH)?,
        sign_ups::purge_expired(tx, now, BATCH)?,
        counters::purge_expired(tx, now, QUIET, BATCH)?,
        proof_ids::purge_expired(tx, now, BATCH)?,
        consents::purge_expired(tx, now, BATCH)?,
        passkey_challenges::purge_expired(tx, now, BATCH)?,
        confirmed_networks::purge_expired(tx, now, BATCH)?,
        sign_in_events::purge_expired(tx, now, sign_in_event::REMEMBERED, BATCH)?,
        audit_events::clear_places(tx, now - PLACES_REMEMBERED, BATCH)?,
        pushed_requests::purge_expired(tx, now, opened, BATCH)?,
        authorizations::purge_expired(tx, now, device_code::REMEMBERED, BATCH)?,
    ];
    Ok(removed.into_iter().max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use hallpass_issuer::authorization::{Authorization, AuthorizationSeed, Origin};
    use hallpass_issuer::user::{SignIn, User};
    use hallpass_protocol::random::SystemRandom;
    use hallpass_protocol::{AuthorizationId, ClientId, Scopes, UserId};
    use hallpass_store::StoreKey;

    use super::*;

    fn authorization(number: u32, now: Timestamp) -> Authorization {
        Authorization {
            id: AuthorizationId::generate(now, &SystemRandom),
            issuer: String::new(),
            client_id: ClientId::new("cli"),
            seed: AuthorizationSeed {
                user: User {
                    id: UserId::new(format!("person-{number}")),
                    claims: serde_json::Map::new(),
                },
                sign_in: SignIn::default(),
                scopes: Scopes::default(),
                resource: Vec::new(),
                auth_time: now,
                nonce: None,
                browser_session: None,
                browser_address: None,
            },
            origin: Origin::Device,
            address: None,
            created_at: now,
            refresh: None,
            revoked: None,
            dpop_jkt: None,
        }
    }

    #[tokio::test]
    async fn one_round_takes_out_all_of_a_backlog_that_points_nowhere() {
        let store = Store::open_in_memory(StoreKey::from_bytes([1; 32])).unwrap();
        let now = Timestamp::from_unix_seconds(1_000_000);
        let fill = store.write(move |tx| {
            for number in 0..2 * BATCH + 100 {
                authorizations::insert(tx, &authorization(number, now))?;
            }
            authorizations::delete_all(tx)?;
            authorizations::insert(tx, &authorization(7, now))
        });
        fill.await.unwrap();
        let mut place = authorization_lookups::Place::default();
        sweep(&store, &mut place).await.unwrap();
        let left = store.read(|tx| {
            let start = authorization_lookups::Place::default();
            let (dangling, _) = authorization_lookups::list_dangling(tx, &start, 10 * BATCH)?;
            let living = authorizations::list_by_user(tx, "", &UserId::new("person-7"))?;
            Ok((dangling.len(), living.len()))
        });
        assert_eq!(left.await, Ok((0, 1)));
        assert_eq!(place, authorization_lookups::Place::default(), "at the end");
    }

    #[tokio::test]
    async fn one_round_removes_all_that_is_over_and_nothing_else() {
        let store = Store::open_in_memory(StoreKey::from_bytes([1; 32])).unwrap();
        let now = Timestamp::from_unix_seconds(1_000_000);
        let fill = store.write(move |tx| {
            for number in 0..3 * BATCH {
                revocations::insert_jti(tx, "default", &format!("over {number}"), now)?;
            }
            revocations::insert_jti(tx, "default", "not yet", now + Duration::from_secs(1))
        });
        fill.await.unwrap();
        purge(&store, now, Duration::ZERO).await.unwrap();
        let left = store.read(|tx| {
            let known = |jti| revocations::is_revoked_jti(tx, "default", jti);
            Ok((known("over 0")?, known("over 1499")?, known("not yet")?))
        });
        assert_eq!(left.await, Ok((false, false, true)));
    }
}
