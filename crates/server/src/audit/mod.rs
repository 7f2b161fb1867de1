//! What happened, written down so that somebody can trust it later: one way for every event, from where
//! it happens to the chain in the database and to the other sinks.
//!
//! For users: `docs/audit.md`. Why it is so: `docs/adr/0020`.

mod handle;
mod json;
mod key;
mod message;
mod open;
mod sinks;
mod thinning;
mod trail;
mod writer;

pub(crate) use handle::Audit;
pub(crate) use json::read_time;
pub use json::record as record_json;
pub(crate) use key::load as load_key;
pub(crate) use open::Role;
pub use trail::{Anchor, AuthorizationId, Search, Trail, TrailError, is_event, now, read_anchors};
