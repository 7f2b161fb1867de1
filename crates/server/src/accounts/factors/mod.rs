//! Second factors of people: shown at a sign-in or a step-up, set up, made anew, removed.
//!
//! A try is charged, judged and noted in one transaction: of two that show one code, one counts.
//! Decisions: [`hallpass_issuer::factors`].

mod enrolled;
mod passkeys;
mod prove;
mod recovery_codes;
mod totp;

pub use enrolled::SecondFactors;
pub(crate) use enrolled::{Removal, SettingUp};
pub(crate) use passkeys::{Added, Asked, NewPasskey, PasskeySignIn};
pub(crate) use prove::{Proof, Proved, Shown};
pub(crate) use totp::{Enrolment, NewTotp};

pub(super) use enrolled::find;
