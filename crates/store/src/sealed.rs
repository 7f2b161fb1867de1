//! What must be read back is stored encrypted: private keys and user codes.
//!
//! AES-256-GCM-SIV (RFC 8452): <https://www.rfc-editor.org/rfc/rfc8452>. Each value is bound to its
//! table, column and row, so that a sealed value does not open in another place.

use std::fmt::{self, Write as _};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use hallpass_protocol::Secret;
use hallpass_protocol::random::{self, Random};

use crate::error::StoreError;

/// The 32 bytes from which the store derives the key that seals.
#[derive(Clone, Debug)]
pub struct StoreKey(Secret<[u8; 32]>);

/// Where a sealed value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a [u8],
}

/// The key that seals, and its name.
pub(crate) struct SealingKey {
    key: RandomizedNonceKey,
    id: String,
}

impl StoreKey {
    /// Draws a key.
    pub fn random(random: &dyn Random) -> Self {
        Self::from_bytes(random::bytes(random))
    }

    /// Takes a key that was drawn before.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }
}

impl SealingKey {
    /// Derives the key that seals (HKDF, RFC 5869).
    pub(crate) fn derive(StoreKey(key): StoreKey) -> Result<Self, StoreError> {
        let no_key = |_: Unspecified| StoreError::Unavailable("no sealing key".to_owned());
        let prk = Salt::new(HKDF_SHA256, b"hallpass store").extract(key.expose());
        let sealing = Secret::new(expand(&prk, b"seal 1").map_err(no_key)?);
        let id = expand(&prk, b"key id").map_err(no_key)?;
        Ok(Self {
            key: RandomizedNonceKey::new(&AES_256_GCM_SIV, sealing.expose()).map_err(no_key)?,
            id: id.iter().take(8).fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
        })
    }

    /// The name of the key: it tells two keys apart and says nothing about either.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Seals a value: version, nonce, ciphertext, tag.
    pub(crate) fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut text = value.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place.to_bytes()), &mut text)
            .map_err(|Unspecified| {
                StoreError::Unavailable("a value cannot be sealed".to_owned())
            })?;
        Ok([&[VERSION], nonce.as_ref().as_slice(), &text].concat())
    }

    /// Opens what [`Self::seal`] made for the same place.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let unreadable = || {
            let Place { table, column, .. } = place;
            StoreError::Corrupt(format!(
                "`{table}.{column}` does not open with the key `{}`",
                self.id
            ))
        };
        let Some((&[VERSION], rest)) = sealed.split_first_chunk() else {
            return Err(unreadable());
        };
        let (nonce, text) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or_else(unreadable)?;
        let (nonce, mut text) = (Nonce::assume_unique_for_key(*nonce), text.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(place.to_bytes()), &mut text)
            .map_err(|Unspecified| unreadable())?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Place<'_> {
    /// Names have no `|`, so that no two places have the same bytes.
    fn to_bytes(self) -> Vec<u8> {
        [
            self.table.as_bytes(),
            b"|",
            self.column.as_bytes(),
            b"|",
            self.row,
        ]
        .concat()
    }
}

fn expand(prk: &Prk, label: &'static [u8]) -> Result<[u8; 32], Unspecified> {
    let mut out = [0; 32];
    prk.expand(&[label], HKDF_SHA256)?.fill(&mut out)?;
    Ok(out)
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    const PLACE: Place<'static> = Place {
        table: "device_grants",
        column: "user_code",
        row: b"7",
    };

    fn key() -> SealingKey {
        SealingKey::derive(StoreKey::random(&SystemRandom)).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_only() {
        let key = key();
        let sealed = key.seal(PLACE, b"WDJBMJHT").unwrap();
        assert!(!sealed.windows(8).any(|part| part == b"WDJBMJHT"));
        assert_eq!(key.open(PLACE, &sealed).unwrap(), b"WDJBMJHT");
        for place in [
            Place {
                table: "signing_keys",
                ..PLACE
            },
            Place {
                column: "other",
                ..PLACE
            },
            Place { row: b"8", ..PLACE },
        ] {
            assert!(
                matches!(key.open(place, &sealed), Err(StoreError::Corrupt(_))),
                "{place:?}"
            );
        }
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let key = key();
        let sealed = key.seal(PLACE, b"WDJBMJHT").unwrap();
        for length in 0..sealed.len() {
            assert!(
                key.open(PLACE, &sealed[..length]).is_err(),
                "{length} bytes"
            );
            let mut changed = sealed.clone();
            changed[length] ^= 1;
            assert!(key.open(PLACE, &changed).is_err(), "byte {length}");
        }
    }

    #[test]
    fn the_key_decides_the_id_and_is_not_printed() {
        let one = SealingKey::derive(StoreKey::from_bytes([7; 32])).unwrap();
        let same = SealingKey::derive(StoreKey::from_bytes([7; 32])).unwrap();
        assert_eq!(one.id(), same.id());
        assert_ne!(one.id(), key().id());
        assert_eq!(
            format!("{:?}", StoreKey::from_bytes([7; 32])),
            "StoreKey([redacted])"
        );
    }
}
