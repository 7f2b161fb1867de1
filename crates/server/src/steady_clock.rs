//! The clock of production: the system's, which may run back only for the system.
//!
//! A clock that is set back would make expired codes, used proofs and ended sessions good again
//! (rows A-87, S-287). So the time goes on from the latest that was shown, at the pace of a clock
//! that nobody sets, until the system's clock is past it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hallpass_issuer::grants::refresh_token::CLOCK_FAULT;
use hallpass_protocol::time::since_boot;
use hallpass_protocol::{Clock, Timestamp};

/// A clock that never runs back.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    system: Arc<dyn Clock>,
    since_boot: fn() -> Duration,
    /// Milliseconds: the latest time that was shown.
    latest: AtomicI64,
    /// What was shown when the system's clock was found to be set back, and when that was.
    left_at: Mutex<Option<(Timestamp, Duration)>>,
}

impl SteadyClock {
    /// Shows the time of the system's clock while that does not run back.
    pub(crate) fn over(system: Arc<dyn Clock>) -> Self {
        Self::with(system, since_boot)
    }

    fn with(system: Arc<dyn Clock>, since_boot: fn() -> Duration) -> Self {
        Self {
            system,
            since_boot,
            latest: AtomicI64::new(i64::MIN),
            left_at: Mutex::default(),
        }
    }

    /// The time while the system's clock is behind what was shown.
    fn without(&self, system: Timestamp, latest: Timestamp) -> Timestamp {
        // A correction of a few seconds: the time stands still until they are over.
        let behind = latest.since(system);
        if behind <= CLOCK_FAULT {
            return latest;
        }
        let boot = (self.since_boot)();
        let mut left_at = self.left_at.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = left_at.map(|(time, at)| time + boot.saturating_sub(at));
        let now = goes_on.filter(|now| *now >= latest).unwrap_or_else(|| {
            tracing::warn!(
                seconds = behind.as_secs(),
                "the system's clock was set back; this process keeps its own time until the clock \
                 is past it: restart it if the time before was the wrong one"
            );
            *left_at = Some((latest, boot));
            latest
        });
        drop(left_at);
        self.latest.fetch_max(now.unix_millis(), Ordering::AcqRel);
        now
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let system = self.system.now();
        let latest = self
            .latest
            .fetch_max(system.unix_millis(), Ordering::AcqRel);
        let latest = Timestamp::from_unix_millis(latest);
        if system >= latest {
            return system;
        }
        self.without(system, latest)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// The clock that nobody sets, in seconds.
        static BOOT: Cell<u64> = const { Cell::new(0) };
    }

    /// A clock that the test sets, in seconds.
    #[derive(Debug, Default)]
    struct System(AtomicI64);

    impl Clock for System {
        fn now(&self) -> Timestamp {
            at(self.0.load(Ordering::SeqCst))
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    /// What is shown after each (seconds since boot, system's time).
    fn shown(steps: &[(u64, i64)]) -> Vec<i64> {
        let system = Arc::new(System::default());
        let clock: Arc<dyn Clock> = Arc::<System>::clone(&system);
        let clock = SteadyClock::with(clock, || Duration::from_secs(BOOT.get()));
        let show = |(boot, time): &(u64, i64)| {
            BOOT.set(*boot);
            system.0.store(*time, Ordering::SeqCst);
            clock.now().unix_seconds()
        };
        steps.iter().map(show).collect()
    }

    #[test]
    fn it_shows_the_systems_time() {
        let steps = [(0, 1_000), (1, 1_001), (2, 9_000), (3, 9_001)];
        assert_eq!(shown(&steps), [1_000, 1_001, 9_000, 9_001]);
    }

    #[test]
    fn a_small_correction_makes_it_stand_still() {
        let steps = [(0, 1_000), (1, 996), (2, 997), (6, 1_001)];
        assert_eq!(shown(&steps), [1_000, 1_000, 1_000, 1_001]);
    }

    #[test]
    fn a_87_s_287_it_goes_on_by_itself_when_the_system_is_set_back() {
        let steps = [
            (0, 10_000),
            (1, 6_401),
            (61, 6_461),
            // Set right again.
            (62, 10_062),
            (63, 10_063),
            // Set back once more, and further.
            (64, 100),
            (74, 110),
        ];
        let expected = [10_000, 10_000, 10_060, 10_062, 10_063, 10_063, 10_073];
        assert_eq!(shown(&steps), expected);
    }

    #[test]
    fn a_87_a_clock_that_was_far_ahead_is_not_gone_back_to() {
        // An hour ahead by mistake, then right: nothing that ended in that hour comes back.
        let steps = [
            (0, 1_000),
            (1, 4_601),
            (2, 1_002),
            (3_000, 4_000),
            (3_602, 4_602),
        ];
        assert_eq!(shown(&steps), [1_000, 4_601, 4_601, 7_599, 8_201]);
    }
}
