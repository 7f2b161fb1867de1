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
mod password;
mod rows;
mod sessions;

pub(crate) use apps::post as apps;
pub(crate) use delete::get as delete;
pub(crate) use export::post as export;
pub(crate) use history::get as history;
pub(crate) use overview::get as overview;
pub(crate) use password::get as password;
pub(crate) use sessions::post as sessions;
