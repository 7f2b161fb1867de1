//! The memory of every control resource.

use std::sync::Arc;

use super::callbacks::Callbacks;
use super::device_polls::DevicePolls;
use super::faults::Faults;
use super::requests::Requests;
use crate::dev_mode::SettableClock;

/// What tests have asked for, and what they may ask about.
#[derive(Debug)]
pub(crate) struct ControlMemory {
    pub(crate) clock: Arc<SettableClock>,
    pub(crate) callbacks: Callbacks,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) device_polls: DevicePolls,
}

impl ControlMemory {
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
