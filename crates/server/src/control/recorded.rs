//! A request as tests see it.

use hallpass_protocol::form::Form;
use serde_json::{Map, Value, json};

use super::fields::ISSUER;
use super::time;
use crate::control_memory::{Outcome, Recorded, Unpacked};

/// A request that was kept, as JSON.
pub(super) fn show(recorded: &Recorded) -> Value {
    let Unpacked {
        id,
        at,
        method,
        endpoint,
        path,
        query,
        issuer,
        headers: sent,
        body,
        outcome,
    } = recorded.unpack();
    let mut headers = Map::new();
    for (name, value) in sent {
        add(&mut headers, name, value);
    }
    let is_form = headers
        .get("content-type")
        .and_then(Value::as_str)
        .is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"));
    let (status, hung_up) = match outcome {
        Outcome::Unanswered => (None, false),
        Outcome::HungUp => (None, true),
        Outcome::Answered(status) => (Some(status.as_u16()), false),
    };
    json!({
        "id": id,
        "at": time::write(at),
        "method": method.as_str(),
        "path": path,
        "endpoint": endpoint,
        ISSUER: issuer,
        "query": parameters(&query),
        "headers": headers,
        "form": is_form.then(|| parameters(&body)),
        "body": body,
        "status": status,
        "closed": hung_up,
    })
}

/// The parameters of a query or a form; what is none is shown by `body` alone.
fn parameters(text: &str) -> Value {
    let mut members = Map::new();
    if let Ok(form) = Form::parse(text) {
        for (name, value) in form.iter() {
            add(&mut members, name.to_owned(), value.to_owned());
        }
    }
    Value::Object(members)
}

/// Adds a value; what has several becomes a list.
fn add(members: &mut Map<String, Value>, name: String, value: String) {
    let value = Value::from(value);
    match members.get_mut(&name) {
        None => {
            members.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = json!([first.clone(), value]),
    }
}
