//! The key ring: the secrets from which every other key of the server is derived.

mod file;
mod purpose_keys;
mod ring;

pub(crate) use file::load;
pub use file::{KeyRingError, create};
pub(crate) use purpose_keys::PurposeKeys;
pub use ring::KeyRing;
