//! Wakes the polls that wait at this node for codes that another one decides.

use std::sync::Arc;

use hallpass_store::DeviceNews;

use crate::state::State;

/// Wakes them until the server stops. News that is lost costs a poll no more than the time until it
/// looks by itself.
pub(crate) async fn run(state: Arc<State>, mut news: DeviceNews) {
    while let Some(code) = news.next().await {
        state.held_polls.wake(&code);
    }
}
