//! What the next tokens of an issuer are to say.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::dev_mode::Mapped;

/// So many callbacks wait at most.
const MOST_CALLBACKS: usize = 1_000;
/// So many values of `typ` are remembered.
const MOST_TYPES: usize = 100;

/// The callbacks that wait for a token request.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    /// How many wait: a token request without one takes no lock.
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Callback>>,
    /// Whether tokens with a `typ` of a test's own were made.
    has_types: AtomicBool,
    types: Mutex<Vec<String>>,
}

/// What the next tokens of an issuer say, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) issuer: String,
    pub(crate) mapped: Mapped,
    pub(crate) times: u64,
}

/// Why a `typ` is not remembered: there are [`MOST_TYPES`] already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyTypes;

/// Why a callback does not wait: [`MOST_CALLBACKS`] do already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyCallbacks;

impl Callbacks {
    /// What the next tokens of an issuer say, if a test has said so.
    pub(crate) fn next(&self, issuer: &str) -> Option<Mapped> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = lock(&self.queue);
        let index = queue
            .iter()
            .position(|callback| callback.issuer == issuer)?;
        let callback = queue.get_mut(index)?;
        callback.times -= 1;
        let mapped = callback.mapped.clone();
        if callback.times == 0 {
            queue.remove(index);
        }
        self.waiting.store(queue.len(), Ordering::Release);
        Some(mapped)
    }

    /// The values of `typ` that tokens of this server may have beside its own.
    pub(crate) fn token_types(&self) -> Vec<String> {
        if self.has_types.load(Ordering::Acquire) {
            lock(&self.types).clone()
        } else {
            Vec::new()
        }
    }

    /// Remembers a `typ`, so that tokens with it are still recognised as our own.
    pub(crate) fn add_token_type(&self, typ: &str) -> Result<(), TooManyTypes> {
        let mut types = lock(&self.types);
        if types.iter().any(|known| known == typ) {
            return Ok(());
        }
        if types.len() >= MOST_TYPES {
            return Err(TooManyTypes);
        }
        types.push(typ.to_owned());
        self.has_types.store(true, Ordering::Release);
        Ok(())
    }

    /// Forgets the callbacks that wait.
    pub(crate) fn clear(&self) {
        let mut queue = lock(&self.queue);
        queue.clear();
        self.waiting.store(0, Ordering::Release);
    }

    /// The callbacks that wait, in their order.
    pub(crate) fn list(&self) -> Vec<Callback> {
        lock(&self.queue).iter().cloned().collect()
    }

    /// Puts a callback behind the others; how many wait now.
    pub(crate) fn push(&self, callback: Callback) -> Result<usize, TooManyCallbacks> {
        let mut queue = lock(&self.queue);
        if queue.len() >= MOST_CALLBACKS {
            return Err(TooManyCallbacks);
        }
        queue.push_back(callback);
        self.waiting.store(queue.len(), Ordering::Release);
        Ok(queue.len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
