//! The sign-in of one person in one browser.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::tokens::one_time::SecretHash;
use crate::user::{SignIn, User};

/// How long a browser stays signed in without being used.
pub const IDLE: Duration = Duration::from_hours(12);
/// How long it stays signed in however much it is used.
pub const ABSOLUTE: Duration = Duration::from_hours(30 * 24);

/// How long a browser stays signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Unused for so long, it ends.
    pub idle: Duration,
    /// So long after the sign-in it ends whatever happens.
    pub absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: IDLE,
            absolute: ABSOLUTE,
        }
    }
}

/// A signed-in browser. The cookie carries a random value; the record only its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct BrowserSession {
    /// The hash of the cookie's value.
    pub token_hash: SecretHash,
    /// The issuer that the person signed in to (its path).
    pub issuer: String,
    /// Who signed in.
    pub user: User,
    /// How they did.
    pub sign_in: SignIn,
    /// When the person last proved who they are (`auth_time`).
    pub auth_time: Timestamp,
    /// The browser's address.
    pub address: Option<IpAddr>,
    /// When the session ends unless it is used.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl BrowserSession {
    /// Whether the browser still counts as signed in.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }

    /// Notes that a live session is used; whether that is worth writing down. A twenty-fourth of
    /// the idle time is the least that is.
    pub fn touch(&mut self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        let end = (now + lifetimes.idle).min(self.auth_time + lifetimes.absolute);
        let is_worth_it = end >= self.expires_at + lifetimes.idle / 24;
        if is_worth_it {
            self.expires_at = end;
        }
        is_worth_it
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::UserId;
    use serde_json::Map;

    use super::*;

    #[test]
    fn a_session_that_is_used_lives_to_its_absolute_end() {
        let start = Timestamp::from_unix_seconds(1_000_000);
        let lifetimes = Lifetimes::default();
        let mut session = BrowserSession {
            token_hash: SecretHash::of(b"x"),
            issuer: String::new(),
            user: User {
                id: UserId::new("ada"),
                claims: Map::new(),
            },
            sign_in: SignIn::default(),
            auth_time: start,
            address: None,
            expires_at: start + IDLE,
            ended_at: None,
        };
        assert!(!session.touch(lifetimes, start + Duration::from_mins(29)));
        assert_eq!(session.expires_at, start + IDLE);
        let mut now = start;
        while session.is_live(now + Duration::from_hours(11)) {
            now = now + Duration::from_hours(11);
            session.touch(lifetimes, now);
        }
        assert_eq!(session.expires_at, start + ABSOLUTE);
        assert!(!session.touch(lifetimes, start + ABSOLUTE - Duration::from_secs(1)));
        assert!(!session.is_live(start + ABSOLUTE));
    }
}
