//! What is written down of what happened, so that somebody can trust it later: events, the chain that
//! they stand in, and the check of it. `docs/adr/0020` says why it is so.

mod chain;
mod entry;
mod event;
mod node_id;
mod verification;

pub use chain::{AuditKey, AuditPublicKey, Floor, Head, Signed};
pub use entry::{Actor, Detail, Entry, Record, Unlinked, Veiled};
pub use event::{Event, Outcome};
pub use node_id::NodeId;
pub use verification::{Chain, Finding, Walk};

#[cfg(test)]
mod tests;
