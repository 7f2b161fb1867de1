//! Proof of possession: tokens that only the holder of a key can use.
//!
//! RFC 9449: <https://www.rfc-editor.org/rfc/rfc9449>; rows C-10, C-35 to C-39.

mod key;
mod mode;
mod nonces;

pub(crate) use key::{Binding, DpopKey};
pub use mode::DpopMode;
pub(crate) use nonces::{Nonces, Role, nonce_of};
