//! The sign-in of one person in one browser.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::tokens::one_time::SecretHash;
use crate::user::User;

/// How long a browser stays signed in without being used.
pub const IDLE: Duration = Duration::from_hours(12);

/// A signed-in browser. The cookie carries a random value; the record only its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct BrowserSession {
    /// The hash of the cookie's value.
    pub token_hash: SecretHash,
    /// The issuer that the person signed in to (its path).
    pub issuer: String,
    /// Who signed in.
    pub user: User,
    /// When the person last proved who they are (`auth_time`).
    pub auth_time: Timestamp,
    /// The browser's address.
    pub address: Option<IpAddr>,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl BrowserSession {
    /// Whether the browser still counts as signed in.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}
