//! The refusal in an answer, as servers really spell it.

use hallpass_protocol::OAuthError;
use hallpass_protocol::form::Form;
use serde_json::{Map, Value};

use crate::http::Reply;

/// The refusal in an answer of any endpoint, at any status.
pub(crate) fn refusal(reply: &Reply) -> Option<OAuthError> {
    members(reply).and_then(oauth_error)
}

/// What a refusal says.
pub(super) fn oauth_error(mut members: Map<String, Value>) -> Option<OAuthError> {
    // Descriptions that are no strings, and lists of numbers, are seen in the field (row Q-13).
    members.retain(|_, value| value.is_string() || value.is_u64());
    if let Some(Value::String(text)) = members.get("interval") {
        let seconds = text.parse::<u64>().map_or(Value::Null, Value::from);
        members.insert("interval".to_owned(), seconds);
    }
    serde_json::from_value(Value::Object(members)).ok()
}

/// The members of a JSON object, or of a form (row C-47).
pub(super) fn members(reply: &Reply) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(members)) = serde_json::from_slice(reply.body.expose()) {
        return Some(members);
    }
    let is_form = reply
        .content_type
        .starts_with("application/x-www-form-urlencoded")
        || reply.content_type.starts_with("text/plain");
    let text = std::str::from_utf8(reply.body.expose())
        .ok()
        .filter(|_| is_form)?;
    let form = Form::parse(text.trim()).ok()?;
    form.refuse_repeats(&[]).ok()?;
    let pairs = form
        .iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)));
    Some(pairs.collect())
}
