//! The key ring: the secrets from which every other key of the server is derived.

mod file;
mod ring;

pub(crate) use file::load;
pub use file::{KeyRingError, create};
pub use ring::KeyRing;
