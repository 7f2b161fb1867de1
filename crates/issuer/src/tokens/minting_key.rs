//! Which key of the ring makes what is new. All of them are accepted; the one that makes may change
//! while the server runs, when every node knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// The id of the key that makes what is new, shared by whoever makes something.
#[derive(Clone, Debug)]
pub struct MintingKey(Arc<AtomicU8>);

impl MintingKey {
    /// Begins with a key.
    pub fn new(id: u8) -> Self {
        Self(Arc::new(AtomicU8::new(id)))
    }

    /// The key that makes what is new.
    pub fn id(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }

    /// Lets another key make it.
    pub fn change(&self, id: u8) {
        self.0.store(id, Ordering::Release);
    }

    /// That key among others with their ids; the first one, should it not be there.
    pub fn of<'k, K>(&self, keys: &'k [(u8, K)]) -> Option<&'k (u8, K)> {
        let id = self.id();
        let minting = keys.iter().find(|(known, _)| *known == id);
        minting.or_else(|| keys.first())
    }
}
