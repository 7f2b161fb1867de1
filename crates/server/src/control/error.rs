//! Why the control API says no: JSON that names the field and the cure.

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};

use crate::Body;
use crate::error::{Fault, json};

/// A refusal of the control API.
#[derive(Debug)]
pub(super) struct ControlError {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: Option<String>,
    hint: Option<String>,
    allow: Option<&'static str>,
}

impl ControlError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            field: None,
            hint: None,
            allow: None,
        }
    }

    /// A value that cannot be used: 400.
    pub(super) fn value(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_value", message)
        }
    }

    /// A name that means nothing here: 400, with the nearest one that does.
    pub(super) fn unknown_field(field: &str, nearest: Option<&str>, known: &[&str]) -> Self {
        let hint = nearest.map_or_else(
            || match known {
                [] => "no field is known here".to_owned(),
                known => format!("known are `{}`", known.join("`, `")),
            },
            |name| format!("did you mean `{name}`?"),
        );
        Self {
            field: Some(field.to_owned()),
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "unknown_field",
                format!("`{field}` is not known here"),
            )
            .hint(hint)
        }
    }

    /// A field that must be there: 400.
    pub(super) fn missing(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, "missing_field", message)
        }
    }

    /// Another method than the resource's: 405.
    pub(super) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("this resource takes {allow}"),
            )
        }
    }

    /// What to do instead.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut members = Map::new();
        members.insert("error".to_owned(), Value::from(self.code));
        members.insert("message".to_owned(), Value::from(self.message));
        for (name, value) in [("field", self.field), ("hint", self.hint)] {
            if let Some(value) = value {
                members.insert(name.to_owned(), Value::from(value));
            }
        }
        let mut response = json::json(self.status, Value::Object(members).to_string().into());
        if let Some(allow) = self.allow {
            let allow = HeaderValue::from_static(allow);
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}

impl From<Fault> for ControlError {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "fault");
        let message = "the server failed; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message)
    }
}

impl From<hallpass_store::StoreError> for ControlError {
    fn from(error: hallpass_store::StoreError) -> Self {
        Fault::from(error).into()
    }
}
