//! `callbacks`: what the next tokens of an issuer say, as `enqueueCallback` of
//! `mock-oauth2-server`.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use crate::control_memory::{Callback, TooManyCallbacks, TooManyTypes};
use crate::dev_mode::Mapped;
use crate::state::State;

/// `POST callbacks`, `DELETE callbacks`.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let callbacks = &state.control.callbacks;
    if call.method == Method::DELETE {
        callbacks.clear();
        return Ok(json!({ "waiting": 0 }));
    }
    let known = [
        ISSUER,
        "subject",
        "audience",
        "claims",
        "expiry",
        "typeHeader",
        "times",
    ];
    let mut fields = Fields::of_body(&call.body, &known)?;
    let issuer = fields.issuer()?;
    let mapped = mapped(&mut fields)?;
    let times = fields.number("times", 1..=1_000_000)?.unwrap_or(1);
    if let Some(typ) = &mapped.typ {
        remember_typ(state, typ)?;
    }
    let callback = Callback {
        issuer,
        mapped,
        times,
    };
    let shown = show(&callback);
    let waiting = callbacks.push(callback).map_err(|TooManyCallbacks| {
        let message = "1,000 callbacks wait already";
        ControlError::new(StatusCode::CONFLICT, "too_many", message)
            .hint("remove them with `DELETE /_hallpass/callbacks`")
    })?;
    Ok(json!({ "waiting": waiting, "callback": shown }))
}

/// Remembers a `typ`, so that tokens with it are still recognised as our own.
pub(super) fn remember_typ(state: &State, typ: &str) -> Result<(), ControlError> {
    let callbacks = &state.control.callbacks;
    callbacks.add_token_type(typ).map_err(|TooManyTypes| {
        ControlError::value("typeHeader", "100 different types were used already")
    })
}

/// A callback as tests see it.
pub(super) fn show(callback: &Callback) -> Value {
    json!({
        ISSUER: callback.issuer,
        "claims": callback.mapped.claims,
        "expiry": callback.mapped.lifetime.as_secs(),
        "typeHeader": callback.mapped.typ,
        "times": callback.times,
    })
}

fn mapped(fields: &mut Fields) -> Result<Mapped, ControlError> {
    let mut claims: Map<String, Value> = fields.object("claims")?;
    if let Some(subject) = fields.text("subject")? {
        claims.insert("sub".to_owned(), Value::from(subject));
    }
    if let Some(audience) = fields.texts("audience")? {
        claims.insert("aud".to_owned(), Value::from(audience));
    }
    check_claims(&claims)?;
    Ok(Mapped {
        claims,
        typ: fields.filled("typeHeader")?,
        lifetime: fields
            .span("expiry", None)?
            .unwrap_or(Duration::from_hours(1)),
        adds: true,
    })
}

/// A claim that an access token cannot carry there would be left out in silence.
fn check_claims(claims: &Map<String, Value>) -> Result<(), ControlError> {
    let is_text = |value: &Value| value.is_string();
    let is_time = |value: &Value| value.as_i64().is_some();
    for (name, value) in claims {
        let (fits, wanted) = match name.as_str() {
            "sub" | "iss" | "jti" | "client_id" | "scope" | "acr" => (is_text(value), "a string"),
            "exp" | "iat" | "nbf" | "auth_time" => (is_time(value), "a number of Unix seconds"),
            "aud" | "amr" => {
                let is_list = |list: &Vec<Value>| list.iter().all(is_text);
                let one = name == "aud" && is_text(value);
                (
                    one || value.as_array().is_some_and(is_list),
                    "a list of strings",
                )
            }
            // A token that hangs from nothing, or is bound to a key, comes from `token`.
            "sid" | "cnf" => (
                false,
                "for a callback to choose: mint it with `/_hallpass/token`",
            ),
            _ => (true, ""),
        };
        if !fits {
            let message = format!("{value} is not {wanted}");
            return Err(ControlError::value(&format!("claims.{name}"), message));
        }
    }
    Ok(())
}
