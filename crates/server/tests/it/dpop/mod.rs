//! DPoP (RFC 9449): tokens that only the owner of a key can use.

mod bound_grants;
mod bound_tokens;
mod nonces;
mod owner;
mod proofs;

pub(crate) use owner::{Owner, post};
