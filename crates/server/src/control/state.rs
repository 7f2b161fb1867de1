//! `state`: what the server has been told, and what waits in it.

use hallpass_store::device_grants;
use serde_json::{Value, json};

use super::call::Answer;
use super::{callbacks, clock, device, faults, keys};
use crate::control_memory::Size;
use crate::settings::DevicePolicy;
use crate::state::State;

/// So many device codes are shown.
const MOST_DEVICES: u32 = 100;

/// `GET state`.
pub(super) async fn answer(state: &State) -> Answer {
    let (control, now) = (&state.control, state.now());
    let waiting = state
        .store
        .read(move |tx| device_grants::list_all_pending(tx, now, MOST_DEVICES));
    let devices: Vec<Value> = waiting
        .await?
        .iter()
        .map(|grant| device::show(grant, now))
        .collect();
    let waiting_callbacks: Vec<Value> = control
        .callbacks
        .list()
        .iter()
        .map(callbacks::show)
        .collect();
    let waiting_faults: Vec<Value> = control.faults.list().iter().map(faults::show).collect();
    let in_use = state.keys.in_use();
    let keys: Vec<Value> = in_use
        .iter()
        .map(|(issuer, of_issuer)| keys::show(issuer, of_issuer))
        .collect();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "strict": state.settings.strict,
        "clock": clock::show(state),
        "callbacks": waiting_callbacks,
        "faults": waiting_faults,
        "requests": show_size(control.requests.size()),
        "devices": devices,
        "devicePolicy": state.settings.device_policy.as_ref().map(show_policy),
        "keys": keys,
    }))
}

fn show_size(size: Size) -> Value {
    json!({
        "kept": size.kept,
        "bytes": size.bytes,
        "dropped": size.dropped,
        "lastId": size.last_id,
    })
}

/// As it is configured.
fn show_policy(policy: &DevicePolicy) -> Value {
    match &policy.approved_by {
        Some(user) => json!({
            "autoApprove": user.id.as_str(),
            "claims": user.claims,
            "afterPolls": policy.after_polls,
        }),
        None => json!({ "autoDeny": true, "afterPolls": policy.after_polls }),
    }
}
