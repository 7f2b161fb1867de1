//! Where sessions are kept.

mod auto;
mod choice;
mod codec;
mod exec;
mod file;
mod file_access;
mod file_format;
mod keychain;
mod locks;
mod memory;
mod passphrase;
mod record;
mod seal;
mod seal_key;
mod sealed_format;
mod shared;
mod store_error;
mod token_store;

pub use choice::{Store, StorePlace, UnknownStore};
pub use file::FileStore;
pub(crate) use file_access::{open_lock, private_folder};
pub use memory::MemoryStore;
pub(crate) use record::REPLAY_WINDOW;
pub use record::{RefreshIntent, SessionKey, SessionRecord};
pub use store_error::StoreError;
pub use token_store::{Generation, LockAttempt, StoreGuard, StoreInfo, TokenStore, Versioned};
