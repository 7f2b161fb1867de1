//! Tells the other nodes that this one lives and which keys it knows, and follows them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hallpass_protocol::KeyId;
use hallpass_store::{StoreError, nodes};
use tokio::time::MissedTickBehavior;

use super::rotate_keys::ISSUER;
use crate::state::State;

/// Beats until the server stops.
pub(crate) async fn run(state: Arc<State>) {
    let mut ticks = tokio::time::interval(nodes::BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let kids: Vec<KeyId> = state.keys.kids(ISSUER);
        let beat = state.store.beat(kids).await;
        // It happens to a node that was silent for long while the others got another ring.
        let lacks_key = matches!(
            beat,
            Err(StoreError::MissingKey { .. } | StoreError::WrongKey { .. })
        );
        state.lacks_key.store(lacks_key, Ordering::Release);
        if let Err(error) = beat {
            tracing::error!(%error, "the other nodes do not hear of this one");
        }
    }
}
