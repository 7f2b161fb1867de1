//! `callbacks`: what the next tokens of an issuer say, as `enqueueCallback` of
//! `mock-oauth2-server`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use super::route::{Answer, Call};
use crate::dev_mode::Mapped;
use crate::state::State;

/// So many callbacks wait at most.
const MOST: usize = 1_000;
/// So many values of `typ` are remembered.
const MOST_TYPES: usize = 100;

/// The callbacks that wait for a token request.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    /// How many wait: a token request without one takes no lock.
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Callback>>,
    /// Whether tokens with a `typ` of a test's own were made.
    has_types: AtomicBool,
    types: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Callback {
    issuer: String,
    mapped: Mapped,
    times: u64,
}

impl Callbacks {
    /// What the next tokens of an issuer say, if a test has said so.
    pub(crate) fn next(&self, issuer: &str) -> Option<Mapped> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = lock(&self.queue);
        let index = queue
            .iter()
            .position(|callback| callback.issuer == issuer)?;
        let callback = queue.get_mut(index)?;
        callback.times -= 1;
        let mapped = callback.mapped.clone();
        if callback.times == 0 {
            queue.remove(index);
        }
        self.waiting.store(queue.len(), Ordering::Release);
        Some(mapped)
    }

    /// The values of `typ` that tokens of this server may have beside its own.
    pub(crate) fn token_types(&self) -> Vec<String> {
        if self.has_types.load(Ordering::Acquire) {
            lock(&self.types).clone()
        } else {
            Vec::new()
        }
    }

    /// Remembers a `typ`, so that tokens with it are still recognised as our own.
    pub(super) fn add_token_type(&self, typ: &str) -> Result<(), ControlError> {
        let mut types = lock(&self.types);
        if types.iter().any(|known| known == typ) {
            return Ok(());
        }
        if types.len() >= MOST_TYPES {
            let message = "100 different types were used already";
            return Err(ControlError::value("typeHeader", message));
        }
        types.push(typ.to_owned());
        self.has_types.store(true, Ordering::Release);
        Ok(())
    }

    /// Forgets the callbacks that wait.
    pub(super) fn clear(&self) {
        let mut queue = lock(&self.queue);
        queue.clear();
        self.waiting.store(0, Ordering::Release);
    }

    /// The callbacks that wait, in their order.
    pub(super) fn show(&self) -> Vec<Value> {
        lock(&self.queue).iter().map(Callback::show).collect()
    }

    fn push(&self, callback: Callback) -> Result<usize, ControlError> {
        let mut queue = lock(&self.queue);
        if queue.len() >= MOST {
            let message = "1,000 callbacks wait already";
            return Err(ControlError::new(StatusCode::CONFLICT, "too_many", message)
                .hint("remove them with `DELETE /_hallpass/callbacks`"));
        }
        queue.push_back(callback);
        self.waiting.store(queue.len(), Ordering::Release);
        Ok(queue.len())
    }
}

impl Callback {
    fn show(&self) -> Value {
        json!({
            ISSUER: self.issuer,
            "claims": self.mapped.claims,
            "expiry": self.mapped.lifetime.as_secs(),
            "typeHeader": self.mapped.typ,
            "times": self.times,
        })
    }
}

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
        callbacks.add_token_type(typ)?;
    }
    let callback = Callback {
        issuer,
        mapped,
        times,
    };
    let shown = callback.show();
    let waiting = callbacks.push(callback)?;
    Ok(json!({ "waiting": waiting, "callback": shown }))
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
