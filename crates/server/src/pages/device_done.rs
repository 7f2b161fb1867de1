//! Say how a sign-in on another device ended.
//!
//! RFC 8628 §3.3 ("instructs the user to return to their device"): <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>

use askama::Template;

use super::device::CODE_NOT_VALID;
use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout};

/// The last page in the browser.
#[derive(Debug, Clone, Template)]
#[template(path = "device_done.html")]
pub struct DeviceDone {
    /// The frame.
    pub layout: Layout,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a device code was decided.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The device is signed in.
    Approved {
        /// The client's display name.
        client: String,
        /// The account that it may use now.
        user: String,
        /// Posts `action=revoke`, to take the approval back; `None` leaves the button out.
        undo: Option<FormTarget>,
    },
    /// The person said no.
    Denied,
    /// The person said no and told the operator.
    Reported,
    /// The code ran out before the decision.
    Expired,
    /// The person took the approval back.
    Revoked,
}

impl DeviceDone {
    fn heading(&self) -> &'static str {
        match self.outcome {
            Outcome::Approved { .. } => "You're signed in",
            Outcome::Denied => "Request denied",
            Outcome::Reported => "Denied and reported",
            Outcome::Expired => "That took too long",
            Outcome::Revoked => "The device is signed out",
        }
    }
}

impl Page for DeviceDone {
    const FORMS: Forms = Forms::StayHere;
}
