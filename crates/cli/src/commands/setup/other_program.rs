//! git and kubectl, which change their own settings: they know where these are, and how they are written.

use std::io::ErrorKind;
use std::process::{Command, Output, Stdio};

use hallpass_client::clean;

use crate::failure::Failure;

/// A program that must be installed, by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct OtherProgram(pub(super) &'static str);

impl OtherProgram {
    /// Runs it with these words, without a shell; returns what it printed.
    pub(super) fn run(self, words: &[&str]) -> Result<String, Failure> {
        let output = self.output(words)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().find(|line| !line.trim().is_empty());
        let why = std::io::Error::other(clean::text(said.unwrap_or("it does not say why")));
        let shown = clean::text(&words.join(" "));
        Err(Failure::other(format!("`{} {shown}` failed", self.0)).caused_by(&why))
    }

    /// As [`Self::run`], for an exit code that means something.
    pub(super) fn output(self, words: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new(self.0);
        command.args(words).stdin(Stdio::null());
        command.output().map_err(|error| {
            let name = self.0;
            if error.kind() == ErrorKind::NotFound {
                Failure::config(format!("{name} is not installed"))
                    .hint_to(format!("install {name}, or put it on PATH"))
            } else {
                Failure::other(format!("cannot start {name}")).caused_by(&error)
            }
        })
    }
}
