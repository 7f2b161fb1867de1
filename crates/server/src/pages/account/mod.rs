//! `/account`: what a person has here, for them to see and end. Production only.
//!
//! For users: `docs/accounts.md`.

mod address;
mod apps;
mod delete;
mod export;
mod gate;
mod history;
mod overview;
mod passkeys;
mod password;
mod paths;
mod rows;
mod security;
mod sessions;
mod totp;

pub(crate) use apps::post as apps;
pub(crate) use delete::get as delete;
pub(crate) use export::post as export;
pub(crate) use history::get as history;
pub(crate) use overview::get as overview;
pub(crate) use passkeys::get as passkeys;
#[cfg(test)]
pub(crate) use passkeys::{PasskeyPage, PasskeyRow, PasskeysPage};
pub(crate) use password::get as password;
#[cfg(test)]
pub(crate) use security::SecurityPage;
pub(crate) use security::get as security;
pub(crate) use sessions::post as sessions;
pub(crate) use totp::get as totp;
