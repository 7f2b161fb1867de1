//! How a client proves to the server who it is.

mod credentials;
mod method;
mod private_key;

pub(crate) use credentials::Proof;
pub use method::ClientAuthMethod;
pub use private_key::{PrivateKey, PrivateKeyError};
