//! Providers that people name instead of an issuer: what is known of each, as data, and how it is used.

mod identity;
mod parse;
mod place;
mod preset;
mod presets;
mod profile;

pub use identity::Identity;
pub(crate) use profile::RequestTo;
pub use profile::{Provider, ProviderSecret};
