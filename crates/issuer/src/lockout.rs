//! How long a guesser of passwords waits: each try is charged before it is looked at, so that tries
//! at the same time are no way around the budget, and every lock ends by itself.

use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::limits::Limit;

/// The first wait once the budget is used up; each further failure doubles it, up to the limit's.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// The tries of one guesser that did not succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last_at: Option<Timestamp>,
    /// Until when no further one is looked at.
    pub locked_until: Option<Timestamp>,
}

impl Tries {
    /// How long no further try is looked at.
    pub fn locked_for(&self, now: Timestamp) -> Option<Duration> {
        let until = self.locked_until.filter(|until| now < *until)?;
        Some(until.since(now))
    }

    /// Charges a try, or says how long to wait for one.
    pub fn charge(self, limit: Limit, now: Timestamp) -> Result<Self, Duration> {
        self.charged(limit, FIRST_WAIT, now)
    }

    /// Charges something that is not a guess and costs somebody else: once the budget is used up,
    /// there is no more for the whole time of the limit.
    pub fn spend(self, limit: Limit, now: Timestamp) -> Result<Self, Duration> {
        self.charged(limit, limit.lock, now)
    }

    fn charged(self, limit: Limit, first_wait: Duration, now: Timestamp) -> Result<Self, Duration> {
        if let Some(wait) = self.locked_for(now) {
            return Err(wait);
        }
        // Quiet for a whole window, and not because it was locked: forgotten.
        let quiet_since = self.locked_until.max(self.last_at);
        let count = match quiet_since {
            Some(since) if now < since + limit.window => self.count.saturating_add(1),
            _ => 1,
        };
        let beyond = count.checked_sub(limit.failures);
        let wait = beyond.map(|doublings| {
            let wait = first_wait.saturating_mul(2_u32.saturating_pow(doublings));
            wait.min(limit.lock)
        });
        Ok(Self {
            count,
            last_at: Some(now),
            locked_until: wait.map(|wait| now + wait),
        })
    }

    /// Takes back the charge of a try that succeeded, beside those of others.
    #[must_use]
    pub fn refund(self) -> Self {
        Self {
            count: self.count.saturating_sub(1),
            locked_until: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LOGIN_PER_ACCOUNT;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn start() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    fn after_ten() -> Tries {
        (0..10).fold(Tries::default(), |tries, n| {
            assert_eq!(tries.locked_for(start() + seconds(n)), None, "try {n}");
            tries
                .charge(LOGIN_PER_ACCOUNT, start() + seconds(n))
                .unwrap()
        })
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_end_by_themselves() {
        let mut tries = after_ten();
        let mut now = start() + seconds(9);
        for wait in [30, 60, 120, 240, 480, 900, 900, 900] {
            let refused = tries.charge(LOGIN_PER_ACCOUNT, now);
            assert_eq!(refused, Err(seconds(wait)));
            now = now + seconds(wait);
            tries = tries.charge(LOGIN_PER_ACCOUNT, now).unwrap();
        }
    }

    #[test]
    fn a_quiet_window_forgets_but_a_lock_is_not_quiet() {
        let tries = after_ten();
        let unlocked = start() + seconds(9 + 30);
        let soon = tries
            .charge(LOGIN_PER_ACCOUNT, unlocked + seconds(899))
            .unwrap();
        assert_eq!(soon.count, 11);
        let late = tries
            .charge(LOGIN_PER_ACCOUNT, unlocked + seconds(900))
            .unwrap();
        assert_eq!((late.count, late.locked_until), (1, None));
    }

    #[test]
    fn a_budget_that_is_spent_is_spent_for_its_whole_time() {
        let limit = Limit {
            failures: 3,
            window: seconds(3600),
            lock: seconds(3600),
        };
        let tries = (0..3).fold(Tries::default(), |tries, _| {
            tries.spend(limit, start()).unwrap()
        });
        assert_eq!(tries.spend(limit, start() + seconds(1)), Err(seconds(3599)));
        assert!(tries.spend(limit, start() + seconds(3600)).is_ok());
    }

    #[test]
    fn a_success_takes_back_its_own_charge() {
        let tries = after_ten().refund();
        assert_eq!((tries.count, tries.locked_until), (9, None));
        assert_eq!(Tries::default().refund(), Tries::default());
    }
}
