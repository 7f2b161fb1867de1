//! Mail that is due: which one to whom, and when to try again.

use std::time::Duration;

use hallpass_protocol::{Timestamp, UserId};

/// The first wait after a failure; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_mins(30);
/// A mail that could not be sent for so long is given up.
const PATIENCE: Duration = Duration::from_hours(24);

/// A mail in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its name in the outbox.
    pub id: [u8; 16],
    /// What it says, to whom.
    pub kind: Kind,
    /// The language of the page on which it was asked for, as a tag, where there was one.
    pub locale: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How often sending it failed.
    pub attempts: u32,
    /// When to try next.
    pub due_at: Timestamp,
}

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A link to the first password.
    Invitation(UserId),
    /// A link to a new password, if there is such an account. Whether there is one is looked up when
    /// the mail is due: the page that asked for it has answered long before (enumeration).
    Recovery {
        /// A user name or an address.
        typed: String,
    },
    /// A link to a new account, or word that there is one already. Which of them is looked up when the
    /// mail is due, as with [`Self::Recovery`].
    SignUp {
        /// What was typed as the address.
        typed: String,
    },
    /// Word that the password was changed.
    PasswordChanged(UserId),
    /// Word that the second factors were changed: one was set up, removed, or codes were made anew.
    FactorsChanged(UserId),
    /// Word that a program elsewhere fetched what a browser's sign-in was worth (row S-275).
    CodeElsewhere(UserId),
}

impl Due {
    /// A new mail, due at once.
    pub fn new(id: [u8; 16], kind: Kind, now: Timestamp) -> Self {
        Self {
            id,
            kind,
            locale: None,
            created_at: now,
            attempts: 0,
            due_at: now,
        }
    }

    /// After a failure: the same mail, later; `None` when it is given up.
    pub fn postponed(&self, now: Timestamp) -> Option<Self> {
        if now >= self.created_at + PATIENCE {
            return None;
        }
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.attempts));
        Some(Self {
            attempts: self.attempts.saturating_add(1),
            due_at: now + wait.min(LONGEST_WAIT),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_after_a_day() {
        let start = Timestamp::from_unix_seconds(1_000_000);
        let mut due = Due::new([7; 16], Kind::Invitation(UserId::new("1")), start);
        let mut now = start;
        let mut waits = Vec::new();
        while let Some(next) = due.postponed(now) {
            waits.push(next.due_at.since(now).as_secs());
            now = next.due_at;
            due = next;
        }
        assert_eq!(
            waits.get(..9),
            Some(&[15, 30, 60, 120, 240, 480, 960, 1800, 1800][..])
        );
        assert!(now >= start + PATIENCE && now < start + PATIENCE + LONGEST_WAIT);
    }
}
