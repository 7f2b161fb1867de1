//! The bytes of a sealed session: one session, encrypted with AES-256-GCM.
//!
//! Row C-74: what is authenticated with it binds the file to its format, key, name, issuer, client
//! and profile, so that files cannot be swapped. NIST SP 800-38D
//! <https://csrc.nist.gov/pubs/sp/800/38/d/final>

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hallpass_protocol::Secret;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::random::{self, SystemRandom};
use serde::{Deserialize, Serialize};

use super::file_format::{BadDocument, SEALED};
use super::record::SessionKey;
use super::seal_key::{KeyName, SealKey};
use crate::fingerprint::sha256_hex;

/// A sealed session as it lies in its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SealedFile {
    version: u64,
    pub(super) key: KeyName,
    #[serde(flatten)]
    pub(super) session: SessionKey,
    sealed: SealedBytes,
    /// SHA-256 of the rest as compact JSON: tells an accident from a swap.
    checksum: String,
}

/// Encrypted bytes and their nonce, base64url.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SealedBytes {
    nonce: String,
    bytes: String,
}

impl SealedFile {
    /// Reads a sealed file; nothing of it is trusted before it is opened.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BadDocument> {
        let mut file: Self = serde_json::from_slice(bytes).map_err(|_| BadDocument::Damaged)?;
        let said = std::mem::take(&mut file.checksum);
        if file.checksum().is_ok_and(|real| real == said) {
            Ok(file)
        } else {
            Err(BadDocument::Damaged)
        }
    }

    pub(super) fn seal(
        key: &SealKey,
        name: &KeyName,
        (file_name, session): (&str, &SessionKey),
        plain: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let mut file = Self {
            version: SEALED,
            key: name.clone(),
            session: session.clone(),
            sealed: SealedBytes::seal(key, &bound_to(name, file_name, session), plain)?,
            checksum: String::new(),
        };
        file.checksum = file.checksum().ok()?;
        let mut bytes = serde_json::to_vec_pretty(&file).ok()?;
        bytes.push(b'\n');
        Some(bytes)
    }

    /// `None` when it was sealed with another key, under another name or for another session.
    pub(super) fn open(
        &self,
        key: &SealKey,
        file_name: &str,
        session: &SessionKey,
    ) -> Option<Secret<Vec<u8>>> {
        self.sealed
            .open(key, &bound_to(&self.key, file_name, session))
    }

    fn checksum(&self) -> serde_json::Result<String> {
        Ok(sha256_hex(&serde_json::to_vec(self)?))
    }
}

impl SealedBytes {
    pub(super) fn seal(key: &SealKey, bound_to: &[u8], mut plain: Vec<u8>) -> Option<Self> {
        // Room for the tag: a vector that grows leaves its old bytes behind.
        plain.reserve_exact(AES_256_GCM.tag_len());
        // Drawn anew for each of the few thousand writes of a key's life (SP 800-38D §8.2.2).
        let nonce = random::bytes::<NONCE_LEN>(&SystemRandom);
        cipher(key)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to),
                &mut plain,
            )
            .ok()?;
        Some(Self {
            nonce: base64url::encode(nonce),
            bytes: base64url::encode(plain),
        })
    }

    pub(super) fn open(&self, key: &SealKey, bound_to: &[u8]) -> Option<Secret<Vec<u8>>> {
        let nonce = base64url::decode(&self.nonce)?;
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let mut bytes = base64url::decode(&self.bytes)?;
        let opened = cipher(key)?
            .open_in_place(nonce, Aad::from(bound_to), &mut bytes)
            .ok()?
            .len();
        bytes.truncate(opened);
        Some(Secret::new(bytes))
    }
}

fn cipher(key: &SealKey) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.expose())
        .ok()
        .map(LessSafeKey::new)
}

/// Each part with its length before it, so that no two lists read alike.
fn bound_to(name: &KeyName, file_name: &str, session: &SessionKey) -> Vec<u8> {
    let version = SEALED.to_string();
    let parts = [
        "hallpass session",
        &version,
        name.kind.name(),
        &name.id,
        file_name,
        &session.issuer,
        &session.client_id,
        &session.profile,
    ];
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::seal_key::KeyKind;

    fn name() -> KeyName {
        KeyName {
            kind: KeyKind::Keyring,
            id: "a".repeat(32),
            argon2id: None,
        }
    }

    fn session() -> SessionKey {
        SessionKey::new("https://as.test", "cli")
    }

    fn sealed() -> Vec<u8> {
        let place = ("name.json", &session());
        SealedFile::seal(&Secret::new([7; 32]), &name(), place, b"canary".to_vec()).unwrap()
    }

    #[test]
    fn c_74_a_sealed_file_opens_only_with_its_key_its_name_and_its_session() {
        let file = SealedFile::parse(&sealed()).unwrap();
        let key = Secret::new([7; 32]);
        let opened = file.open(&key, "name.json", &session()).unwrap();
        assert_eq!(opened.expose(), b"canary");
        assert!(file.open(&key, "other.json", &session()).is_none());
        assert!(
            file.open(&Secret::new([8; 32]), "name.json", &session())
                .is_none()
        );
        for other in [
            SessionKey::new("https://other.test", "cli"),
            SessionKey::new("https://as.test", "other"),
            SessionKey::new("https://as.testc", "li"),
            session().in_profile("work"),
        ] {
            assert!(file.open(&key, "name.json", &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn c_49_a_sealed_file_shows_no_secret_and_no_two_are_alike() {
        let (one, two) = (sealed(), sealed());
        assert!(!String::from_utf8_lossy(&one).contains("canary"));
        assert_ne!(one, two);
    }

    #[test]
    fn an_accident_is_told_from_a_swap() {
        let text = String::from_utf8(sealed()).unwrap();
        for bad in [
            text.replace("as.test", "at.test"),
            text.replace("\"nonce\": \"", "\"nonce\": \"A"),
            text.get(..text.len() - 9).unwrap().to_owned(),
        ] {
            assert_eq!(
                SealedFile::parse(bad.as_bytes()).err(),
                Some(BadDocument::Damaged)
            );
        }
    }

    #[test]
    fn a_file_that_is_relabelled_with_a_good_checksum_does_not_open() {
        let mut file = SealedFile::parse(&sealed()).unwrap();
        file.key.id = "b".repeat(32);
        let key = Secret::new([7; 32]);
        assert!(file.open(&key, "name.json", &session()).is_none());
    }
}
