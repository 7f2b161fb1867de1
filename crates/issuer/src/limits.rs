//! How often one may guess: user codes per browser, account, address and issuer.
//!
//! RFC 8628 §5.1: <https://www.rfc-editor.org/rfc/rfc8628#section-5.1>

use std::time::Duration;

use hallpass_protocol::Timestamp;

/// A budget of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many failures are forgiven.
    pub failures: u32,
    /// Within this time.
    pub window: Duration,
    /// Then nothing is looked at for this long.
    pub lock: Duration,
}

impl Limit {
    /// The part of one of so many nodes that count for themselves: together they forgive no fewer,
    /// and at most one more for each node.
    #[must_use]
    pub fn share_of(self, nodes: u32) -> Self {
        Self {
            failures: self.failures.div_ceil(nodes.max(1)),
            ..self
        }
    }
}

/// Wrong user codes in one browser.
pub const USER_CODE_PER_BROWSER: Limit = Limit {
    failures: 5,
    window: minutes(10),
    lock: minutes(10),
};
/// Wrong user codes of one account.
pub const USER_CODE_PER_ACCOUNT: Limit = Limit {
    failures: 10,
    window: minutes(60),
    lock: minutes(60),
};
/// Wrong user codes from one address (IPv6: one /64).
pub const USER_CODE_PER_ADDRESS: Limit = Limit {
    failures: 30,
    window: minutes(60),
    lock: minutes(60),
};
/// Wrong user codes at the whole issuer: beyond it the page asks for sign-in first.
pub const USER_CODE_PER_ISSUER: Limit = Limit {
    failures: 60,
    window: minutes(1),
    lock: minutes(1),
};
/// Device codes that one address asks for (IPv6: one /64).
pub const DEVICE_START_PER_ADDRESS: Limit = Limit {
    failures: 10,
    window: minutes(1),
    lock: minutes(1),
};
/// Device codes of one client that one address asks for.
pub const DEVICE_START_PER_CLIENT: Limit = Limit {
    failures: 60,
    window: minutes(1),
    lock: minutes(1),
};
/// No limit: dev mode's tests start as many devices as they like.
pub const UNLIMITED: Limit = Limit {
    failures: u32::MAX,
    window: minutes(1),
    lock: minutes(1),
};
/// Unknown device codes from one address: none can be hit, but each costs a look.
pub const DEVICE_CODE_PER_ADDRESS: Limit = Limit {
    failures: 30,
    window: minutes(1),
    lock: minutes(1),
};
/// Wrong passwords of one account.
pub const LOGIN_PER_ACCOUNT: Limit = Limit {
    failures: 10,
    window: minutes(15),
    lock: minutes(15),
};
/// Wrong passwords from one address (IPv6: one /64).
pub const LOGIN_PER_ADDRESS: Limit = Limit {
    failures: 60,
    window: minutes(15),
    lock: minutes(15),
};
/// Wrong codes of a second factor of one account.
pub const SECOND_FACTOR_PER_ACCOUNT: Limit = Limit {
    failures: 5,
    window: minutes(10),
    lock: minutes(10),
};
/// Wrong client secrets of one client from one address (row S-134).
pub const CLIENT_SECRET: Limit = Limit {
    failures: 20,
    window: minutes(1),
    lock: minutes(1),
};

/// Pushed authorization requests of one client from one address (row S-204).
pub const PUSHED_REQUESTS: Limit = Limit {
    failures: 300,
    window: minutes(1),
    lock: minutes(1),
};

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// The failures of one guesser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// When the first one of those that count was.
    pub since: Option<Timestamp>,
    /// How many.
    pub count: u32,
    /// Until when nothing more is looked at.
    pub locked_until: Option<Timestamp>,
}

impl Failures {
    /// How long nothing more is looked at, if the budget is used up.
    pub fn locked_for(&self, now: Timestamp) -> Option<Duration> {
        let until = self.locked_until.filter(|until| now < *until)?;
        Some(until.since(now))
    }

    /// Counts one failure.
    #[must_use]
    pub fn add(self, limit: Limit, now: Timestamp) -> Self {
        let fresh = self.since.is_none_or(|since| now >= since + limit.window)
            || self.locked_until.is_some_and(|until| now >= until);
        let (since, count) = if fresh {
            (Some(now), 1)
        } else {
            (self.since, self.count.saturating_add(1))
        };
        let locked_until = (count >= limit.failures).then(|| now + limit.lock);
        Self {
            since,
            count,
            locked_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_10_five_wrong_codes_lock_for_ten_minutes() {
        let start = Timestamp::from_unix_seconds(1_000_000);
        let mut failures = Failures::default();
        for n in 0..4 {
            failures = failures.add(USER_CODE_PER_BROWSER, start + Duration::from_secs(n));
            assert_eq!(failures.locked_for(start + Duration::from_secs(n)), None);
        }
        failures = failures.add(USER_CODE_PER_BROWSER, start);
        assert_eq!(failures.locked_for(start), Some(minutes(10)));
        assert_eq!(failures.locked_for(start + minutes(10)), None);
        let again = failures.add(USER_CODE_PER_BROWSER, start + minutes(10));
        assert_eq!(again.locked_for(start + minutes(10)), None);
    }

    #[test]
    fn a_share_of_a_limit_is_never_nothing_and_the_shares_are_the_whole() {
        for (failures, nodes, share) in [
            (10, 0, 10),
            (10, 1, 10),
            (10, 3, 4),
            (60, 3, 20),
            (1, 50, 1),
            (u32::MAX, 2, 1 << 31),
        ] {
            let limit = Limit {
                failures,
                ..USER_CODE_PER_BROWSER
            };
            assert_eq!(limit.share_of(nodes).failures, share, "{failures} {nodes}");
            assert_eq!(limit.share_of(nodes).window, limit.window);
        }
    }

    #[test]
    fn a_slow_trickle_is_forgiven() {
        let start = Timestamp::from_unix_seconds(0);
        let failures = (0..50).fold(Failures::default(), |failures, n| {
            failures.add(USER_CODE_PER_BROWSER, start + minutes(3 * n))
        });
        assert_eq!(failures.locked_for(start + minutes(150)), None);
    }
}
