//! What the store answers when it cannot do what was asked.

use std::path::PathBuf;

use hallpass_protocol::Timestamp;

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
        "key {id} of the key ring is another one than the key {id} of this database: its fingerprint is \
         `{given}` and should be `{expected}`"
    )]
    WrongKey {
        /// Its id in the ring.
        id: u8,
        /// The fingerprint of the key that sealed.
        expected: String,
        /// The fingerprint of the key that was given.
        given: String,
    },
    /// A key that the database needs is not among the keys given.
    #[error("the database needs key {id}, which the key ring does not have")]
    MissingKey {
        /// Its id in the ring.
        id: u8,
        /// Until when it needs it, if it knows already.
        needed_until: Option<Timestamp>,
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
