//! What a person is told later of the tries to sign in to their account.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::{Timestamp, UserId};

/// So long a person can look back.
pub const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInEvent {
    /// Drawn once.
    pub id: [u8; 16],
    /// Whose account it was about.
    pub user: UserId,
    /// When it was made.
    pub at: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
    /// Where it came from.
    pub address: IpAddr,
    /// The browser in words, as it spoke of itself.
    pub browser: Option<String>,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody was signed in.
    SignedIn,
    /// Nobody was: a wrong password, or the account is locked.
    Refused,
    /// The password was right, and the second factor is yet to come. If it never does, whoever tried
    /// knows the password.
    Unfinished,
}

impl SignInEvent {
    /// A try at a name without an account. All of them are one record, each replaces the one before:
    /// writing it takes as long as with an account, and nothing is kept that would grow.
    pub fn of_nobody(at: Timestamp, address: IpAddr) -> Self {
        Self {
            id: [0; 16],
            user: UserId::new(""),
            at,
            outcome: Outcome::Refused,
            address,
            browser: None,
        }
    }
}
