//! A call of the control API, and what it is answered.

use http::{HeaderMap, Method};
use hyper::body::Bytes;
use serde_json::Value;

use super::error::ControlError;

/// A request to the control API, read whole and let through.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// What follows the name of the resource.
    pub(super) rest: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What a resource answers: its JSON, or why not.
pub(super) type Answer = Result<Value, ControlError>;
