//! The last line of a program: what went wrong, what to do about it, and the exit code.

use std::error::Error as StdError;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::clean;
use crate::error::Error;

/// Ends `main`: success is exit code 0; an error is told on standard error in at most three kinds of lines
/// (what failed, each deeper cause, one hint), and its [`Error::exit_code`] becomes the program's.
///
/// ```no_run
/// use std::process::ExitCode;
/// use hallpass_client::{Client, Error, SignIn};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> ExitCode {
///     hallpass_client::finish("acme", run().await)
/// }
///
/// async fn run() -> Result<(), Error> {
///     let client = Client::builder("https://login.example.com", "acme-cli").build()?;
///     client.sign_in(SignIn::auto()).await?;
///     Ok(())
/// }
/// ```
pub fn finish(program: &str, done: Result<(), Error>) -> ExitCode {
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    let text = error.to_text(program);
    if let Err(closed) = io::stderr().write_all(text.as_bytes()) {
        tracing::debug!(error = %closed, "standard error cannot be written to");
    }
    ExitCode::from(error.exit_code())
}

impl Error {
    /// The reasons below the message, each cleaned for a terminal; one that only repeats what stands above
    /// it is left out.
    pub fn causes(&self) -> Vec<String> {
        causes(self)
    }

    /// For people: what, why, and what next, each on lines of its own.
    pub fn to_text(&self, program: &str) -> String {
        let mut text = format!("{program}: {self}\n");
        for cause in self.causes() {
            text.extend(["  cause: ", &cause, "\n"]);
        }
        if let Some(hint) = self.hint() {
            text.extend(["  hint: ", hint, "\n"]);
        }
        text
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
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_error_says_what_why_and_what_next_once() {
        let error = Error::new(ErrorKind::Store, "cannot write x: disk full")
            .caused_by(io::Error::other("disk full"))
            .hint_to("free some space");
        assert_eq!(
            error.to_text("acme"),
            "acme: cannot write x: disk full\n  hint: free some space\n"
        );
        let error = Error::new(ErrorKind::Store, "cannot write x")
            .caused_by(io::Error::other("disk \u{1b}[31mfull"));
        let [cause] = error.causes().try_into().unwrap();
        assert!(
            !cause.contains('\u{1b}') && cause.contains("full"),
            "{cause}"
        );
    }
}
