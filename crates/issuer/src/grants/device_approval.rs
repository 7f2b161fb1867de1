//! What has to hold before a person may approve a device, and what looks like phishing.
//!
//! RFC 8628 §5.4 (remote phishing): <https://www.rfc-editor.org/rfc/rfc8628#section-5.4>

use std::time::Duration;

use hallpass_protocol::{Timestamp, UserId};

use crate::factors::required::{Demand, FRESH};
use crate::network::Comparison;

/// What a client's devices need beside the confirmation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing.
    #[default]
    Confirm,
    /// A second factor.
    SecondFactor,
    /// The browser's network; a second factor where that is unknown.
    SameNetwork,
    /// The client may not use the device flow at all.
    Off,
}

/// Why a person cannot approve a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotApprovable {
    /// A second factor is needed, and the server takes none.
    SecondFactor,
    /// The device is in another network.
    OtherNetwork,
    /// The client may not use the device flow (any more).
    Off,
}

/// Whether a person may approve a device that is so far away, and what of them is asked for that. A
/// sign-in of this morning says little about who sits there now: the factor has to be fresh.
pub fn check(requirement: Requirement, network: Comparison) -> Result<Demand, NotApprovable> {
    match (requirement, network) {
        (Requirement::Confirm, _) | (Requirement::SameNetwork, Comparison::Same) => {
            Ok(Demand::Usual)
        }
        (Requirement::SameNetwork, Comparison::Different) => Err(NotApprovable::OtherNetwork),
        (Requirement::SecondFactor, _) | (Requirement::SameNetwork, Comparison::Unknown) => {
            Ok(Demand::SecondFactor { within: FRESH })
        }
        (Requirement::Off, _) => Err(NotApprovable::Off),
    }
}

/// So many accounts in one place are no family and no colleague any more.
pub const MANY_ACCOUNTS: usize = 3;

/// The accounts that were seen at one place: one user code, or the network that asks for codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenAccounts {
    accounts: Vec<UserId>,
    since: Option<Timestamp>,
}

impl SeenAccounts {
    /// Notes an account; true when it is the one that makes them many within the time, and only
    /// then.
    pub fn add(&mut self, account: &UserId, within: Duration, now: Timestamp) -> bool {
        if self.since.is_none_or(|since| now >= since + within) {
            self.accounts.clear();
            self.since = Some(now);
        }
        if self.accounts.len() >= MANY_ACCOUNTS || self.accounts.contains(account) {
            return false;
        }
        self.accounts.push(account.clone());
        self.accounts.len() == MANY_ACCOUNTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTOR: Demand = Demand::SecondFactor { within: FRESH };

    #[test]
    fn s_270_a_104_unknown_is_neither_same_nor_different() {
        use Comparison::{Different, Same, Unknown};
        for network in [Same, Different, Unknown] {
            assert_eq!(check(Requirement::Confirm, network), Ok(Demand::Usual));
            let with_factor = check(Requirement::SecondFactor, network);
            assert_eq!(with_factor, Ok(FACTOR), "same lowers no bar");
            assert_eq!(check(Requirement::Off, network), Err(NotApprovable::Off));
        }
        let same = |network| check(Requirement::SameNetwork, network);
        assert_eq!(same(Same), Ok(Demand::Usual));
        assert_eq!(same(Different), Err(NotApprovable::OtherNetwork));
        assert_eq!(same(Unknown), Ok(FACTOR));
    }

    #[test]
    fn the_third_account_is_told_once_and_an_old_place_begins_again() {
        let mut seen = SeenAccounts::default();
        let (hour, start) = (
            Duration::from_hours(1),
            Timestamp::from_unix_seconds(1_000_000),
        );
        let mut add = |name: &str, now| seen.add(&UserId::new(name), hour, now);
        assert!(!add("ada", start) && !add("ada", start) && !add("bob", start));
        assert!(add("eve", start));
        assert!(!add("eve", start) && !add("mallory", start));
        let later = start + hour;
        assert!(!add("ada", later) && !add("bob", later));
        assert!(add("mallory", later));
    }
}
