//! What the server reads once, at start: flags, environment, a configuration file, defaults.
//!
//! For users: `docs/dev-mode.md`.

mod client_config;
mod dev;
mod dev_refusals;
mod duration;
mod effective;
mod error;
mod files;
mod geo;
mod https;
mod json_file;
mod known_keys;
mod mode;
mod overrides;
mod production;
mod rate;
mod refusal;
mod schema;
mod server_toml;
mod token_callback;
mod toml_file;
mod values;

pub use dev::DevFlags;
pub use error::SettingsError;
pub use geo::GeoSettings;
pub(crate) use known_keys::nearest_name;
pub use mode::{
    AccountRegistration, AuditSettings, AuditSink, Branding, BrowserSessionLifetimes, Compat,
    DatabaseSettings, EmailSettings, EmailTransport, KeyRingSource, LimitSettings, LoginSettings,
    Mode, Network, Resource, SmtpSecurity,
};
pub use production::ServerFlags;
pub use token_callback::{RequestMapping, TokenCallback};
pub use values::{ControlAccess, DevicePolicy, PublicUrl, Rotation, Settings};

#[cfg(test)]
mod tests;
