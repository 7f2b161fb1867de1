//! Reads tokens from standard input or a file; never from the command line, where `ps` shows them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hallpass_client::Secret;

use crate::failure::Failure;

/// Reads one token from a file; `-` is standard input.
pub(crate) fn read_token_file(path: &Path) -> Result<Secret<String>, Failure> {
    if path == Path::new("-") {
        return read_token(io::stdin(), "standard input");
    }
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&shown, &error))?;
    read_token(file, &shown)
}

/// Reads one token, with or without `Bearer` before it and white space around it.
pub(crate) fn read_token(from: impl Read, place: &str) -> Result<Secret<String>, Failure> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(place, &error))?;
    let bytes = Secret::new(bytes);
    if bytes.expose().len() as u64 > LONGEST {
        return Err(Failure::other(format!("{place} holds more than a token")));
    }
    let Ok(text) = std::str::from_utf8(bytes.expose()) else {
        return Err(Failure::other(format!(
            "{place} holds no token: it is not text"
        )));
    };
    let text = text.trim();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    if token.is_empty() {
        return Err(Failure::other(format!("{place} is empty")).hint_to("pipe a token into it"));
    }
    Ok(Secret::from(token))
}

fn unreadable(place: &str, error: &io::Error) -> Failure {
    Failure::config(format!("cannot read {place}")).caused_by(error)
}

/// No token is longer.
const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Failure> {
        read_token(text.as_bytes(), "standard input").map(|token| token.expose().clone())
    }

    #[test]
    fn a_token_may_come_with_its_scheme_and_a_line_break() {
        for text in ["abc", "abc\n", " Bearer abc \r\n", "bearer  abc"] {
            assert_eq!(read(text).unwrap(), "abc", "{text:?}");
        }
        assert!(read(" \n").is_err());
        assert!(read(&"x".repeat(70_000)).is_err());
    }
}
