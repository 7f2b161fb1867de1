//! The control API of dev mode, `/_hallpass/*`: a test in any language moves the clock, decides
//! device codes, looks at what clients sent and makes the server fail.
//!
//! For users: `docs/control-api.md`. One file for each resource, named as in its address.

mod call;
mod callbacks;
mod clock;
mod device;
mod endpoint_names;
mod error;
mod fault_step;
mod faults;
mod fields;
mod gate;
mod keys;
mod observe;
mod recorded;
mod requests;
mod reset;
mod route;
mod state;
mod time;
mod token;

pub(crate) use observe::observe;
pub(crate) use route::{answer, is_control_path};

#[cfg(test)]
pub(crate) use endpoint_names::is_endpoint;
