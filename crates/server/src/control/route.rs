//! The URL map of the control API.

use std::net::SocketAddr;

use http::{Response, StatusCode, request::Parts};
use hyper::body::Bytes;

use super::call::{Answer, Call};
use super::error::ControlError;
use super::{callbacks, clock, device, faults, gate, keys, requests, reset, state, token};
use crate::Body;
use crate::error::json::{self, JsonError};
use crate::request::{self, BodyError};
use crate::settings::{ControlAccess, nearest_name};
use crate::state::State;

/// What its paths begin with. No issuer has this name.
const PREFIX: &str = "/_hallpass";

/// Whether a path belongs to the control API.
pub(crate) fn is_control_path(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The resources, and the methods that each takes.
const RESOURCES: &[(&str, &str)] = &[
    ("state", "GET"),
    ("clock", "GET, POST"),
    ("callbacks", "POST, DELETE"),
    ("requests", "GET, DELETE"),
    ("faults", "POST, DELETE"),
    ("device", "GET, POST"),
    ("token", "POST"),
    ("keys:rotate", "POST"),
    ("reset", "POST"),
];

/// Answers a request to the control API.
pub(crate) async fn answer<B>(
    state: &State,
    parts: Parts,
    body: B,
    peer: SocketAddr,
) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if state.settings.control == ControlAccess::Off {
        return JsonError::NotFound.into_response();
    }
    if let Err(error) = gate::check(&state.settings, &parts.method, &parts.headers, peer) {
        return error.into_response();
    }
    match call(state, parts, body).await {
        Ok(value) => json::json(StatusCode::OK, value.to_string().into()),
        Err(error) => error.into_response(),
    }
}

async fn call<B>(state: &State, parts: Parts, body: B) -> Answer
where
    B: hyper::body::Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = parts.uri.path().to_owned();
    let below = path.strip_prefix(PREFIX).unwrap_or_default();
    let below = below.strip_prefix('/').unwrap_or_default();
    let (name, rest) = below.split_once('/').unwrap_or((below, ""));
    let found = RESOURCES.iter().find(|(known, _)| *known == name);
    // A name of one device code belongs to `device`, and nothing to the others.
    let &(name, methods) = found
        .filter(|(name, _)| (*name == "device") != rest.is_empty())
        .ok_or_else(|| unknown(below))?;
    if !methods
        .split(", ")
        .any(|known| known == parts.method.as_str())
    {
        return Err(ControlError::method(methods));
    }
    let body = request::read_body(body).await.map_err(unread)?;
    let call = Call {
        rest: rest.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    match name {
        "clock" => clock::answer(state, &call),
        "callbacks" => callbacks::answer(state, &call),
        "requests" => requests::answer(state, &call).await,
        "faults" => faults::answer(state, &call),
        "device" => device::answer(state, &call).await,
        "token" => token::answer(state, &call).await,
        "keys:rotate" => keys::answer(state, &call).await,
        "reset" => reset::answer(state, &call).await,
        _ => state::answer(state).await,
    }
}

fn unknown(below: &str) -> ControlError {
    let message = format!("`{PREFIX}/{below}` is not there");
    let hint = match nearest_name(RESOURCES.iter().map(|(name, _)| *name), below) {
        _ if below.trim_end_matches('/') == "device" => {
            format!("name the code: `{PREFIX}/device/WDJB-MJHT`")
        }
        Some(name) => format!("did you mean `{PREFIX}/{name}`?"),
        None => format!("`{PREFIX}/state` shows what there is"),
    };
    ControlError::new(StatusCode::NOT_FOUND, "not_found", message).hint(hint)
}

fn unread(error: BodyError) -> ControlError {
    let (status, message) = match error {
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 64 KiB",
        ),
        BodyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
        BodyError::Broken => (StatusCode::BAD_REQUEST, "the body broke off"),
    };
    ControlError::new(status, "unreadable_body", message)
}
