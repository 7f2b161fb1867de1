//! The control API of dev mode, `/_hallpass/*`: a test in any language moves the clock, decides
//! device codes, looks at what clients sent and makes the server fail.
//!
//! For users: `docs/control-api.md`. One file for each resource, named as in its address.

mod callbacks;
mod clock;
mod device;
mod device_policy;
mod error;
mod fault_step;
mod faults;
mod fields;
mod gate;
mod keys;
mod memory;
mod observe;
mod recorded;
mod requests;
mod reset;
mod route;
mod state;
mod time;
mod token;

pub(crate) use memory::Control;
pub(crate) use observe::observe;
pub(crate) use route::{answer, is_control_path};

#[cfg(test)]
pub(crate) use faults::is_endpoint;
