//! The key that sessions are sealed with: made once, read back before it is used, never guessed.
//!
//! A folder of sessions remembers its key's name in `keyring.seal` or `passphrase.seal`. From then on
//! a session that is not sealed is refused there (row C-74).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hallpass_protocol::random::{self, SystemRandom};
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Secret, hex};
use serde::{Deserialize, Serialize};

use super::keychain::Keychain;
use super::seal_key::{Cost, KeyKind, KeyName, SealKey};
use super::sealed_format::SealedBytes;
use super::store_error::StoreError;
use super::{file_access, passphrase};

/// Finds keys, and makes the first one.
#[derive(Debug)]
pub(super) struct Seal {
    folder: PathBuf,
    source: KeySource,
    /// Keys of this process by id, so that each is asked for once.
    known: Mutex<BTreeMap<String, SealKey>>,
}

/// Where keys come from.
#[derive(Debug)]
pub(super) enum KeySource {
    Keyring(Box<dyn Keychain>),
    /// The file that holds the passphrase, if one is named.
    Passphrase(Option<PathBuf>),
}

/// Says that sessions of a folder are sealed, and with which key.
#[derive(Serialize, Deserialize)]
struct Marker {
    version: u64,
    key: KeyName,
    /// Nothing, sealed: opens only with the right key.
    check: SealedBytes,
}

impl Seal {
    pub(super) fn new(folder: PathBuf, source: KeySource) -> Self {
        Self {
            folder,
            source,
            known: Mutex::default(),
        }
    }

    pub(super) fn kind(&self) -> KeyKind {
        match &self.source {
            KeySource::Keyring(_) => KeyKind::Keyring,
            KeySource::Passphrase(_) => KeyKind::Passphrase,
        }
    }

    /// Whether sessions in a folder are sealed with this kind of key since an earlier write.
    pub(super) fn is_set_up(folder: &Path, kind: KeyKind) -> bool {
        // A marker that cannot be read is there, too.
        marker_path(folder, kind).symlink_metadata().is_ok()
    }

    /// Whether sessions in a folder are sealed, whatever with.
    pub(super) fn is_any_set_up(folder: &Path) -> bool {
        [KeyKind::Keyring, KeyKind::Passphrase]
            .into_iter()
            .any(|kind| Self::is_set_up(folder, kind))
    }

    /// The key for new files, if there is one.
    pub(super) fn current(&self) -> Result<Option<KeyName>, StoreError> {
        Ok(self.marker()?.map(|marker| marker.key))
    }

    /// Finds a key that files name.
    pub(super) fn key(&self, name: &KeyName) -> Result<SealKey, StoreError> {
        let mut known = self.known();
        if let Some(key) = known.get(&name.id) {
            return Ok(key.clone());
        }
        let key = match &self.source {
            KeySource::Keyring(keychain) => keychain
                .get(&name.id)?
                .and_then(|secret| secret.expose().as_slice().try_into().ok().map(Secret::new))
                .ok_or_else(|| StoreError::KeyMissing {
                    folder: self.folder.clone(),
                })?,
            KeySource::Passphrase(path) => self.derive(path.as_deref(), name)?,
        };
        known.insert(name.id.clone(), key.clone());
        Ok(key)
    }

    /// Makes a key. The caller holds the folder's lock, writes with the key, and then calls
    /// [`Self::set_up`].
    pub(super) fn make(&self) -> Result<KeyName, StoreError> {
        let mut name = KeyName {
            kind: self.kind(),
            id: hex::encode(&random::bytes::<16>(&SystemRandom)),
            argon2id: None,
        };
        let key = match &self.source {
            KeySource::Keyring(keychain) => {
                let key = Secret::new(random::bytes::<32>(&SystemRandom));
                keychain.set(&name.id, key.expose())?;
                // Some keychains take everything and keep nothing.
                let kept = keychain.get(&name.id)?;
                if kept.is_none_or(|kept| kept.expose() != key.expose()) {
                    drop(keychain.forget(&name.id));
                    let reason = "it does not keep what it is given".to_owned();
                    return Err(StoreError::Keychain { reason });
                }
                key
            }
            KeySource::Passphrase(path) => {
                name.argon2id = Some(Cost::DEFAULT);
                self.derive(path.as_deref(), &name)?
            }
        };
        self.known().insert(name.id.clone(), key);
        Ok(name)
    }

    /// Remembers the key that new files are sealed with.
    pub(super) fn set_up(&self, name: KeyName) -> Result<(), StoreError> {
        let path = marker_path(&self.folder, self.kind());
        let failed = || StoreError::io("write", &path, std::io::ErrorKind::Other.into());
        let key = self.key(&name)?;
        let check = SealedBytes::seal(&key, &check_binding(&name), Vec::new());
        let marker = Marker {
            version: 1,
            key: name,
            check: check.ok_or_else(failed)?,
        };
        let mut bytes = serde_json::to_vec_pretty(&marker).map_err(|_| failed())?;
        bytes.push(b'\n');
        file_access::replace(&path, &bytes)
    }

    fn derive(&self, path: Option<&Path>, name: &KeyName) -> Result<SealKey, StoreError> {
        let path = path.ok_or(StoreError::NoPassphrase)?;
        let passphrase = passphrase::read(path)?;
        let key = hex::decode::<16>(&name.id)
            .zip(name.argon2id)
            .and_then(|(salt, cost)| passphrase::derive(&passphrase, &salt, cost))
            .ok_or_else(|| StoreError::Swapped {
                path: self.folder.clone(),
            })?;
        let marker = self.marker()?.filter(|marker| marker.key == *name);
        let opens = |marker: &Marker| marker.check.open(&key, &check_binding(name)).is_some();
        if marker.as_ref().is_some_and(|marker| !opens(marker)) {
            return Err(StoreError::WrongPassphrase {
                path: path.to_owned(),
            });
        }
        Ok(key)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, SealKey>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        let path = marker_path(&self.folder, self.kind());
        let Some(bytes) = file_access::read(&path)? else {
            return Ok(None);
        };
        let marker: Option<Marker> = serde_json::from_slice(&bytes).ok();
        match marker {
            Some(marker) if marker.version > 1 => Err(StoreError::Newer {
                path,
                version: marker.version,
            }),
            Some(marker) if marker.key.kind == self.kind() => Ok(Some(marker)),
            // Each sealed file names its own key, so that nothing is lost with this one.
            _ => Err(file_access::move_aside(&path, SystemClock.now())),
        }
    }
}

fn marker_path(folder: &Path, kind: KeyKind) -> PathBuf {
    folder.join(format!("{}.seal", kind.name()))
}

fn check_binding(name: &KeyName) -> Vec<u8> {
    format!("hallpass key {} {}", name.kind.name(), name.id).into_bytes()
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
