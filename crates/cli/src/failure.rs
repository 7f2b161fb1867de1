//! What went wrong, as the command line says it: `hallpass:` what, `cause:` why, `hint:` what next.

use std::error::Error as StdError;

use hallpass_client::{Error, ErrorKind, StoreError, answers};
use serde_json::Value;

use crate::exit_code;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    says: answers::Failure,
    is_told: bool,
}

impl Failure {
    fn new(code: &'static str, exit: u8, message: impl Into<String>) -> Self {
        answers::Failure::new(code, exit, message).into()
    }

    /// The command line was not understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", exit_code::USAGE, message)
    }

    /// The configuration does not allow it.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new("config", exit_code::CONFIG, message)
    }

    /// A person has to sign in.
    pub(crate) fn login_required(message: impl Into<String>) -> Self {
        Self::new("login_required", exit_code::LOGIN_REQUIRED, message)
    }

    /// The server or the network does not answer in time.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new("unavailable", exit_code::UNAVAILABLE, message)
    }

    /// Files of ours cannot be read or written.
    pub(crate) fn store(message: impl Into<String>) -> Self {
        Self::new("store", exit_code::STORE, message)
    }

    /// Anything else.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new("protocol", exit_code::OTHER, message)
    }

    /// What has an exit code already: the server's reasons not to start.
    pub(crate) fn with_exit(exit: u8, message: impl Into<String>) -> Self {
        let code = if exit == exit_code::CONFIG {
            "config"
        } else {
            "protocol"
        };
        Self::new(code, exit, message)
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        answers::Failure::interrupted().into()
    }

    /// With what to do next.
    #[must_use]
    pub(crate) fn hint_to(mut self, hint: impl Into<String>) -> Self {
        self.0.says.hint = Some(hint.into());
        self
    }

    /// With the reasons below it.
    #[must_use]
    pub(crate) fn caused_by(mut self, error: &dyn StdError) -> Self {
        self.0.says.add_cause(error);
        self
    }

    /// Names the command that signs in, when that is what is needed.
    #[must_use]
    pub(crate) fn sign_in_with(self, command: &str) -> Self {
        if self.0.says.exit == exit_code::LOGIN_REQUIRED {
            self.hint_to(format!("run `{command}` in a terminal"))
        } else {
            self
        }
    }

    /// The error of an API call, with the command that answers it (row C-60, RFC 6750 §3.1).
    pub(crate) fn of_api(error: Error, login_command: &str) -> Self {
        let hint = match (error.kind(), error.missing_scope()) {
            (ErrorKind::StepUp(wanted), _) => {
                let mut command = login_command.to_owned();
                for value in &wanted.acr_values {
                    command.extend([" --acr ", value]);
                }
                if let Some(age) = wanted.max_age {
                    command.extend([" --max-age ", &age.as_secs().to_string()]);
                }
                Some(command)
            }
            (_, Some(scope)) => {
                Some(scope.split(' ').fold(login_command.to_owned(), |all, one| {
                    format!("{all} --scope {one}")
                }))
            }
            _ => None,
        };
        let failure = Self::from(error);
        match hint {
            Some(command) => failure.hint_to(command),
            None => failure.sign_in_with(login_command),
        }
    }

    /// With the place where it went wrong before it.
    #[must_use]
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.0.says.message = format!("{place}: {}", self.0.says.message);
        self
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.0.says.hint.as_deref()
    }

    /// What went wrong, in one sentence.
    pub(crate) fn message(&self) -> &str {
        &self.0.says.message
    }

    /// The answer on standard output already said it.
    #[must_use]
    pub(crate) fn told(mut self) -> Self {
        self.0.is_told = true;
        self
    }

    /// Whether the answer on standard output already said it.
    pub(crate) fn is_told(&self) -> bool {
        self.0.is_told
    }

    /// The exit code of the process.
    pub(crate) fn exit(&self) -> u8 {
        self.0.says.exit
    }

    /// For people: at most what, why, what next.
    pub(crate) fn to_text(&self, name: &str) -> String {
        self.0.says.to_text(name)
    }

    /// For programs: one object.
    pub(crate) fn to_json(&self) -> Value {
        self.0.says.to_json()
    }
}

impl From<answers::Failure> for Failure {
    fn from(says: answers::Failure) -> Self {
        Self(Box::new(Inner {
            says,
            is_told: false,
        }))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        answers::Failure::from(&error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let reason = std::io::Error::other("disk full");
        let failure = Failure::store("cannot write x")
            .caused_by(&reason)
            .hint_to("free some space");
        assert_eq!(
            failure.to_text("hallpass:"),
            "hallpass: cannot write x\n  cause: disk full\n  hint: free some space\n"
        );
        assert_eq!(failure.exit(), 9);
    }

    #[test]
    fn a_program_reads_code_and_exit() {
        let json = Failure::usage("what?").to_json();
        assert_eq!(json["schema"], "hallpass.error/1");
        assert_eq!(json["error"]["code"], "usage");
        assert_eq!(json["error"]["exit"], 2);
        assert!(json["error"]["oauth"].is_null());
    }

    #[test]
    fn only_a_missing_sign_in_names_the_command() {
        let text = |failure: Failure| failure.sign_in_with("hallpass login work").to_text("");
        assert!(text(Failure::login_required("x")).contains("hallpass login work"));
        assert!(!text(Failure::config("x")).contains("hallpass login work"));
    }
}
