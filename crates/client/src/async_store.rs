//! Calls the synchronous store from asynchronous code, on threads where blocking is fine.

use std::sync::Arc;
use std::time::Duration;

use crate::credentials::{
    Generation, LockAttempt, SessionKey, SessionRecord, StoreError, StoreGuard, TokenStore,
    Versioned,
};
use crate::error::Error;
use crate::timer::Timer;

/// How often a busy lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A store that can be awaited.
#[derive(Clone, Debug)]
pub(crate) struct AsyncStore(Arc<dyn TokenStore>);

impl AsyncStore {
    pub(crate) fn new(backend: Arc<dyn TokenStore>) -> Self {
        Self(backend)
    }

    pub(crate) fn backend(&self) -> Arc<dyn TokenStore> {
        Arc::clone(&self.0)
    }

    pub(crate) async fn load(
        &self,
        key: &SessionKey,
    ) -> Result<Option<Versioned<SessionRecord>>, Error> {
        let key = key.clone();
        self.call(move |store| store.load(&key)).await
    }

    pub(crate) async fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: SessionRecord,
    ) -> Result<Generation, Error> {
        let key = key.clone();
        self.call(move |store| store.compare_and_swap(&key, old, &new))
            .await
    }

    /// Writes a session whatever stands there: after a sign-in, the newest one wins.
    pub(crate) async fn put(&self, key: &SessionKey, new: SessionRecord) -> Result<(), Error> {
        let key = key.clone();
        self.call(move |store| {
            // Somebody else may write in between, but not for ever.
            for _ in 0..10 {
                let old = match store.load(&key) {
                    Ok(found) => found.map(|found| found.generation),
                    // It was moved aside: there is room for a good one.
                    Err(StoreError::Corrupt { .. }) => continue,
                    Err(error) => return Err(error),
                };
                match store.compare_and_swap(&key, old, &new) {
                    Err(StoreError::Conflict) => {}
                    done => return done.map(|_| ()),
                }
            }
            Err(StoreError::Conflict)
        })
        .await
    }

    /// Makes sure that a session can be kept, and says what the person should know about it.
    pub(crate) async fn prepare(&self) -> Result<Option<String>, Error> {
        self.call(|store| store.prepare().map(|()| store.take_notice()))
            .await
    }

    pub(crate) async fn remove(&self, key: &SessionKey) -> Result<(), Error> {
        let key = key.clone();
        self.call(move |store| store.remove(&key)).await
    }

    pub(crate) async fn list(&self) -> Result<Vec<SessionKey>, Error> {
        self.call(|store| store.list()).await
    }

    pub(crate) async fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, Error> {
        let key = key.clone();
        self.call(move |store| store.try_lock(&key)).await
    }

    /// Waits for the lock of a session, at most as long as given.
    pub(crate) async fn lock(
        &self,
        key: &SessionKey,
        wait: Duration,
        timer: &dyn Timer,
    ) -> Result<StoreGuard, Error> {
        let start = timer.elapsed();
        loop {
            match self.try_lock(key).await? {
                LockAttempt::Locked(guard) => return Ok(guard),
                LockAttempt::Busy(holder) if timer.elapsed().saturating_sub(start) >= wait => {
                    return Err(StoreError::Busy { holder }.into());
                }
                LockAttempt::Busy(_) => timer.sleep(LOCK_PAUSE).await,
            }
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn TokenStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || work(store.as_ref())).await {
            Ok(done) => Ok(done?),
            Err(stopped) => {
                let message = "the store's work was stopped".to_owned();
                Err(Error::from(StoreError::Other {
                    message,
                    hint: None,
                })
                .caused_by(stopped))
            }
        }
    }
}
