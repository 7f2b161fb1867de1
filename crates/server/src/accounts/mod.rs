//! People with accounts: who may sign in, and how accounts are made, locked and opened again.
//!
//! For users: `docs/accounts.md`.

mod directory;
mod error;
mod factors;
mod hasher;
mod known_browser;
mod links;
mod own;
mod password_rules;
mod sign_in;
mod sign_up;

pub use hallpass_issuer::account::{Account, EmailAddress, Role, Status};
pub use hallpass_issuer::account_link::Purpose;

pub use directory::{Accounts, NewAccount};
pub use error::AccountError;
pub use factors::SecondFactors;
pub(crate) use factors::{
    Added, Asked, Enrolment, NewPasskey, NewTotp, PasskeySignIn, Proof, Proved, Removal, SettingUp,
    Shown,
};
pub(crate) use known_browser::KnownBrowser;
pub use links::NewLink;
pub(crate) use links::may_be_given_password;
pub(crate) use own::{Change, Deletion, Guessed, Overview, Own, Renewed, Session, browser_id};
pub(crate) use sign_in::{Guess, Outcome, Rules, Waits};
pub(crate) use sign_up::Newcomer;
