//! What only `serve --dev` does: whom it serves, under which URL, and what its tokens say.
//!
//! For users: `docs/dev-mode.md`.

mod base_url;
mod device_policy;
mod host;
mod mapping;
mod peer;
mod recent_users;
mod settable_clock;
mod template;
mod typed_claims;
pub(crate) mod unsigned_refresh_token;

pub(crate) use base_url::base_url;
pub(crate) use device_policy::approve_as;
pub(crate) use host::{Authority, check_host, is_ours};
pub(crate) use mapping::{Mapped, expiry_for, mapping_for, overwrite};
pub(crate) use peer::{check_peer, forwarded_text, is_loopback_peer};
pub(crate) use recent_users::RecentUsers;
pub(crate) use settable_clock::{LATEST, SettableClock};
pub(crate) use typed_claims::read_claims;
