//! `reset`: the server as it was at its start, for the next test.

use hallpass_store::{
    authorization_codes, authorizations, browser_sessions, clients, confirmed_networks, consents,
    device_grants, proof_ids, pushed_requests,
};

use super::call::{Answer, Call};
use super::fields::Fields;
use super::state;
use crate::state::State;

/// `POST reset`.
///
/// Access tokens that were revoked one by one stay revoked: nobody can meet them by chance, and a
/// test that revoked one must not find it alive.
pub(super) async fn answer(state: &State, call: &Call) -> Answer {
    Fields::of_body(&call.body, &[])?;
    let control = &state.control;
    control.faults.clear();
    control.callbacks.clear();
    let forget = state.store.write(|tx| {
        device_grants::delete_all(tx)?;
        authorization_codes::delete_all(tx)?;
        authorizations::delete_all(tx)?;
        pushed_requests::delete_all(tx)?;
        proof_ids::delete_all(tx)?;
        clients::delete_all(tx)?;
        confirmed_networks::delete_all(tx)?;
        consents::delete_all(tx)?;
        browser_sessions::delete_all(tx)
    });
    forget.await?;
    state.held_polls.release_all();
    state.keys.reset(&state.store).await?;
    state.clients.forget_registered();
    state.limiter.clear();
    state.used_ids.clear();
    state.recent_users.clear();
    control.device_polls.clear();
    control.requests.clear();
    control.clock.reset();
    state::answer(state).await
}
