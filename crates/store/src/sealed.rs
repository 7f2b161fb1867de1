//! What must be read back is stored encrypted: private keys and user codes.
//!
//! AES-256-GCM-SIV (RFC 8452): <https://www.rfc-editor.org/rfc/rfc8452>. Each value is bound to its
//! table, column and row, so that a sealed value does not open in another place.

use std::fmt::{self, Write as _};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use hallpass_issuer::tokens::minting_key::MintingKey;
use hallpass_protocol::Secret;
use hallpass_protocol::random::{self, Random};

use crate::error::StoreError;

/// The 32 bytes from which the store derives the key that seals.
#[derive(Clone, Debug)]
pub struct StoreKey(Secret<[u8; 32]>);

/// The keys of a store: one seals, the first one unless other nodes do not know it, all of them open. Each has an id, which stands in what
/// it sealed.
#[derive(Clone, Debug)]
pub struct StoreKeys(Vec<(u8, StoreKey)>);

/// Where a sealed value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a [u8],
}

/// The keys that seal, ready to use; never without a first.
pub(crate) struct SealingKeys {
    first: SealingKey,
    others: Vec<SealingKey>,
    minting: MintingKey,
}

/// One of them.
pub(crate) struct SealingKey {
    key: RandomizedNonceKey,
    id: u8,
    fingerprint: String,
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

impl StoreKeys {
    /// Several keys, each with its id; the first one seals.
    pub fn new(keys: impl IntoIterator<Item = (u8, StoreKey)>) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl From<StoreKey> for StoreKeys {
    /// One key, which is called 1.
    fn from(key: StoreKey) -> Self {
        Self(vec![(1, key)])
    }
}

impl SealingKeys {
    /// Derives what seals from each key.
    pub(crate) fn derive(StoreKeys(keys): StoreKeys) -> Result<Self, StoreError> {
        let mut keys = keys
            .into_iter()
            .map(|(id, key)| SealingKey::derive(id, &key));
        let no_key = || StoreError::Unavailable("there is no sealing key".to_owned());
        let first = keys.next().ok_or_else(no_key)??;
        Ok(Self {
            minting: MintingKey::new(first.id),
            first,
            others: keys.collect::<Result<_, _>>()?,
        })
    }

    /// The first key of the ring, which would like to seal.
    pub(crate) fn first(&self) -> &SealingKey {
        &self.first
    }

    /// Which key seals, and makes whatever else is new.
    pub(crate) fn minting(&self) -> &MintingKey {
        &self.minting
    }

    /// The ids and fingerprints of the ring, the first one first.
    pub(crate) fn names(&self) -> Vec<(u8, &str)> {
        let keys = std::iter::once(&self.first).chain(&self.others);
        keys.map(|key| (key.id, key.fingerprint())).collect()
    }

    /// The key of an id.
    pub(crate) fn find(&self, id: u8) -> Option<&SealingKey> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .find(|key| key.id == id)
    }

    /// Seals a value with the key that makes what is new: version, key id, nonce, ciphertext, tag.
    pub(crate) fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let minting = self.find(self.minting.id()).unwrap_or(&self.first);
        minting.seal(place, value)
    }

    /// Opens what any of the keys sealed for the same place.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let Place { table, column, .. } = place;
        let Some((&[VERSION, id], rest)) = sealed.split_first_chunk() else {
            return Err(StoreError::Corrupt(format!(
                "`{table}.{column}` is not in the form of a sealed value"
            )));
        };
        let key = self.find(id).ok_or(StoreError::MissingKey {
            id,
            needed_until: None,
        })?;
        key.open(place, rest).ok_or_else(|| {
            StoreError::Corrupt(format!(
                "`{table}.{column}` does not open with the key {id}"
            ))
        })
    }
}

impl SealingKey {
    /// Derives the key that seals (HKDF, RFC 5869).
    fn derive(id: u8, StoreKey(key): &StoreKey) -> Result<Self, StoreError> {
        let no_key = |_: Unspecified| StoreError::Unavailable("no sealing key".to_owned());
        let prk = Salt::new(HKDF_SHA256, b"hallpass store").extract(key.expose());
        let sealing = Secret::new(expand(&prk, b"seal 1").map_err(no_key)?);
        let fingerprint = expand(&prk, b"key id").map_err(no_key)?;
        Ok(Self {
            key: RandomizedNonceKey::new(&AES_256_GCM_SIV, sealing.expose()).map_err(no_key)?,
            id,
            fingerprint: fingerprint
                .iter()
                .take(8)
                .fold(String::new(), |mut text, byte| {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{byte:02x}");
                    text
                }),
        })
    }

    /// Its name in the ring.
    pub(crate) fn id(&self) -> u8 {
        self.id
    }

    /// Tells two keys of one name apart, and says nothing about either.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut text = value.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(self.context(place)), &mut text)
            .map_err(|Unspecified| {
                StoreError::Unavailable("a value cannot be sealed".to_owned())
            })?;
        Ok([&[VERSION, self.id], nonce.as_ref().as_slice(), &text].concat())
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let (nonce, mut text) = (Nonce::assume_unique_for_key(*nonce), text.to_vec());
        let context = Aad::from(self.context(place));
        let length = self
            .key
            .open_in_place(nonce, context, &mut text)
            .ok()?
            .len();
        text.truncate(length);
        Some(text)
    }

    /// What a sealed value is bound to.
    fn context(&self, place: Place<'_>) -> Vec<u8> {
        [&[VERSION, self.id], place.to_bytes().as_slice()].concat()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = std::iter::once(&self.first).chain(&self.others);
        f.debug_list().entries(keys).finish()
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

/// The form of a sealed value.
const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    const PLACE: Place<'static> = Place {
        table: "device_grants",
        column: "user_code",
        row: b"7",
    };

    fn key() -> SealingKeys {
        SealingKeys::derive(StoreKey::random(&SystemRandom).into()).unwrap()
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
    fn the_first_key_seals_and_all_open() {
        let [old, new] = [7, 8].map(|byte| StoreKey::from_bytes([byte; 32]));
        let before = SealingKeys::derive(StoreKeys::new([(1, old.clone())])).unwrap();
        let sealed = before.seal(PLACE, b"WDJBMJHT").unwrap();
        let both = StoreKeys::new([(2, new.clone()), (1, old.clone())]);
        let both = SealingKeys::derive(both).unwrap();
        assert_eq!(both.open(PLACE, &sealed).unwrap(), b"WDJBMJHT");
        let resealed = both.seal(PLACE, b"WDJBMJHT").unwrap();
        assert_eq!(resealed[..2], [VERSION, 2]);
        assert_eq!(
            before.open(PLACE, &resealed),
            Err(StoreError::MissingKey {
                id: 2,
                needed_until: None
            })
        );
        // The same bytes under another name are another key.
        let renamed = SealingKeys::derive(StoreKeys::new([(2, old)])).unwrap();
        assert!(matches!(
            renamed.open(PLACE, &resealed),
            Err(StoreError::Corrupt(_))
        ));
        let mut swapped = sealed;
        swapped[1] = 2;
        assert!(matches!(
            both.open(PLACE, &swapped),
            Err(StoreError::Corrupt(_))
        ));
    }

    #[test]
    fn the_key_decides_the_fingerprint_and_is_not_printed() {
        let of = |byte| SealingKey::derive(1, &StoreKey::from_bytes([byte; 32])).unwrap();
        assert_eq!(of(7).fingerprint(), of(7).fingerprint());
        assert_ne!(of(7).fingerprint(), of(8).fingerprint());
        assert_eq!(
            format!("{:?}", StoreKey::from_bytes([7; 32])),
            "StoreKey([redacted])"
        );
    }
}
