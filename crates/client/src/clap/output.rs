//! What the commands print, and where.

use std::io;

use serde_json::Value;

use crate::clean;

/// What a program of one server calls its only profile in JSON.
pub(super) const DEFAULT: (&str, &str) = ("default", "default");

/// Prints an answer for programs.
pub(super) fn print(answer: &Value) {
    say(&mut io::stdout(), &clean::json(&answer.to_string()));
}

/// The program's name, as it was started.
pub(super) fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_stem().unwrap_or_default();
    clean::text(&name.to_string_lossy())
}

/// Who reads no further (`| head -1`) has what they wanted.
pub(super) fn say(place: &mut dyn io::Write, text: &str) {
    let written = writeln!(place, "{text}").and_then(|()| place.flush());
    if let Err(error) = written {
        tracing::debug!(%error, "nobody reads the answer");
    }
}
