//! The pages people see: one file and one template each, no build step, no script needed.
//!
//! Accessibility: WCAG 2.2 AA, <https://www.w3.org/TR/WCAG22/>

pub(crate) mod account;
pub mod choose_password;
pub mod consent;
pub mod continue_as;
pub mod create_account;
pub(crate) mod custom_login;
pub mod debugger;
mod detour;
pub mod device;
pub mod device_confirm;
pub mod device_done;
pub mod error;
pub mod form_post;
pub mod home;
pub(crate) mod interaction;
pub(crate) mod language_switch;
pub mod login;
pub mod other_network;
pub mod passkey;
pub mod recover;
pub(crate) mod second_factor;
pub mod sign_up;
pub mod signed_out;

pub mod assets;
pub mod html;
pub mod layout;
pub mod look;
pub mod problem;
pub mod scope_line;

#[cfg(test)]
mod tests;
