//! Keeps sessions in files: mode 0600, replaced in one step, locked across processes, plain or sealed.
//!
//! The places are those of the command line's contract (`docs/book`, "files").

use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::{BaseStrategy as _, base_strategy};
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Secret};

use super::codec::{self, Codec, Unreadable};
use super::file_access;
use super::file_format::Document;
use super::locks::{Locks, Taken, Wait};
use super::record::{SessionKey, SessionRecord};
use super::seal::{KeySource, Seal};
use super::seal_key::{KeyKind, KeyName};
use super::store_error::StoreError;
use super::token_store::{Generation, LockAttempt, StoreGuard, StoreInfo, TokenStore, Versioned};
use crate::file_lock::FileLock;

/// Keeps sessions in files that only their owner reads.
#[derive(Clone, Debug)]
pub struct FileStore {
    layout: Layout,
    codec: Codec,
    locks: Locks,
}

#[derive(Clone, Debug)]
enum Layout {
    /// Every session in this one file.
    One(PathBuf),
    /// `<folder>/<hash>.json`, one session each.
    Folder(PathBuf),
}

impl FileStore {
    /// Keeps every session of an application in the one file that it names.
    ///
    /// ```
    /// use hallpass_client::{FileStore, TokenStore};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let store = FileStore::at(folder.path().join("sessions.json"));
    /// assert!(store.list()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::laid_out(Layout::One(path.into()))
    }

    /// Keeps every session of an application in `<app>/credentials.json` where the system keeps the
    /// settings of programs: `$XDG_CONFIG_HOME` (`~/.config`), `~/Library/Application Support` or
    /// `%APPDATA%`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoHome`] when the user has no home folder.
    pub fn app(app_name: &str) -> Result<Self, StoreError> {
        let places = base_strategy::choose_native_strategy().map_err(|_| StoreError::NoHome)?;
        // On macOS the settings folder holds property lists only.
        let is_mac = cfg!(target_os = "macos");
        let base = if is_mac {
            places.data_dir()
        } else {
            places.config_dir()
        };
        Ok(Self::at(
            base.join(file_name(app_name)).join("credentials.json"),
        ))
    }

    /// Keeps one file per session, `sessions/<hash>.json`, in a state folder.
    pub fn in_state_dir(state_dir: impl AsRef<Path>) -> Self {
        Self::laid_out(Layout::Folder(state_dir.as_ref().join("sessions")))
    }

    fn laid_out(layout: Layout) -> Self {
        Self {
            locks: Locks::of(layout.folder()),
            codec: Codec::Plain,
            layout,
        }
    }

    /// The same files, sealed.
    pub(super) fn sealed(mut self, source: KeySource) -> Self {
        let seal = Seal::new(self.folder().to_owned(), source);
        self.codec = Codec::Sealed(Arc::new(seal));
        self
    }

    /// The state folder of an application: `$XDG_STATE_HOME/<app>` (`~/.local/state/<app>`),
    /// `~/Library/Application Support/<app>/state` or `%LOCALAPPDATA%\<app>\state`; below `home` when
    /// that moves everything (`HALLPASS_HOME`).
    ///
    /// # Errors
    ///
    /// [`StoreError::NoHome`] when the user has no home folder.
    pub fn state_dir(app_name: &str, home: Option<&Path>) -> Result<PathBuf, StoreError> {
        if let Some(home) = home {
            return Ok(home.join("state"));
        }
        let places = base_strategy::choose_native_strategy().map_err(|_| StoreError::NoHome)?;
        let app = file_name(app_name);
        Ok(match places.state_dir() {
            Some(state) => state.join(app),
            None if cfg!(windows) => places.cache_dir().join(app).join("state"),
            None => places.data_dir().join(app).join("state"),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.layout.folder()
    }

    fn document_path(&self, key: &SessionKey) -> PathBuf {
        match &self.layout {
            Layout::One(path) => path.clone(),
            Layout::Folder(folder) => folder.join(format!("{}.json", key.hash())),
        }
    }

    /// Held while a session is refreshed, over the network.
    fn refresh_lock_name(&self, key: &SessionKey) -> String {
        match &self.layout {
            Layout::One(path) => format!("{}.{}.lock", name_of(path), key.hash()),
            Layout::Folder(_) => format!("{}.lock", key.hash()),
        }
    }

    /// Held while a file is read, changed and replaced: milliseconds.
    fn write_lock_name(&self) -> String {
        match &self.layout {
            Layout::One(path) => format!("{}.lock", name_of(path)),
            Layout::Folder(_) => "write.lock".to_owned(),
        }
    }

    /// Waits for the other writers: they need milliseconds, or a keychain's two seconds.
    pub(super) fn lock_for_writing(&self) -> Result<FileLock, StoreError> {
        let lock = match self.locks.take(&self.write_lock_name(), Wait::Yes)? {
            Taken::Ours(lock) => lock,
            Taken::Busy(file) => FileLock::new(file),
        };
        file_access::remove_leftovers(self.folder(), SystemClock.now());
        Ok(lock)
    }

    /// Reads a file without a lock: a replacement is one step, so it is whole or damaged.
    fn read<T: Default>(
        &self,
        path: &Path,
        parse: impl Fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<T, StoreError> {
        match Self::read_once(path, &parse)? {
            Ok(read) => return Ok(read),
            Err(Unreadable::Refused(error)) => return Err(error),
            Err(Unreadable::Damaged | Unreadable::Unsealed) => {}
        }
        // Only under the lock is it sure that nobody just wrote a good one.
        let _writing = self.lock_for_writing()?;
        Self::read_locked(path, parse)
    }

    /// Reads a file; a damaged one is moved aside and named.
    fn read_locked<T: Default>(
        path: &Path,
        parse: impl Fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<T, StoreError> {
        match Self::read_once(path, &parse)? {
            Ok(read) => Ok(read),
            Err(Unreadable::Refused(error)) => Err(error),
            Err(Unreadable::Unsealed) => Err(StoreError::Unsealed {
                path: path.to_owned(),
            }),
            Err(Unreadable::Damaged) => Err(file_access::move_aside(path, SystemClock.now())),
        }
    }

    /// No file reads as nothing.
    fn read_once<T: Default>(
        path: &Path,
        parse: &impl Fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<Result<T, Unreadable>, StoreError> {
        let bytes = file_access::read(path)?.map(Secret::new);
        Ok(bytes.map_or(Ok(T::default()), |bytes| parse(bytes.expose())))
    }

    fn write(
        &self,
        path: &Path,
        sealed_for: Option<(&SessionKey, &KeyName)>,
        document: &Document,
    ) -> Result<(), StoreError> {
        let bytes = self.codec.encode(path, sealed_for, document)?;
        file_access::replace(path, bytes.expose())
    }

    /// The key that is written with, made at the first write. The caller holds the lock.
    pub(super) fn key_name_locked(&self) -> Result<Option<KeyName>, StoreError> {
        let Codec::Sealed(seal) = &self.codec else {
            return Ok(None);
        };
        if let Some(name) = seal.current()? {
            return Ok(Some(name));
        }
        let name = seal.make()?;
        // What was kept plain until now is sealed before anybody insists on it.
        if !Seal::is_any_set_up(self.folder()) {
            for path in file_access::json_files(self.folder())? {
                self.seal_plain_file(&path, &name)?;
            }
        }
        seal.set_up(name.clone())?;
        Ok(Some(name))
    }

    fn seal_plain_file(&self, path: &Path, name: &KeyName) -> Result<(), StoreError> {
        let Some(bytes) = file_access::read(path)?.map(Secret::new) else {
            return Ok(());
        };
        // Sealed already, damaged, or not one of ours: whoever asks for it hears of it.
        let Ok(document) = Document::decode(bytes.expose()) else {
            return Ok(());
        };
        let key = document.0.keys().next().cloned();
        let is_ours = |key: &SessionKey| document.0.len() == 1 && self.document_path(key) == *path;
        match key.filter(is_ours) {
            Some(key) => self.write(path, Some((&key, name)), &document),
            None => Ok(()),
        }
    }

    /// What the files of the folder are sealed with, by the first that is.
    pub(super) fn found_seal(&self) -> Result<Option<KeyKind>, StoreError> {
        for path in file_access::json_files(self.folder())? {
            let kind = file_access::read(&path)?.and_then(|bytes| codec::sealed_with(&bytes));
            if kind.is_some() {
                return Ok(kind);
            }
        }
        Ok(None)
    }
}

impl TokenStore for FileStore {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        let path = self.document_path(key);
        let mut document = self.read(&path, |bytes| self.codec.decode(&path, key, bytes))?;
        Ok(document.0.remove(key))
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        let _writing = self.lock_for_writing()?;
        let name = self.key_name_locked()?;
        let path = self.document_path(key);
        let parse = |bytes: &[u8]| self.codec.decode(&path, key, bytes);
        let mut document = Self::read_locked(&path, parse)?;
        if document.0.get(key).map(|found| found.generation) != old {
            return Err(StoreError::Conflict);
        }
        let generation = Generation(old.map_or(1, |old| old.0 + 1));
        document.0.insert(
            key.clone(),
            Versioned {
                generation,
                value: new.clone(),
            },
        );
        let sealed_for = name.as_ref().map(|name| (key, name));
        self.write(&path, sealed_for, &document)?;
        Ok(generation)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        if !self.folder().exists() {
            return Ok(());
        }
        let _writing = self.lock_for_writing()?;
        let path = self.document_path(key);
        if matches!(self.layout, Layout::Folder(_)) {
            // Also one that cannot be opened: to remove it is the way out.
            return file_access::remove(&path);
        }
        let parse = |bytes: &[u8]| self.codec.decode(&path, key, bytes);
        let mut document = Self::read_locked(&path, parse)?;
        if document.0.remove(key).is_none() {
            return Ok(());
        }
        if document.0.is_empty() {
            file_access::remove(&path)
        } else {
            self.write(&path, None, &document)
        }
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        let taken = self.locks.take(&self.refresh_lock_name(key), Wait::No)?;
        let mut file = match taken {
            Taken::Ours(file) => file,
            Taken::Busy(mut file) => {
                let mut holder = String::new();
                let read = file.read_to_string(&mut holder);
                let holder = read
                    .ok()
                    .filter(|length| *length > 0)
                    .map(|_| crate::clean::text(holder.trim()));
                return Ok(LockAttempt::Busy(holder));
            }
        };
        // Who waits can then name who is waited for; nothing hangs on it.
        let command = std::env::current_exe().ok();
        let command = command
            .as_deref()
            .and_then(Path::file_name)
            .unwrap_or_default();
        let line = format!("pid {} {}\n", std::process::id(), command.to_string_lossy());
        let noted = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(line.as_bytes()));
        if let Err(error) = noted {
            tracing::debug!(%error, "the lock file could not be written");
        }
        Ok(LockAttempt::Locked(StoreGuard::new(file)))
    }

    fn list(&self) -> Result<Vec<SessionKey>, StoreError> {
        let paths = match &self.layout {
            Layout::One(path) => vec![path.clone()],
            Layout::Folder(folder) => file_access::json_files(folder)?,
        };
        let mut keys = Vec::new();
        for path in paths {
            keys.extend(self.read(&path, |bytes| codec::keys(&path, bytes))?);
        }
        keys.sort();
        Ok(keys)
    }

    fn describe(&self) -> StoreInfo {
        let place = match &self.layout {
            Layout::One(path) | Layout::Folder(path) => path.display().to_string(),
        };
        let key = match &self.codec {
            Codec::Plain => None,
            Codec::Sealed(seal) => Some(seal.kind().name()),
        };
        StoreInfo {
            kind: if key.is_some() { "sealed" } else { "file" },
            place,
            is_persistent: true,
            is_encrypted: key.is_some(),
            key,
        }
    }

    fn prepare(&self) -> Result<(), StoreError> {
        let _writing = self.lock_for_writing()?;
        file_access::try_to_write(self.folder())?;
        match (self.key_name_locked()?, &self.codec) {
            // An old key may be out of reach by now.
            (Some(name), Codec::Sealed(seal)) => seal.key(&name).map(|_| ()),
            _ => Ok(()),
        }
    }
}

impl Layout {
    fn folder(&self) -> &Path {
        match self {
            Self::One(path) => path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
            Self::Folder(folder) => folder,
        }
    }
}

/// The file's own name, for the names of its locks.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// An application's name as one folder: nothing in it leaves the parent.
fn file_name(app_name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain: String = app_name
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    let plain = plain.trim_start_matches('.');
    if plain.is_empty() {
        "app".to_owned()
    } else {
        plain.to_owned()
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
