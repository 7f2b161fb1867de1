//! What pages ask a passkey for, and how they read its answer.
//!
//! The one thing that needs script: browsers hand passkeys to nothing else (`docs/adr/0004`).

mod answer;
mod ask;
mod sign_in;

pub(crate) use answer::{Answer, creation, use_of};
pub use ask::Ask;
pub(crate) use ask::Ceremony;
pub(crate) use sign_in::{Judged, is_sign_in, sign_in};
