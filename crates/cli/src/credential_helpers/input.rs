//! What another program writes to standard input.

use std::io::{self, Read as _};

use hallpass_client::Secret;

use crate::failure::Failure;

/// Reads all of it; `None` when it is longer than any question. It may hold the token that a host refused.
pub(super) fn read() -> Result<Option<Secret<Vec<u8>>>, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::other("cannot read standard input").caused_by(&error))?;
    let bytes = Secret::new(bytes);
    Ok((bytes.expose().len() as u64 <= LONGEST).then_some(bytes))
}

/// A token, and the headers of the answer that asked for it.
const LONGEST: u64 = 256 * 1024;
