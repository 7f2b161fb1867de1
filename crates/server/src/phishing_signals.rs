//! What looks like phishing: one user code that many accounts try, one network
//! whose codes many accounts approve, tokens that are fetched from elsewhere. In memory and bounded.
//!
//! RFC 8628 §5.4: <https://www.rfc-editor.org/rfc/rfc8628#section-5.4>

use std::net::IpAddr;
use std::time::Duration;

use hallpass_issuer::grants::authorization_code::{AuthorizationCode, NetworkMismatch};
use hallpass_issuer::grants::device_approval::SeenAccounts;
use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::network;
use hallpass_protocol::{Timestamp, UserId, hex};
use quick_cache::sync::{Cache, EntryAction, EntryResult};

use crate::limiter::network_of;

/// So many places are remembered; the least used are forgotten first.
const MOST_PLACES: usize = 20_000;
/// Accounts that far apart have nothing to do with each other.
const WITHIN: Duration = Duration::from_hours(1);

/// The accounts that were seen, by place.
#[derive(Debug)]
pub(crate) struct PhishingSignals(Cache<String, SeenAccounts>);

impl Default for PhishingSignals {
    fn default() -> Self {
        Self(Cache::new(MOST_PLACES))
    }
}

impl PhishingSignals {
    /// An account looks at a code; whether that is a signal, told once.
    pub(crate) fn note_tried(&self, grant: &DeviceGrant, user: &UserId, now: Timestamp) -> bool {
        let place = format!("code|{}", hex::encode(grant.code_hash.as_bytes()));
        self.add(&place, user, now)
    }

    /// An account approves a code; whether that is a signal, told once. Programs on this very machine are many
    /// people's only in tests and behind proxies that nobody configured.
    pub(crate) fn note_approved(&self, grant: &DeviceGrant, user: &UserId, now: Timestamp) -> bool {
        let Some(address) = grant
            .requester
            .address
            .filter(|address| !address.is_loopback())
        else {
            return false;
        };
        self.add(&format!("start|{}", network_of(address)), user, now)
    }

    /// The tokens of a device are fetched; whether that is a signal: from a network that never asked.
    pub(crate) fn note_redeemed(grant: &DeviceGrant, from: IpAddr) -> bool {
        let mut known = grant.requester.addresses().peekable();
        known.peek().is_some() && !known.any(|address| network::is_same(address, from))
    }

    /// The code of a browser's sign-in is worth tokens, or would be; whether that is a signal.
    ///
    /// Somebody may have talked the person into handing over the address of a page that did not
    /// load: the code is in it.
    pub(crate) fn note_code(
        code: &AuthorizationCode,
        from: Option<IpAddr>,
        mismatch: NetworkMismatch,
    ) -> bool {
        mismatch != NetworkMismatch::Ignored && code.is_carried_elsewhere(from)
    }

    fn add(&self, place: &str, user: &UserId, now: Timestamp) -> bool {
        let known = self.0.entry(place, None, |_, seen| {
            EntryAction::Retain(seen.add(user, WITHIN, now))
        });
        match known {
            EntryResult::Retained(is_many) => is_many,
            EntryResult::Vacant(guard) => {
                let mut seen = SeenAccounts::default();
                let is_many = seen.add(user, WITHIN, now);
                // Only a cleared cache refuses, and this one is never cleared.
                drop(guard.insert(seen));
                is_many
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_issuer::grants::device_code::{DeviceGrantState, Requester};
    use hallpass_issuer::tokens::one_time::SecretHash;
    use hallpass_protocol::{ClientId, Scopes};

    use super::*;

    fn grant(code: &str, address: &str) -> DeviceGrant {
        DeviceGrant {
            code_hash: SecretHash::of(code.as_bytes()),
            user_code_hash: SecretHash::of(b"user code"),
            user_code: String::new(),
            issuer: String::new(),
            client_id: ClientId::new("cli"),
            scopes: Scopes::default(),
            resource: Vec::new(),
            requester: Requester {
                address: Some(address.parse().unwrap()),
                ..Requester::default()
            },
            created_at: now(),
            expires_at: now() + WITHIN,
            interval: Duration::from_secs(5),
            last_poll_at: None,
            state: DeviceGrantState::Pending,
            dpop_jkt: None,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    const PEOPLE: [&str; 4] = ["ada", "ada", "bob", "eve"];

    #[test]
    fn three_accounts_that_try_one_code_are_a_signal() {
        let signals = PhishingSignals::default();
        let try_all = |code: &str| {
            let grant = grant(code, "192.0.2.1");
            PEOPLE.map(|name| signals.note_tried(&grant, &UserId::new(name), now()))
        };
        assert_eq!(try_all("one"), [false, false, false, true]);
        assert_eq!(try_all("one"), [false; 4], "told once");
        assert_eq!(try_all("two"), [false, false, false, true]);
    }

    #[test]
    fn one_network_whose_codes_many_approve_is_a_signal() {
        let signals = PhishingSignals::default();
        let approve_all = |network: &str| {
            PEOPLE.map(|name| {
                let grant = grant(name, &format!("{network}{}", name.len()));
                signals.note_approved(&grant, &UserId::new(name), now())
            })
        };
        assert_eq!(approve_all("2001:db8::"), [false, false, false, true]);
        assert_eq!(approve_all("127.0.0."), [false; 4], "tests on one machine");
    }

    #[test]
    fn s_270_a_third_network_that_redeems_is_a_signal() {
        let mut grant = grant("one", "2001:db8::1");
        grant.requester.other_address = Some("192.0.2.1".parse().unwrap());
        let redeem = |grant: &DeviceGrant, from: &str| {
            PhishingSignals::note_redeemed(grant, from.parse().unwrap())
        };
        assert!(!redeem(&grant, "2001:db8::2") && !redeem(&grant, "192.0.2.1"));
        assert!(redeem(&grant, "203.0.113.9"));
        grant.requester = Requester::default();
        assert!(!redeem(&grant, "203.0.113.9"), "nothing is known of it");
    }
}
