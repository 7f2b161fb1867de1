//! A request as the control API keeps it: one block of bytes, taken apart only when somebody asks.
//!
//! The request's own buffers would keep the whole read buffer of its connection alive.

use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::fields::ISSUER;
use super::time;
use crate::request::Request;

/// One request, as bytes.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) id: u64,
    at: Timestamp,
    method: Method,
    pub(super) endpoint: &'static str,
    /// Path, query, issuer, then name and value of every header, then the body.
    text: Box<[u8]>,
    path: u32,
    query: u32,
    issuer: u32,
    /// The length of the name and of the value of each header.
    headers: Box<[(u16, u16)]>,
    pub(super) outcome: Outcome,
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Unanswered,
    HungUp,
    Answered(StatusCode),
}

impl Recorded {
    /// Copies a request; its number comes with the list.
    pub(super) fn new(request: &Request, endpoint: &'static str) -> Self {
        let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let short = |text: &[u8]| u16::try_from(text.len()).unwrap_or(u16::MAX);
        let headers: Box<[_]> = request
            .headers
            .iter()
            .map(|(name, value)| (short(name.as_str().as_bytes()), short(value.as_bytes())))
            .collect();
        let of_headers = headers
            .iter()
            .map(|(name, value)| usize::from(*name) + usize::from(*value));
        let whole = request.path.len()
            + request.query.len()
            + request.issuer.len()
            + of_headers.sum::<usize>()
            + request.body.len();
        let mut text = Vec::with_capacity(whole);
        text.extend_from_slice(request.path.as_bytes());
        text.extend_from_slice(request.query.as_bytes());
        text.extend_from_slice(request.issuer.as_bytes());
        for ((name, value), (of_name, of_value)) in request.headers.iter().zip(&headers) {
            // A head of 16 KiB holds nothing longer than its length here says.
            let name = name.as_str().as_bytes().get(..usize::from(*of_name));
            let value = value.as_bytes().get(..usize::from(*of_value));
            text.extend_from_slice(name.unwrap_or_default());
            text.extend_from_slice(value.unwrap_or_default());
        }
        text.extend_from_slice(&request.body);
        Self {
            id: 0,
            at: request.now,
            method: request.method.clone(),
            endpoint,
            path: length(request.path.as_bytes()),
            query: length(request.query.as_bytes()),
            issuer: length(request.issuer.as_bytes()),
            text: text.into_boxed_slice(),
            headers,
            outcome: Outcome::Unanswered,
        }
    }

    /// What it costs in bytes.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.headers)
    }

    /// Its path.
    pub(super) fn path(&self) -> &[u8] {
        self.text.get(..self.path as usize).unwrap_or_default()
    }

    /// The path of its issuer.
    pub(super) fn issuer(&self) -> &[u8] {
        let start = self.path as usize + self.query as usize;
        self.text
            .get(start..start + self.issuer as usize)
            .unwrap_or_default()
    }

    /// Takes it apart.
    pub(super) fn show(&self) -> Value {
        let mut rest = &*self.text;
        let mut next = |length: usize| {
            let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            String::from_utf8_lossy(part).into_owned()
        };
        let path = next(self.path as usize);
        let query = next(self.query as usize);
        let issuer = next(self.issuer as usize);
        let mut headers = Map::new();
        for (name, value) in &*self.headers {
            let name = next(usize::from(*name));
            add(&mut headers, name, next(usize::from(*value)));
        }
        let body = next(usize::MAX);
        let is_form = headers
            .get("content-type")
            .and_then(Value::as_str)
            .is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"));
        let (status, hung_up) = match self.outcome {
            Outcome::Unanswered => (None, false),
            Outcome::HungUp => (None, true),
            Outcome::Answered(status) => (Some(status.as_u16()), false),
        };
        json!({
            "id": self.id,
            "at": time::write(self.at),
            "method": self.method.as_str(),
            "path": path,
            "endpoint": self.endpoint,
            ISSUER: issuer,
            "query": parameters(&query),
            "headers": headers,
            "form": is_form.then(|| parameters(&body)),
            "body": body,
            "status": status,
            "closed": hung_up,
        })
    }
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
