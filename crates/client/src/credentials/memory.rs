//! Keeps sessions in this process only.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::{SessionKey, SessionRecord};
use super::store_error::StoreError;
use super::token_store::{Generation, LockAttempt, StoreGuard, StoreInfo, TokenStore, Versioned};

/// Keeps sessions in memory: they end with the process. Clones share them.
///
/// ```
/// use hallpass_client::{Client, MemoryStore};
///
/// let store = MemoryStore::new();
/// let client = Client::builder("https://login.example.com", "acme-cli").store(store.clone()).build()?;
/// assert!(client.find_session()?.is_none());
/// # Ok::<(), hallpass_client::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<SessionKey, Versioned<SessionRecord>>,
    locked: HashSet<SessionKey>,
}

/// Unlocks on drop.
struct Held(MemoryStore, SessionKey);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().locked.remove(&self.1);
    }
}

impl TokenStore for MemoryStore {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        Ok(self.state().sessions.get(key).cloned())
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        let mut state = self.state();
        if state.sessions.get(key).map(|found| found.generation) != old {
            return Err(StoreError::Conflict);
        }
        let generation = Generation(old.map_or(1, |old| old.0 + 1));
        state.sessions.insert(
            key.clone(),
            Versioned {
                generation,
                value: new.clone(),
            },
        );
        Ok(generation)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.state().sessions.remove(key);
        Ok(())
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        Ok(if self.state().locked.insert(key.clone()) {
            LockAttempt::Locked(StoreGuard::new(Held(self.clone(), key.clone())))
        } else {
            LockAttempt::Busy(None)
        })
    }

    fn list(&self) -> Result<Vec<SessionKey>, StoreError> {
        let mut keys: Vec<_> = self.state().sessions.keys().cloned().collect();
        keys.sort();
        Ok(keys)
    }

    fn describe(&self) -> StoreInfo {
        StoreInfo {
            kind: "memory",
            place: "memory of this process".to_owned(),
            is_persistent: false,
            is_encrypted: false,
            key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::record::tests::record;

    #[test]
    fn a_write_with_an_old_generation_is_a_conflict() {
        let (store, key) = (
            MemoryStore::new(),
            SessionKey::new("https://as.test", "cli"),
        );
        let first = store.compare_and_swap(&key, None, &record()).unwrap();
        assert!(matches!(
            store.compare_and_swap(&key, None, &record()),
            Err(StoreError::Conflict)
        ));
        store
            .compare_and_swap(&key, Some(first), &record())
            .unwrap();
        assert!(
            store
                .compare_and_swap(&key, Some(first), &record())
                .is_err()
        );
        assert_eq!(store.list().unwrap(), [key]);
    }

    #[test]
    fn one_holds_the_lock_until_the_guard_is_dropped() {
        let (store, key) = (
            MemoryStore::new(),
            SessionKey::new("https://as.test", "cli"),
        );
        let held = store.try_lock(&key).unwrap();
        assert!(matches!(
            store.try_lock(&key).unwrap(),
            LockAttempt::Busy(_)
        ));
        drop(held);
        assert!(matches!(
            store.try_lock(&key).unwrap(),
            LockAttempt::Locked(_)
        ));
    }
}
