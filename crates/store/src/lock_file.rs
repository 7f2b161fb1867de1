//! The lock file beside a database: one process writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// Takes the lock of a database; it is held as long as the file is open.
pub(crate) fn take(database: &Path) -> Result<File, StoreError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let file = open_private(&lock)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            database: database.to_owned(),
            lock,
        }),
        Err(TryLockError::Error(error)) => Err(cannot_open(&lock, &error)),
    }
}

/// Opens a file, made for its owner only when it is new; SQLite gives its log the same rights.
pub(crate) fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| cannot_open(path, &error))
}

fn cannot_open(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("cannot open `{}`: {error}", path.display()))
}
