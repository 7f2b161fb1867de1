//! What whoever polls for a device code is told that nobody was given.

use hallpass_issuer::limits::DEVICE_CODE_PER_ADDRESS;
use hallpass_issuer::refusal::{GrantReason, Refusal};

use crate::error::json::JsonError;
use crate::limiter::network_of;
use crate::request::Request;
use crate::state::State;

/// Refuses a code that nobody was given, and after many of them the address. A real code is
/// answered even then: a stranger behind the same address locks nobody out.
pub(super) fn unknown(state: &State, request: &Request) -> JsonError {
    let guesser = format!("device code|{}", network_of(request.peer));
    if let Some(wait) = state.limiter.locked_for(&guesser, request.now) {
        return JsonError::TooMany(wait);
    }
    state
        .limiter
        .add_to_share(&state.store, &guesser, DEVICE_CODE_PER_ADDRESS, request.now);
    Refusal::InvalidGrant(GrantReason::Unknown).into()
}
