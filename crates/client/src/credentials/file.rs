//! Keeps sessions in files: mode 0600, replaced in one step, locked across processes.
//!
//! The places are those of the command line's contract (`docs/book`, "files").

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy as _, base_strategy};
use hallpass_protocol::Clock;
use hallpass_protocol::time::SystemClock;

use super::file_format::{BadDocument, Document};
use super::{
    Generation, LockAttempt, SessionKey, SessionRecord, StoreError, StoreGuard, StoreInfo,
    TokenStore, Versioned, file_access,
};

/// Keeps sessions in files that only their owner reads.
#[derive(Clone, Debug)]
pub struct FileStore {
    layout: Layout,
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
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            layout: Layout::One(path.into()),
        }
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
        Self {
            layout: Layout::Folder(state_dir.as_ref().join("sessions")),
        }
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

    fn folder(&self) -> &Path {
        match &self.layout {
            Layout::One(path) => path.parent().unwrap_or(Path::new(".")),
            Layout::Folder(folder) => folder,
        }
    }

    fn document_path(&self, key: &SessionKey) -> PathBuf {
        match &self.layout {
            Layout::One(path) => path.clone(),
            Layout::Folder(folder) => folder.join(format!("{}.json", key.hash())),
        }
    }

    /// Held while a session is refreshed, over the network.
    fn refresh_lock_path(&self, key: &SessionKey) -> PathBuf {
        match &self.layout {
            Layout::One(path) => suffixed(path, &format!(".{}.lock", key.hash())),
            Layout::Folder(folder) => folder.join(format!("{}.lock", key.hash())),
        }
    }

    /// Held while a file is read, changed and replaced: milliseconds.
    fn write_lock_path(&self) -> PathBuf {
        match &self.layout {
            Layout::One(path) => suffixed(path, ".lock"),
            Layout::Folder(folder) => folder.join("write.lock"),
        }
    }

    fn lock_for_writing(&self) -> Result<File, StoreError> {
        file_access::private_folder(self.folder())?;
        let path = self.write_lock_path();
        let file = file_access::open_lock(&path)?;
        file.lock()
            .map_err(|error| StoreError::io("lock", path, error))?;
        Ok(file)
    }

    /// Reads a document without a lock: a replacement is one step, so it is whole or damaged.
    fn read(&self, path: &Path) -> Result<Document, StoreError> {
        if let Some(document) = Self::read_whole(path)? {
            return Ok(document);
        }
        // Only under the lock is it sure that nobody just wrote a good one.
        let _writing = self.lock_for_writing()?;
        Self::read_locked(path)
    }

    /// Reads a document; a damaged one is moved aside and named.
    fn read_locked(path: &Path) -> Result<Document, StoreError> {
        if let Some(document) = Self::read_whole(path)? {
            return Ok(document);
        }
        let moved_to = suffixed(
            path,
            &format!(".corrupt-{}", SystemClock.now().unix_seconds()),
        );
        std::fs::rename(path, &moved_to)
            .map_err(|error| StoreError::io("move away the damaged file", path, error))?;
        Err(StoreError::Corrupt {
            path: path.to_owned(),
            moved_to,
        })
    }

    /// `None` for a damaged document, an empty one when there is none.
    fn read_whole(path: &Path) -> Result<Option<Document>, StoreError> {
        let Some(bytes) = file_access::read(path)? else {
            return Ok(Some(Document::default()));
        };
        match Document::decode(&bytes) {
            Ok(document) => Ok(Some(document)),
            Err(BadDocument::Newer(version)) => Err(StoreError::Newer {
                path: path.to_owned(),
                version,
            }),
            Err(BadDocument::Damaged) => Ok(None),
        }
    }

    fn write(path: &Path, document: &Document) -> Result<(), StoreError> {
        let bytes = document
            .encode()
            .map_err(|error| StoreError::io("write", path, std::io::Error::from(error)))?;
        file_access::replace(path, bytes.expose())
    }
}

impl TokenStore for FileStore {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        Ok(self.read(&self.document_path(key))?.0.remove(key))
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        let _writing = self.lock_for_writing()?;
        let path = self.document_path(key);
        let mut document = Self::read_locked(&path)?;
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
        Self::write(&path, &document)?;
        Ok(generation)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        if !self.folder().exists() {
            return Ok(());
        }
        let _writing = self.lock_for_writing()?;
        let path = self.document_path(key);
        let mut document = Self::read_locked(&path)?;
        if document.0.remove(key).is_none() {
            return Ok(());
        }
        if document.0.is_empty() {
            file_access::remove(&path)
        } else {
            Self::write(&path, &document)
        }
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        file_access::private_folder(self.folder())?;
        let path = self.refresh_lock_path(key);
        let mut file = file_access::open_lock(&path)?;
        if !file_access::try_lock(&file, &path)? {
            let mut holder = String::new();
            let read = file.read_to_string(&mut holder);
            let holder = read
                .ok()
                .filter(|length| *length > 0)
                .map(|_| crate::clean::text(holder.trim()));
            return Ok(LockAttempt::Busy(holder));
        }
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
            Layout::Folder(folder) => json_files(folder)?,
        };
        let mut keys = Vec::new();
        for path in paths {
            keys.extend(self.read(&path)?.0.into_keys());
        }
        keys.sort();
        Ok(keys)
    }

    fn describe(&self) -> StoreInfo {
        let place = match &self.layout {
            Layout::One(path) | Layout::Folder(path) => path.display().to_string(),
        };
        StoreInfo {
            kind: "file",
            place,
            is_persistent: true,
            is_encrypted: false,
        }
    }
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", folder, error)),
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_session = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    Ok(paths.filter(is_session).collect())
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
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
