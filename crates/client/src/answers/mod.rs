//! What commands answer to programs: the same JSON from `hallpass` and from every program that has
//! [`crate::clap::AuthArgs`].
//!
//! Each object names its schema; a member is never taken away or renamed under the same name. Events alone
//! carry no schema: they come as a stream, and each says in `event` which one it is. The folder `schemas` of
//! the repository describes them all.

mod events;
mod failure;
mod session;

pub use events::{EventLines, event};
pub use failure::{Failure, error};
pub use session::{logout, nobody, token, whoami};

use hallpass_protocol::Timestamp;

/// `2026-11-21T02:00:00Z`
fn rfc3339(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_second(at.unix_seconds()).ok()?;
    Some(at.to_string())
}
