//! What the store answers when it cannot do what was asked.

use std::path::PathBuf;

/// A failure of the store. None of its texts holds a value of a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database did not do it, and whether it will do it later is not known: answer 503.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row with the same key exists: draw another one.
    #[error("a row with this key exists already")]
    Conflict,
    /// A row or the file cannot be read.
    #[error("the database holds what cannot be read: {0}")]
    Corrupt(String),
    /// The tables are not those of this version.
    #[error("the database cannot be migrated: {0}")]
    Migration(String),
    /// The secrets in the database were sealed with another key.
    #[error(
        "the secrets in the database were sealed with key `{expected}`, but the key given is `{given}`"
    )]
    WrongKey {
        /// The id of the key that sealed.
        expected: String,
        /// The id of the key that was given.
        given: String,
    },
    /// One process writes a database file.
    #[error("another process uses `{}`: it holds the lock file `{}`", .database.display(), .lock.display())]
    InUse {
        /// The database file.
        database: PathBuf,
        /// The lock file beside it.
        lock: PathBuf,
    },
}
