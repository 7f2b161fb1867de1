//! Lets several clients of one process share a store.

use std::sync::Arc;

use super::record::{SessionKey, SessionRecord};
use super::store_error::StoreError;
use super::token_store::{Generation, LockAttempt, StoreInfo, TokenStore, Versioned};

impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        (**self).load(key)
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        (**self).compare_and_swap(key, old, new)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        (**self).remove(key)
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        (**self).try_lock(key)
    }

    fn list(&self) -> Result<Vec<SessionKey>, StoreError> {
        (**self).list()
    }

    fn describe(&self) -> StoreInfo {
        (**self).describe()
    }

    fn prepare(&self) -> Result<(), StoreError> {
        (**self).prepare()
    }

    fn take_notice(&self) -> Option<String> {
        (**self).take_notice()
    }
}
