//! Mail to people: what it says, and how it leaves.
//!
//! For operators: `docs/accounts.md`.

mod message;
mod transport;

pub(crate) use message::{Letter, Sender};
pub(crate) use transport::{Mailer, is_sender};
