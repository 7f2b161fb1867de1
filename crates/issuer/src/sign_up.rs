//! Accounts that people make themselves: the link that proves an address, and how often one is sent.

use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::account::EmailAddress;
use crate::limits::Limit;
use crate::tokens::one_time::SecretHash;

/// How long a link is good. As long as [`MAILS_PER_DAY`] locks: who gets no more mail has a link that
/// still works.
pub const LIFETIME: Duration = Duration::from_hours(24);

/// Mails to one mailbox: so long none follows another.
pub const MAIL_SPACING: Limit = Limit {
    failures: 1,
    window: Duration::from_mins(5),
    lock: Duration::from_mins(5),
};

/// Mails to one mailbox: so many, then one a day.
pub const MAILS_PER_DAY: Limit = Limit {
    failures: 5,
    window: Duration::from_hours(24),
    lock: Duration::from_hours(24),
};

/// A link in flight. The mail carries a random value; the record only its hash. There is no account
/// before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUp {
    /// The hash of what stands in the link.
    pub token_hash: SecretHash,
    /// Whose mail it is in.
    pub email: EmailAddress,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies unused.
    pub expires_at: Timestamp,
}

impl SignUp {
    /// A new link to an address.
    pub fn new(token_hash: SecretHash, email: EmailAddress, now: Timestamp) -> Self {
        Self {
            token_hash,
            email,
            created_at: now,
            expires_at: now + LIFETIME,
        }
    }

    /// Whether an account can still be made with it. Making one removes it.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// What addresses of one mailbox have in common with many providers of mail: neither what follows a
/// `+` nor dots before the `@` count. Mails are counted by it, so that `ada+1`, `ada+2` and so on are no
/// way to fill one mailbox; two people who share it by chance share a budget, and nothing else.
pub fn mailbox(email: &EmailAddress) -> String {
    let folded = email.folded();
    let (local, domain) = folded.rsplit_once('@').unwrap_or((&folded, ""));
    let local = local.split('+').next().unwrap_or_default();
    format!("{}@{domain}", local.replace('.', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lockout::Tries;

    #[test]
    fn addresses_of_one_mailbox_are_counted_together() {
        let of = |text| mailbox(&EmailAddress::parse(text).unwrap());
        for same in [
            "ada.lovelace@example.com",
            "Ada.Lovelace@EXAMPLE.com",
            "adalovelace+news@example.com",
            "a.d.a.lovelace+1+2@example.com",
        ] {
            assert_eq!(of(same), "adalovelace@example.com", "{same}");
        }
        assert_ne!(of("ada@example.com"), of("ada@mail.example.com"));
        assert_ne!(of("ada@example.com"), of("adam@example.com"));
    }

    #[test]
    fn a_mailbox_gets_one_mail_in_five_minutes_and_five_a_day() {
        let start = Timestamp::from_unix_seconds(1_000_000);
        let (mut spaced, mut daily) = (Tries::default(), Tries::default());
        let mut sent = Vec::new();
        // Somebody asks every minute, for three days.
        for minute in 0..3 * 24 * 60 {
            let now = start + Duration::from_mins(minute);
            let charged = spaced
                .spend(MAIL_SPACING, now)
                .and_then(|spaced| Ok((spaced, daily.spend(MAILS_PER_DAY, now)?)));
            if let Ok(charged) = charged {
                (spaced, daily) = charged;
                sent.push(minute);
            }
        }
        assert_eq!(sent.get(..5), Some(&[0, 5, 10, 15, 20][..]));
        let day = 24 * 60;
        assert_eq!(sent.get(5..), Some(&[20 + day, 20 + 2 * day][..]));
    }
}
