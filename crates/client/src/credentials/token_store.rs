//! What a place for sessions must do.

use std::any::Any;
use std::fmt;

use super::record::{SessionKey, SessionRecord};
use super::store_error::StoreError;

/// Keeps sessions. Implementations are synchronous on purpose: they call files and keychains; this
/// crate calls them from threads where blocking is fine.
pub trait TokenStore: Send + Sync + fmt::Debug {
    /// Reads a session; takes no lock.
    ///
    /// # Errors
    ///
    /// When the place exists but cannot be trusted or read; a session that is not there is `None`.
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError>;

    /// Writes a session if nobody else did since: `old` is the generation that the caller read,
    /// `None` when there was none. When this returns, the session has reached the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the session changed meanwhile.
    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError>;

    /// Removes a session; it is fine when there is none.
    fn remove(&self, key: &SessionKey) -> Result<(), StoreError>;

    /// Tries to become the one who refreshes this session, among all processes of this user. Does
    /// not wait.
    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError>;

    /// Every session that is kept here.
    fn list(&self) -> Result<Vec<SessionKey>, StoreError>;

    /// Says where and how sessions are kept.
    fn describe(&self) -> StoreInfo;

    /// Makes sure that a session can be kept: called before a person is asked to sign in, so that
    /// nobody signs in for nothing.
    ///
    /// # Errors
    ///
    /// What a write would fail with.
    fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// What the person should be told once, such as that there is no keychain; the next call gives
    /// `None`.
    fn take_notice(&self) -> Option<String> {
        None
    }
}

/// A value and the generation in which it was read.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// Grows with each write.
    pub generation: Generation,
    /// The value.
    pub value: T,
}

/// Counts the writes of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

/// What [`TokenStore::try_lock`] found.
#[derive(Debug)]
pub enum LockAttempt {
    /// The lock is ours until the guard is dropped.
    Locked(StoreGuard),
    /// Somebody else holds it; who, as far as the holder wrote it down.
    Busy(Option<String>),
}

/// Releases a lock when it is dropped.
pub struct StoreGuard(
    #[expect(dead_code, reason = "it is kept for its drop")] Box<dyn Any + Send + Sync>,
);

impl StoreGuard {
    /// Wraps whatever releases the lock when it is dropped.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for StoreGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreGuard")
    }
}

/// Where and how sessions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// `file`, `sealed`, `memory` or `exec`; `auto` while that is not decided.
    pub kind: &'static str,
    /// The place, for people.
    pub place: String,
    /// Whether a session outlives the process.
    pub is_persistent: bool,
    /// Whether secrets are encrypted where they lie.
    pub is_encrypted: bool,
    /// Where the key lies that secrets are encrypted with: `keyring` or `passphrase`.
    pub key: Option<&'static str>,
}
