//! What only `serve --dev` does: whom it serves, under which URL, and what its tokens say.
//!
//! For users: `docs/dev-mode.md`.

mod base_url;
mod host;
mod mapping;
mod peer;
mod recent_users;
mod template;
mod token_callback;

pub(crate) use base_url::base_url;
pub(crate) use host::check_host;
pub(crate) use mapping::mapping_for;
pub(crate) use peer::{check_peer, forwarded_text};
pub(crate) use recent_users::RecentUsers;
pub use token_callback::{RequestMapping, TokenCallback};
