//! The second factor: shown after a password or at a step-up, or set up where one is required.
//!
//! The step has no address of its own. Like a password it is posted to the page that asked for it,
//! and until it is done nobody is signed in: there is nothing to skip to (`docs/adr/0014`).

mod code_page;
mod enrol;
mod enrol_page;
mod pending;
mod progress;
mod prove;
mod qr_code;
mod sign_in;
mod step_up;
mod way;

#[cfg(test)]
pub(crate) use code_page::SecondFactorPage;
#[cfg(test)]
pub(crate) use enrol_page::AppKey;
pub(crate) use enrol_page::{Codes, Enrolling, RecoveryCodesPage, SetUp, SetUpPage};
pub(crate) use progress::Progress;
#[cfg(test)]
pub(crate) use qr_code::QrCode;
pub(crate) use sign_in::{advance, is_step};
pub(crate) use step_up::{
    StepUp, ask as ask_to_step_up, ask_if_enrolled, is_answer, take as take_step_up,
};
#[cfg(test)]
pub(crate) use way::Way;
