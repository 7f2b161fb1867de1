//! Why a command failed, for people and for programs.

use std::error::Error as StdError;
use std::time::Duration;

use hallpass_protocol::OAuthError;
use serde_json::{Value, json};

use crate::clean;
use crate::error::{Error, ErrorKind};

/// A command that failed: what [`Error`] says about it, or what the program itself knows.
///
/// ```
/// use hallpass_client::answers::Failure;
///
/// let failure = Failure {
///     hint: Some("name one".to_owned()),
///     ..Failure::new("usage", 2, "two accounts are named")
/// };
/// assert_eq!(failure.to_text("acme:"), "acme: two accounts are named\n  hint: name one\n");
/// assert_eq!(failure.to_json()["error"]["exit"], 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name in machine-readable output: one of [`ErrorKind::as_str`], or `usage`.
    pub code: &'static str,
    /// The exit code of the process.
    pub exit: u8,
    /// What went wrong, in one sentence.
    pub message: String,
    /// The reasons below it, each cleaned for a terminal.
    pub causes: Vec<String>,
    /// What to do next, in the imperative.
    pub hint: Option<String>,
    /// What the server said (RFC 6749 §5.2).
    pub oauth: Option<OAuthError>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// `hallpass.error/1`: why a command failed.
pub fn error(error: &Error) -> Value {
    Failure::from(error).to_json()
}

impl Failure {
    /// A failure without reasons and without a hint.
    pub fn new(code: &'static str, exit: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            exit,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            oauth: None,
            retry_after: None,
        }
    }

    /// Ctrl-C: exit code 130, as shells count it (128 + SIGINT).
    pub fn interrupted() -> Self {
        Self::new("cancelled", 130, "cancelled")
    }

    /// Adds an error and the reasons below it.
    pub fn add_cause(&mut self, error: &dyn StdError) {
        self.causes.push(clean::text(&error.to_string()));
        self.causes.extend(causes(error));
    }

    /// For people: what, why, and what next, each on lines of its own. `name` is what the first line begins
    /// with, such as `acme:`.
    pub fn to_text(&self, name: &str) -> String {
        let mut text = format!("{name} {}\n", self.message);
        for cause in &self.causes {
            text.extend(["  cause: ", cause, "\n"]);
        }
        if let Some(hint) = &self.hint {
            text.extend(["  hint: ", hint, "\n"]);
        }
        text
    }

    /// For programs: `hallpass.error/1`.
    pub fn to_json(&self) -> Value {
        let oauth = self.oauth.as_ref().map(
            |oauth| json!({"error": oauth.error.as_str(), "error_description": oauth.description}),
        );
        json!({
            "schema": "hallpass.error/1",
            "error": {
                "code": self.code,
                "exit": self.exit,
                "message": self.message,
                "causes": self.causes,
                "hint": self.hint,
                "oauth": oauth,
                "retry_after": self.retry_after.map(|wait| wait.as_secs()),
            },
        })
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let kind = error.kind();
        Self {
            causes: causes(error),
            hint: error.hint().map(str::to_owned),
            oauth: error.oauth().cloned(),
            retry_after: match kind {
                ErrorKind::Unavailable { retry_after } => *retry_after,
                _ => None,
            },
            ..Self::new(kind.as_str(), error.exit_code(), error.to_string())
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl Error {
    /// The reasons below the message, each cleaned for a terminal; one that only repeats what stands above
    /// it is left out.
    pub fn causes(&self) -> Vec<String> {
        causes(self)
    }

    /// For people: what, why, and what next, each on lines of its own.
    pub fn to_text(&self, program: &str) -> String {
        Failure::from(self).to_text(&format!("{program}:"))
    }
}

fn causes(error: &dyn StdError) -> Vec<String> {
    let mut above = error.to_string();
    let mut found = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = clean::text(&cause.to_string());
        if !above.contains(&text) {
            above.clone_from(&text);
            found.push(text);
        }
        next = cause.source();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io;

    use hallpass_protocol::ErrorCode;

    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_next_once() {
        let error = Error::new(ErrorKind::Store, "cannot write x: disk full")
            .caused_by(io::Error::other("disk full"))
            .hint_to("free some space");
        assert_eq!(
            error.to_text("acme"),
            "acme: cannot write x: disk full\n  hint: free some space\n"
        );
        let mut failure = Failure::new("store", 9, "cannot write x");
        failure.add_cause(&io::Error::other("disk \u{1b}[31mfull"));
        let text = failure.to_text("acme:");
        assert!(text.starts_with("acme: cannot write x\n  cause: disk "));
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_program_reads_code_exit_what_the_server_said_and_when_to_come_back() {
        let oauth = OAuthError {
            error: ErrorCode::TemporarilyUnavailable,
            description: Some("later".to_owned()),
            uri: None,
            interval: None,
        };
        let wait = Some(Duration::from_secs(7));
        let error = Error::unavailable("x is away", wait).because_of(&oauth);
        let json = super::error(&error);
        assert_eq!(json["schema"], "hallpass.error/1");
        let error = &json["error"];
        assert_eq!(
            (&error["code"], &error["exit"]),
            (&"unavailable".into(), &7.into())
        );
        assert_eq!(error["oauth"]["error"], "temporarily_unavailable");
        assert_eq!(
            (&error["retry_after"], &error["causes"]),
            (&7.into(), &json!([]))
        );
    }
}
