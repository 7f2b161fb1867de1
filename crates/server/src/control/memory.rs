//! What the control API remembers between its requests: all of it is bounded, and nothing of it
//! costs the server more than an atomic read while nobody uses it, except the list of requests.

use std::sync::Arc;

use super::callbacks::Callbacks;
use super::device_policy::DevicePolls;
use super::faults::Faults;
use super::requests::Requests;
use crate::dev_mode::SettableClock;

/// What tests have asked for, and what they may ask about.
#[derive(Debug)]
pub(crate) struct Control {
    pub(super) clock: Arc<SettableClock>,
    pub(crate) callbacks: Callbacks,
    pub(super) faults: Faults,
    pub(super) requests: Requests,
    pub(crate) device_polls: DevicePolls,
}

impl Control {
    /// Nothing was asked for yet.
    pub(crate) fn new(clock: Arc<SettableClock>) -> Self {
        Self {
            clock,
            callbacks: Callbacks::default(),
            faults: Faults::default(),
            requests: Requests::default(),
            device_polls: DevicePolls::default(),
        }
    }
}
