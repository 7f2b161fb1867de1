//! Removes what is long over, in small batches.

use std::sync::Arc;
use std::time::Duration;

use hallpass_issuer::grants::{authorization_code, device_code};
use hallpass_issuer::{pushed_request, sign_in_event};
use hallpass_store::{
    account_links, authorization_codes, authorizations, browser_sessions, consents, counters,
    device_grants, device_polls, proof_ids, pushed_requests, revocations, sign_in_events,
};

use tokio::time::MissedTickBehavior;

use crate::state::State;

/// How often.
const PERIOD: Duration = Duration::from_mins(1);
/// So many rows of a table at once.
const BATCH: u32 = 1_000;

/// Every bound request leaves one of these.
const PROOFS: u32 = 100_000;

/// A guesser who was quiet for so long has every budget again.
const QUIET: Duration = Duration::from_hours(2);

/// Purges until the server stops.
pub(crate) async fn run(state: Arc<State>) {
    let mut ticks = tokio::time::interval(PERIOD);
    // A node that was stopped for long makes no burst of rounds.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut feed = None;
    loop {
        ticks.tick().await;
        let now = state.now();
        let purge = state.store.write(move |tx| {
            authorization_codes::purge_expired(tx, now, authorization_code::REMEMBERED, BATCH)?;
            device_grants::purge_expired(tx, now, device_code::REMEMBERED, BATCH)?;
            device_polls::purge_expired(tx, now, BATCH)?;
            browser_sessions::purge_expired(tx, now, device_code::REMEMBERED, BATCH)?;
            revocations::purge_expired(tx, now, BATCH)?;
            account_links::purge_expired(tx, now, BATCH)?;
            counters::purge_expired(tx, now, QUIET, BATCH)?;
            proof_ids::purge_expired(tx, now, PROOFS)?;
            consents::purge_expired(tx, now, BATCH)?;
            sign_in_events::purge_expired(tx, now, sign_in_event::REMEMBERED, BATCH)?;
            pushed_requests::purge_expired(tx, now, pushed_request::OPENED, BATCH)?;
            authorizations::purge_expired(tx, now, device_code::REMEMBERED, BATCH)
        });
        let purged = async {
            purge.await?;
            state.store.purge_revocation_feed(feed.take()).await
        };
        match purged.await {
            Ok(seen) => feed = seen,
            Err(error) => tracing::warn!(%error, "purging failed; the next round tries again"),
        }
    }
}
