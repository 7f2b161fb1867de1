//! How the sessions of a file are turned into bytes: plain or sealed.

use std::path::Path;
use std::sync::Arc;

use hallpass_protocol::Secret;

use super::file_format::{self, BadDocument, Document, SEALED};
use super::record::SessionKey;
use super::seal::Seal;
use super::seal_key::{KeyKind, KeyName};
use super::sealed_format::SealedFile;
use super::store_error::StoreError;

/// Plain or sealed.
#[derive(Clone, Debug)]
pub(super) enum Codec {
    Plain,
    Sealed(Arc<Seal>),
}

/// Why bytes could not be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// They are to be moved aside.
    Damaged,
    /// They are plain where sessions are sealed.
    Unsealed,
    /// They stay where they are.
    Refused(StoreError),
}

impl Unreadable {
    fn new(bad: &BadDocument, path: &Path) -> Self {
        match bad {
            BadDocument::Damaged => Self::Damaged,
            BadDocument::Newer(version) => Self::Refused(StoreError::Newer {
                path: path.to_owned(),
                version: *version,
            }),
        }
    }
}

impl Codec {
    /// Reads the file of a session.
    pub(super) fn decode(
        &self,
        path: &Path,
        key: &SessionKey,
        bytes: &[u8],
    ) -> Result<Document, Unreadable> {
        let bad = |error: BadDocument| Unreadable::new(&error, path);
        let is_sealed = file_format::version(bytes).map_err(bad)? == SEALED;
        match self {
            Self::Plain if !is_sealed => Document::decode(bytes).map_err(bad),
            Self::Plain => {
                let file = SealedFile::parse(bytes).map_err(bad)?;
                Err(Unreadable::Refused(other_key(path, &file)))
            }
            Self::Sealed(seal) if is_sealed => open(seal, path, key, bytes),
            // Before the first sealed one, plain sessions are what there is.
            Self::Sealed(_) if !Seal::is_any_set_up(folder_of(path)) => {
                Document::decode(bytes).map_err(bad)
            }
            Self::Sealed(_) => Err(Unreadable::Unsealed),
        }
    }

    /// Writes the file of a session. The caller holds the lock, and gives the key's name if it is
    /// sealed.
    pub(super) fn encode(
        &self,
        path: &Path,
        sealed_for: Option<(&SessionKey, &KeyName)>,
        document: &Document,
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        let failed = |error| StoreError::io("write", path, std::io::Error::from(error));
        let plain = document.encode().map_err(failed)?;
        let (Self::Sealed(seal), Some((key, name))) = (self, sealed_for) else {
            return Ok(plain);
        };
        let place = (file_name(path), key);
        SealedFile::seal(&seal.key(name)?, name, place, plain.expose().clone())
            .map(Secret::new)
            .ok_or_else(|| StoreError::io("seal", path, std::io::ErrorKind::Other.into()))
    }
}

/// The sessions of a file, as far as it can be told without a key.
pub(super) fn keys(path: &Path, bytes: &[u8]) -> Result<Vec<SessionKey>, Unreadable> {
    let bad = |error: BadDocument| Unreadable::new(&error, path);
    if file_format::version(bytes).map_err(bad)? == SEALED {
        let file = SealedFile::parse(bytes).map_err(bad)?;
        return Ok(vec![file.session]);
    }
    let document = Document::decode(bytes).map_err(bad)?;
    Ok(document.0.into_keys().collect())
}

/// What the file is sealed with, if it is.
pub(super) fn sealed_with(bytes: &[u8]) -> Option<KeyKind> {
    let is_sealed = file_format::version(bytes).is_ok_and(|version| version == SEALED);
    let file = is_sealed.then(|| SealedFile::parse(bytes).ok()).flatten();
    file.map(|file| file.key.kind)
}

fn open(seal: &Seal, path: &Path, key: &SessionKey, bytes: &[u8]) -> Result<Document, Unreadable> {
    let bad = |error: BadDocument| Unreadable::new(&error, path);
    let file = SealedFile::parse(bytes).map_err(bad)?;
    if file.key.kind != seal.kind() {
        return Err(Unreadable::Refused(other_key(path, &file)));
    }
    let swapped = || {
        Unreadable::Refused(StoreError::Swapped {
            path: path.to_owned(),
        })
    };
    let seal_key = seal.key(&file.key).map_err(Unreadable::Refused)?;
    let plain = file
        .open(&seal_key, file_name(path), key)
        .ok_or_else(swapped)?;
    Document::decode(plain.expose()).map_err(bad)
}

fn other_key(path: &Path, file: &SealedFile) -> StoreError {
    StoreError::Sealed {
        path: path.to_owned(),
        by: file.key.kind.phrase(),
        store: file.key.kind.store(),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Ours are hexadecimal digits.
fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
