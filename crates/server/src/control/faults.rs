//! `faults`: the next requests to an endpoint go wrong, in the order that a test asks for.

use hallpass_protocol::token::GrantType;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::endpoint_names;
use super::error::ControlError;
use super::fault_step;
use super::fields::{Fields, ISSUER};
use crate::control_memory::{Rule, TooManySteps};
use crate::settings::nearest_name;
use crate::state::State;

/// `POST faults`, `DELETE faults`.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let faults = &state.control.faults;
    if call.method == Method::DELETE {
        faults.clear();
        return Ok(json!({ "waiting": 0 }));
    }
    let rule = read(&call.body)?;
    let shown = show(&rule);
    let waiting = faults.push(rule).map_err(|TooManySteps| {
        let message = "more than 10,000 steps would wait";
        ControlError::new(StatusCode::CONFLICT, "too_many", message)
            .hint("remove them with `DELETE /_hallpass/faults`")
    })?;
    Ok(json!({ "waiting": waiting, "fault": shown }))
}

/// A rule as tests see it.
pub(super) fn show(rule: &Rule) -> Value {
    let steps: Vec<&Value> = rule.steps.iter().map(|step| &step.shown).collect();
    json!({
        "endpoint": rule.endpoint,
        "grant": rule.grant.map(GrantType::as_str),
        ISSUER: rule.issuer,
        "sequence": steps,
    })
}

fn read(body: &[u8]) -> Result<Rule, ControlError> {
    let mut fields = Fields::of_body(body, &["endpoint", "grant", ISSUER, "sequence"])?;
    let issuer = fields.some_issuer()?;
    let endpoint = fields
        .text("endpoint")?
        .ok_or_else(|| ControlError::missing("endpoint", "which endpoint is to fail?"))?;
    let endpoint = endpoint_names::all()
        .find(|known| *known == endpoint)
        .ok_or_else(|| {
            let hint = nearest_name(endpoint_names::all(), &endpoint).map_or_else(
                || {
                    format!(
                        "endpoints are `{}`",
                        endpoint_names::all().collect::<Vec<_>>().join("`, `")
                    )
                },
                |name| format!("did you mean `{name}`?"),
            );
            ControlError::value("endpoint", format!("`{endpoint}` is no endpoint")).hint(hint)
        })?;
    let grant = match fields.text("grant")? {
        None => None,
        Some(_) if endpoint != "token" => {
            let message = "only requests to `token` have a grant";
            return Err(ControlError::value("grant", message));
        }
        Some(name) => Some(read_grant(&name)?),
    };
    let steps = match fields.take("sequence") {
        Some(Value::Array(steps)) if !steps.is_empty() => steps,
        Some(Value::Array(_)) | None => {
            let message = "a list with at least one step, such as [\"slow_down\"]";
            return Err(ControlError::missing("sequence", message));
        }
        Some(other) => {
            let message = format!("{other} is not a list of steps");
            return Err(ControlError::value("sequence", message));
        }
    };
    let step = |(index, step): (usize, &Value)| {
        fault_step::read(step, &format!("sequence[{index}]"), endpoint)
    };
    Ok(Rule {
        endpoint,
        grant,
        issuer,
        steps: steps
            .iter()
            .enumerate()
            .map(step)
            .collect::<Result<_, _>>()?,
    })
}

fn read_grant(name: &str) -> Result<GrantType, ControlError> {
    GrantType::parse(name).ok_or_else(|| {
        let names = [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "device_code",
            "token-exchange",
            "jwt-bearer",
        ];
        let hint = nearest_name(names.into_iter(), name).map_or_else(
            || format!("grants are `{}`", names.join("`, `")),
            |name| format!("did you mean `{name}`?"),
        );
        ControlError::value("grant", format!("`{name}` is no grant")).hint(hint)
    })
}
