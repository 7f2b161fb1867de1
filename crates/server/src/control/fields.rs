//! The fields of a request to the control API: every one is known, and every mistake is named.

use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::json::{JsonError, parse_object};
use http::StatusCode;
use serde_json::{Map, Value};

use super::error::ControlError;
use super::time;
use crate::request::is_issuer;
use crate::settings::nearest_name;

/// Where issuers are named; `default` without it.
pub(super) const ISSUER: &str = "issuerId";

/// The members of an object, taken one by one.
#[derive(Debug)]
pub(super) struct Fields {
    /// What stands before their names in messages.
    place: String,
    members: Map<String, Value>,
}

impl Fields {
    /// Reads a body; an empty one has no members. A member with a name that is not `known` is an
    /// error, and `null` is the same as nothing.
    pub(super) fn of_body(body: &[u8], known: &[&'static str]) -> Result<Self, ControlError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Self::of(Map::new(), String::new(), known);
        }
        let members = parse_object(body).map_err(|error| {
            let message = match error {
                JsonError::NotUtf8 => "the body is not UTF-8",
                JsonError::DuplicateMember => "the body has the same member twice",
                JsonError::Malformed => "the body is not JSON",
                JsonError::NotAnObject => "the body is not a JSON object",
            };
            ControlError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
        })?;
        Self::of(members, String::new(), known)
    }

    /// Reads the members of an object inside the body.
    pub(super) fn of(
        members: Map<String, Value>,
        place: String,
        known: &[&'static str],
    ) -> Result<Self, ControlError> {
        for name in members.keys() {
            if !known.contains(&name.as_str()) {
                let nearest = nearest_name(known.iter().copied(), name);
                let field = format!("{place}{name}");
                return Err(ControlError::unknown_field(&field, nearest, known));
            }
        }
        Ok(Self { place, members })
    }

    /// Reads a query.
    pub(super) fn of_query(query: &str, known: &[&'static str]) -> Result<Self, ControlError> {
        let malformed = |error: hallpass_protocol::form::FormError| {
            ControlError::new(
                StatusCode::BAD_REQUEST,
                "invalid_query",
                format!("the query cannot be read: {error}"),
            )
        };
        let form = Form::parse(query).map_err(malformed)?;
        form.refuse_repeats(&[]).map_err(malformed)?;
        let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
        Self::of(form.iter().map(text).collect(), String::new(), known)
    }

    /// The name of a field as messages say it.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.place)
    }

    /// Any value.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A string.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, ControlError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, &other, "a string")),
        }
    }

    /// A string that is not empty, or nothing.
    pub(super) fn filled(&mut self, name: &str) -> Result<Option<String>, ControlError> {
        let text = self.text(name)?;
        if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
            return Err(ControlError::value(&self.name(name), "the string is empty"));
        }
        Ok(text)
    }

    /// `true` or `false`; in a query the same words.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, ControlError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(other) => Err(self.wrong(name, &other, "true or false")),
        }
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str) -> Result<Map<String, Value>, ControlError> {
        match self.take(name) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(other) => Err(self.wrong(name, &other, "an object")),
        }
    }

    /// A list of strings, or one string.
    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, ControlError> {
        let values = match self.take(name) {
            None => return Ok(None),
            Some(Value::Array(values)) => values,
            Some(one) => vec![one],
        };
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            other => Err(self.wrong(name, &other, "a string or a list of strings")),
        };
        values
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A whole number in a range.
    pub(super) fn number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, ControlError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = match &value {
            Value::String(digits) => digits.parse().ok(),
            other => other.as_u64(),
        };
        number.filter(|number| range.contains(number)).map_or_else(
            || {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                Err(self.wrong(name, &value, &wanted))
            },
            |number| Ok(Some(number)),
        )
    }

    /// A span of time, `longest` at most.
    pub(super) fn span(
        &mut self,
        name: &str,
        longest: Option<Duration>,
    ) -> Result<Option<Duration>, ControlError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let field = self.name(name);
        let span = time::read_span(&value).map_err(|why| ControlError::value(&field, why))?;
        match longest.filter(|longest| span > *longest) {
            None => Ok(Some(span)),
            Some(longest) => Err(ControlError::value(
                &field,
                format!("{value} is too long: {} seconds at most", longest.as_secs()),
            )),
        }
    }

    /// A point in time.
    pub(super) fn moment(&mut self, name: &str) -> Result<Option<Timestamp>, ControlError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let field = self.name(name);
        time::read(&value)
            .map(Some)
            .map_err(|why| ControlError::value(&field, why))
    }

    /// The path of an issuer, where one is named.
    pub(super) fn some_issuer(&mut self) -> Result<Option<String>, ControlError> {
        let issuer = self.text(ISSUER)?;
        if let Some(issuer) = &issuer
            && !is_issuer(issuer)
        {
            let message = format!("`{issuer}` is no path of an issuer");
            let hint = "write the part between the host and the endpoint, such as `default`";
            return Err(ControlError::value(&self.name(ISSUER), message).hint(hint));
        }
        Ok(issuer)
    }

    /// The path of an issuer.
    pub(super) fn issuer(&mut self) -> Result<String, ControlError> {
        Ok(self.some_issuer()?.unwrap_or_else(|| "default".to_owned()))
    }

    fn wrong(&self, name: &str, value: &Value, wanted: &str) -> ControlError {
        ControlError::value(&self.name(name), format!("{value} is not {wanted}"))
    }
}
