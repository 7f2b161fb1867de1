//! What the control API of dev mode remembers between its requests, a file for each of its resources.
//!
//! All of it is bounded, and nothing of it costs the server more than an atomic read while nobody uses
//! it, except the list of requests. What tests write and read of it is JSON of [`crate::control`].

mod callbacks;
mod device_polls;
mod fault_step;
mod faults;
mod memory;
mod recorded;
mod requests;

pub(crate) use callbacks::{Callback, TooManyCallbacks, TooManyTypes};
pub(crate) use fault_step::{Canned, Step, Then};
pub(crate) use faults::{Rule, TooManySteps};
pub(crate) use memory::ControlMemory;
pub(crate) use recorded::{Outcome, Recorded, Unpacked};
pub(crate) use requests::Size;
