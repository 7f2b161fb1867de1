//! Show who asks for access on another device, and let the person approve or deny.
//!
//! RFC 8628 §3.3 (user interaction): <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>
//! RFC 8628 §5.4 (remote phishing): <https://www.rfc-editor.org/rfc/rfc8628#section-5.4>

use askama::Template;
use jiff::SignedDuration;

use super::html::{Forms, Page};
use super::layout::{Client, FormTarget, Layout, Publisher};
use super::moment::Moment;
use super::scope_line::ScopeLine;

/// The decision about one device code.
///
/// It posts `action`: `approve` (with `confirm=on`), `deny`, `report` (deny and tell the operator)
/// or `switch` (sign in as someone else, the code stays undecided).
#[derive(Debug, Clone, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirm {
    /// The frame.
    pub layout: Layout,
    /// Where the decision goes.
    pub form: FormTarget,
    /// Who is signed in, and gives the access away.
    pub user: String,
    /// The code, grouped as the terminal shows it.
    pub user_code: String,
    /// The code came by link, so nobody has compared it with a terminal yet.
    pub prefilled: bool,
    /// Who asks.
    pub client: Client,
    /// What the device calls itself, already cleaned.
    pub host_label: Option<String>,
    /// Program and operating system, from the requester's user agent.
    pub system: Option<String>,
    /// The address that asked for the code.
    pub address: String,
    /// Where that address is, if the operator has a location file.
    pub place: Option<String>,
    /// That address compared with this browser's.
    pub network: Network,
    /// When the code was asked for.
    pub asked: Moment,
    /// What the client wants to do.
    pub scopes: Vec<ScopeLine>,
    /// How long the access lasts, as a sentence; empty to leave it out.
    pub lifetime: String,
}

/// The requester's network compared with the browser's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Both came from one network.
    Same,
    /// They came from two networks.
    Different,
    /// Nothing can be said, for example IPv4 against IPv6.
    Unknown,
}

impl Network {
    fn is_different(self) -> bool {
        self == Self::Different
    }
}

impl DeviceConfirm {
    fn is_alarming(&self) -> bool {
        self.network.is_different() || self.is_old()
    }

    fn is_old(&self) -> bool {
        self.asked.age() > OLD
    }
}

impl Page for DeviceConfirm {
    const FORMS: Forms = Forms::StayHere;
}

/// People who run a command themselves are here sooner.
const OLD: SignedDuration = SignedDuration::from_mins(3);
