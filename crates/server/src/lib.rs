//! How programs and people reach the issuer: endpoints, pages, sign-in.
//!
//! A request goes straight down and straight up: `router` names the endpoint, `request` holds
//! what was sent, the endpoint parses it, `extract` tells who asks, `grants` load, decide and save,
//! and the answer is minted. `docs/adr/0003` says why dev mode is the same server.

pub mod accounts;
pub mod admin;
pub mod audit;
pub mod branding;
mod clients;
mod control;
mod control_memory;
mod date;
mod dev_mode;
mod device_counts;
mod dpop_nonces;
mod draining;
mod endpoints;
mod error;
mod extract;
mod grants;
mod held_polls;
mod issuance;
mod jobs;
pub mod key_ring;
mod keys;
pub mod languages;
mod limiter;
mod listen;
mod mail;
mod metadata_documents;
mod page_token;
pub mod pages;
mod password_blocklist;
mod paths;
mod phishing_signals;
mod places;
mod polled_grants;
mod public_json;
mod request;
mod router;
pub mod server;
pub mod settings;
mod state;
mod steady_clock;
mod tls;
mod trusted_proxies;
mod used_challenges;
mod used_ids;
mod user_code_keys;
mod verified_tokens;

/// The body of every answer: whole, since pages and tokens are small.
pub type Body = http_body_util::Full<hyper::body::Bytes>;

pub use server::{Running, Server, StartError};
pub use settings::{DevFlags, ServerFlags, Settings, SettingsError};
pub use tls::Certificate;
