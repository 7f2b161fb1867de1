//! Links that come by mail: to accept an invitation, and to choose a new password.

use std::time::Duration;

use hallpass_protocol::{Timestamp, UserId};

use crate::tokens::one_time::SecretHash;

/// A link in flight. The mail carries a random value; the record only its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLink {
    /// The hash of what stands in the link.
    pub token_hash: SecretHash,
    /// Whose account it opens.
    pub user: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies unused.
    pub expires_at: Timestamp,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first password of an account that somebody else made.
    Invitation,
    /// A new password in place of a forgotten one.
    Reset,
}

impl Purpose {
    /// How long such a link is good.
    pub fn lifetime(self) -> Duration {
        match self {
            Self::Invitation => Duration::from_hours(7 * 24),
            Self::Reset => Duration::from_mins(15),
        }
    }
}

impl AccountLink {
    /// Whether it still opens anything. Using one removes it and all others of its account.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
