//! `clock`: moves the server's time, stops it and lets it run.

use http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::error::ControlError;
use super::fields::Fields;
use super::time;
use crate::state::State;

/// `GET clock`, `POST clock`.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if call.method == Method::POST {
        change(state, call)?;
    }
    Ok(show(state))
}

/// What the clock shows.
pub(super) fn show(state: &State) -> Value {
    let now = state.now();
    json!({
        "now": time::write(now),
        "unix": now.unix_seconds(),
        "running": state.control.clock.is_running(),
    })
}

fn change(state: &State, call: &Call) -> Result<(), ControlError> {
    let mut fields = Fields::of_body(&call.body, &["set", "advance", "running"])?;
    let clock = &state.control.clock;
    let set = fields.moment("set")?;
    let advance = fields.span("advance", None)?;
    let running = fields.flag("running")?;
    match (set, advance) {
        (Some(_), Some(_)) => {
            let message = "`set` and `advance` exclude each other";
            return Err(ControlError::value("advance", message));
        }
        (None, None) if running.is_none() => {
            let message = "send `set`, `advance` or `running`";
            return Err(ControlError::missing("advance", message));
        }
        (Some(time), None) => clock.set(time),
        (None, Some(span)) => {
            clock.advance(span).ok_or_else(|| {
                ControlError::value("advance", "the clock ends with the year 9998")
            })?;
        }
        (None, None) => {}
    }
    if let Some(running) = running {
        clock.run(running);
    }
    tracing::info!(now = %time::write(state.now()), "the clock was changed");
    Ok(())
}
