//! The last line of a program: what went wrong, what to do about it, and the exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

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
