//! Copies of a SQLite database: made while a server uses it, and put back.
//!
//! `VACUUM INTO` reads one snapshot: <https://www.sqlite.org/lang_vacuum.html#vacuuminto>. The backup
//! API would begin again with every write of the server's process, and never end on a busy one.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::lock_file;

/// Copies a database into a new file that only its owner reads. A server may use it meanwhile.
pub fn backup(database: &Path, copy: &Path) -> Result<(), StoreError> {
    let source = open(database)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(copy)
        .map_err(|error| cannot("write", copy, &error))?;
    let done = source
        .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
        .map_err(|error| StoreError::Unavailable(format!("the copy failed: {error}")))
        .and_then(|_| check(copy))
        .and_then(|()| sync(copy));
    if done.is_err() {
        // Half a copy is worse than none.
        drop(fs::remove_file(copy));
    }
    done
}

/// A copy on its way back: a file beside the database, which takes its place at [`Restore::finish`].
#[derive(Debug)]
pub struct Restore {
    database: PathBuf,
    waiting: PathBuf,
    _lock: fs::File,
}

impl Restore {
    /// Copies a backup beside the database, which nobody may use meanwhile. The database stays as it
    /// is.
    pub fn begin(copy: &Path, database: &Path) -> Result<Self, StoreError> {
        let lock = lock_file::take(database)?;
        check(copy)?;
        let waiting = beside(database, ".restoring");
        remove(&waiting)?;
        backup(copy, &waiting)?;
        Ok(Self {
            database: database.to_owned(),
            waiting,
            _lock: lock,
        })
    }

    /// Where the copy waits: it can be opened and changed.
    pub fn waiting(&self) -> &Path {
        &self.waiting
    }

    /// Puts the copy in the place of the database; where the one before is kept, if there was one.
    pub fn finish(self) -> Result<Option<PathBuf>, StoreError> {
        sync(&self.waiting)?;
        let before = if self.database.exists() {
            let before = beside(&self.database, ".before-restore");
            remove(&before)?;
            // With its log: what was not yet moved into the file belongs to it.
            for suffix in ["", "-wal", "-shm"] {
                let from = beside(&self.database, suffix);
                if from.exists() {
                    let to = beside(&before, suffix);
                    fs::rename(&from, &to).map_err(|error| cannot("move", &from, &error))?;
                }
            }
            Some(before)
        } else {
            None
        };
        fs::rename(&self.waiting, &self.database)
            .map_err(|error| cannot("move", &self.waiting, &error))?;
        // What is left of opening it.
        for suffix in ["-wal", "-shm", ".lock"] {
            drop(fs::remove_file(beside(&self.waiting, suffix)));
        }
        Ok(before)
    }
}

/// Opens a database that is there, to read it.
pub(crate) fn open(database: &Path) -> Result<Connection, StoreError> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| {
        StoreError::Unavailable(format!("cannot open `{}`: {error}", database.display()))
    })
}

/// Whether every page of a file is whole.
fn check(database: &Path) -> Result<(), StoreError> {
    let corrupt = |why: String| StoreError::Corrupt(format!("`{}`: {why}", database.display()));
    let answer: String = open(database)?
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| corrupt(error.to_string()))?;
    if answer == "ok" {
        Ok(())
    } else {
        Err(corrupt(answer))
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let file = fs::File::open(path).and_then(|file| file.sync_all());
    file.map_err(|error| cannot("sync", path, &error))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let path = beside(path, suffix);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot("remove", &path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("cannot {what} `{}`: {error}", path.display()))
}
