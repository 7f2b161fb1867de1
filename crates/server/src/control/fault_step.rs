//! One step of a sequence of faults, as a test writes it.

use std::time::Duration;

use hallpass_protocol::{ErrorCode, OAuthError};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper::body::Bytes;
use serde_json::{Map, Value};

use super::endpoint_names;
use super::error::ControlError;
use super::fields::Fields;
use crate::control_memory::{Canned, Step, Then};
use crate::error::json;
use crate::settings::nearest_name;

/// Real time, not the server's clock: a client waits for it.
const LONGEST_DELAY: Duration = Duration::from_mins(5);
/// The start of a JSON object that never ends.
const MALFORMED: &[u8] = br#"{"access_token":"cut o"#;

/// Reads a step; `place` is its name in messages.
pub(super) fn read(value: &Value, place: &str, endpoint: &str) -> Result<Step, ControlError> {
    let (delay, then) = match value {
        Value::String(code) => (Duration::ZERO, oauth_error(code, place, endpoint)?),
        Value::Object(members) => read_object(members.clone(), place)?,
        other => {
            let message = format!("{other} is neither the name of an error nor an object");
            return Err(ControlError::value(place, message));
        }
    };
    Ok(Step {
        delay,
        then,
        shown: value.clone(),
    })
}

fn oauth_error(name: &str, place: &str, endpoint: &str) -> Result<Then, ControlError> {
    let code = match ErrorCode::parse(name) {
        ErrorCode::Other(_) => {
            let nearest = nearest_name(ErrorCode::names(), name);
            let hint = nearest.map_or_else(
                || "for another answer write {\"status\": 400, \"body\": {…}}".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            let message = format!("`{name}` is no error code of OAuth");
            return Err(ControlError::value(place, message).hint(hint));
        }
        known => known,
    };
    if endpoint_names::is_page(endpoint) {
        let message = format!("`{endpoint}` answers people, not with JSON");
        let hint = "take {\"status\": 503}, {\"delay\": \"3s\"} or {\"close\": true}";
        return Err(ControlError::value(place, message).hint(hint));
    }
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let error = OAuthError::new(code, "a test asked for this error (/_hallpass/faults)");
    let body = serde_json::to_vec(&error).unwrap_or_default();
    let mut headers = json_headers();
    // RFC 6750 §3: a resource says with a challenge what was wrong with the token.
    let challenge = format!("Bearer realm=\"hallpass\", error=\"{name}\"");
    if endpoint == "userinfo"
        && let Ok(challenge) = HeaderValue::try_from(challenge)
    {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    Ok(answer(status, headers, body.into()))
}

fn read_object(members: Map<String, Value>, place: &str) -> Result<(Duration, Then), ControlError> {
    let known = [
        "status",
        "body",
        "headers",
        "delay",
        "malformed_json",
        "close",
        "lose_answer",
        "pass",
    ];
    let mut fields = Fields::of(members, format!("{place}."), &known)?;
    let delay = fields.span("delay", Some(LONGEST_DELAY))?;
    let status = fields.number("status", 200..=599)?;
    let body = fields.take("body");
    let headers = read_headers(&mut fields)?;
    let mut chosen = Vec::new();
    for (name, then) in [
        ("malformed_json", malformed()),
        ("close", Then::Close),
        ("lose_answer", Then::LoseAnswer),
        ("pass", Then::Pass),
    ] {
        match fields.flag(name)? {
            Some(true) => chosen.push(then),
            Some(false) => {
                let message = "write true, or leave it away";
                return Err(ControlError::value(&fields.name(name), message));
            }
            None => {}
        }
    }
    if let Some(status) = status {
        let status = u16::try_from(status)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok());
        chosen.push(canned(status.unwrap_or_default(), body, headers));
    } else if body.is_some() || !headers.is_empty() {
        let message = "`body` and `headers` go with a `status`";
        return Err(ControlError::missing(&fields.name("status"), message));
    }
    match (chosen.pop(), chosen.is_empty(), delay) {
        (Some(then), true, delay) => Ok((delay.unwrap_or_default(), then)),
        (None, _, Some(delay)) => Ok((delay, Then::Pass)),
        (None, _, None) => Err(ControlError::value(place, "the step says nothing").hint(
            "write an error code, {\"status\": 503}, {\"delay\": \"3s\"} or {\"close\": true}",
        )),
        (Some(_), false, _) => Err(ControlError::value(
            place,
            "one thing at a time: only `delay` goes together with another",
        )),
    }
}

fn read_headers(fields: &mut Fields) -> Result<HeaderMap, ControlError> {
    let field = fields.name("headers");
    let mut headers = HeaderMap::new();
    for (name, value) in fields.object("headers")? {
        let place = format!("{field}.{name}");
        let wrong = |message: &str| ControlError::value(&place, message);
        let text = value
            .as_str()
            .ok_or_else(|| wrong("the value is not a string"))?;
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| wrong("this is no name of a header"))?;
        // What describes the connection is hyper's to write.
        if matches!(
            name,
            header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION
        ) {
            return Err(wrong("this header is the server's own"));
        }
        let value = HeaderValue::try_from(text).map_err(|_| wrong("no header has this value"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// A status with its own words, unless the test has others: text as it is, anything else as JSON.
fn canned(status: StatusCode, body: Option<Value>, headers: HeaderMap) -> Then {
    let (media_type, body) = match body {
        None => ("text/plain; charset=utf-8", status.to_string()),
        Some(Value::String(text)) => ("text/plain; charset=utf-8", text),
        Some(other) => ("application/json", other.to_string()),
    };
    let mut all = HeaderMap::new();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    all.extend(headers);
    answer(status, all, body.into())
}

fn malformed() -> Then {
    answer(
        StatusCode::OK,
        json_headers(),
        Bytes::from_static(MALFORMED),
    )
}

fn answer(status: StatusCode, headers: HeaderMap, body: Bytes) -> Then {
    Then::Answer(Box::new(Canned {
        status,
        headers,
        body,
    }))
}

fn json_headers() -> HeaderMap {
    json::json(StatusCode::OK, Vec::new()).headers().clone()
}
