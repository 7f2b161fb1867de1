//! `state`: what the server has been told, and what waits in it.

use hallpass_store::device_grants;
use serde_json::{Value, json};

use super::route::Answer;
use super::{clock, device, keys};
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
    let in_use = state.keys.in_use();
    let keys: Vec<Value> = in_use
        .iter()
        .map(|(issuer, of_issuer)| keys::show(issuer, of_issuer))
        .collect();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "strict": state.settings.strict,
        "clock": clock::show(state),
        "callbacks": control.callbacks.show(),
        "faults": control.faults.show(),
        "requests": control.requests.show(),
        "devices": devices,
        "devicePolicy": state.settings.device_policy.as_ref().map(show_policy),
        "keys": keys,
    }))
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
