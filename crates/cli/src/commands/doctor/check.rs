//! What was looked at, and what was found.

use serde_json::{Value, json};

/// How it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// As it should be.
    Pass,
    /// It works, but not as well as it could.
    Warn,
    /// It will not work.
    Fail,
    /// There was nothing to look at.
    Skip,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// Its name for programs, such as `clock.skew`.
    pub(super) id: &'static str,
    /// How it looks.
    pub(super) status: Status,
    /// What was seen.
    pub(super) value: Option<String>,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Check {
    /// As it should be.
    pub(super) fn pass(id: &'static str, value: impl Into<String>) -> Self {
        Self::new(id, Status::Pass, value.into())
    }

    /// Not as well as it could be.
    pub(super) fn warn(id: &'static str, value: impl Into<String>) -> Self {
        Self::new(id, Status::Warn, value.into())
    }

    /// Broken.
    pub(super) fn fail(id: &'static str, value: impl Into<String>) -> Self {
        Self::new(id, Status::Fail, value.into())
    }

    /// Not looked at.
    pub(super) fn skip(id: &'static str, value: impl Into<String>) -> Self {
        Self::new(id, Status::Skip, value.into())
    }

    fn new(id: &'static str, status: Status, value: String) -> Self {
        let value = (!value.is_empty()).then_some(value);
        Self {
            id,
            status,
            value,
            hint: None,
        }
    }

    /// With what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "status": self.status.as_str(),
            "value": self.value,
            "hint": self.hint,
        })
    }
}

impl Status {
    /// The word for programs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}
