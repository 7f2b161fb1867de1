//! Turns a passphrase into a key.
//!
//! Argon2id, RFC 9106 <https://www.rfc-editor.org/rfc/rfc9106>

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use hallpass_protocol::Secret;

use super::seal_key::{Cost, SealKey};
use super::store_error::StoreError;

/// Reads a passphrase: the file's text without the line break at its end.
pub(super) fn read(path: &Path) -> Result<Secret<String>, StoreError> {
    let failed = |error| StoreError::io("read the passphrase from", path, error);
    // Not judged as a file of ours: secrets that are mounted into a container are links, and a pipe
    // is fine, too.
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    let passphrase = text.trim_end_matches(['\r', '\n']).to_owned();
    drop(Secret::new(text));
    if passphrase.is_empty() {
        let empty = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is empty");
        return Err(failed(empty));
    }
    Ok(Secret::new(passphrase))
}

/// Derives the key; `None` when the cost is beyond reason.
pub(super) fn derive(passphrase: &Secret<String>, salt: &[u8; 16], cost: Cost) -> Option<SealKey> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params(cost)?);
    let mut key = [0; 32];
    argon2
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut key)
        .ok()?;
    Some(Secret::new(key))
}

fn params(cost: Cost) -> Option<Params> {
    let is_sane = cost.m <= HIGHEST.m && cost.t <= HIGHEST.t && cost.p <= HIGHEST.p;
    is_sane
        .then(|| Params::new(cost.m, cost.t, cost.p, None).ok())
        .flatten()
}

/// Who can write the file must not be able to make its reader run out of memory.
const HIGHEST: Cost = Cost {
    m: 1024 * 1024,
    t: 16,
    p: 16,
};

const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_ends_before_the_line_break_and_is_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        std::fs::write(&path, "correct horse \r\n").unwrap();
        assert_eq!(read(&path).unwrap().expose(), "correct horse ");
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&path).is_err());
        assert!(read(&folder.path().join("none")).is_err());
    }

    #[test]
    fn the_key_hangs_on_passphrase_salt_and_cost() {
        let derive = |text: &str, salt, cost| derive(&Secret::from(text), &[salt; 16], cost);
        let low = Cost { m: 64, t: 1, p: 1 };
        let key = derive("a", 1, low).unwrap();
        assert_eq!(derive("a", 1, low).unwrap(), key);
        assert_ne!(derive("b", 1, low).unwrap(), key);
        assert_ne!(derive("a", 2, low).unwrap(), key);
        assert_ne!(derive("a", 1, Cost { t: 2, ..low }).unwrap(), key);
    }

    #[test]
    fn a_cost_that_would_eat_the_machine_is_refused() {
        let cost = Cost {
            m: u32::MAX,
            ..Cost::DEFAULT
        };
        assert!(derive(&Secret::from("a"), &[1; 16], cost).is_none());
    }
}
