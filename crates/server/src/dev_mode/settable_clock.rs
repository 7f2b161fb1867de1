//! The clock of dev mode: another clock, which a test may move or stop.
//!
//! For users: `docs/control-api.md`, and `tokenProvider.systemTime` of `docs/dev-mode.md`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hallpass_protocol::{Clock, Timestamp};

/// No point in time: the clock runs.
const RUNS: i64 = i64::MIN;
/// The last second of the year 9998: whatever is added to a time can still be written down.
pub(crate) const LATEST: Timestamp = Timestamp::from_unix_millis(253_370_764_799_000);

/// A clock that can be moved and stopped. Telling the time takes no lock.
#[derive(Debug)]
pub(crate) struct SettableClock {
    base: Arc<dyn Clock>,
    /// Where it stood still at first, if anywhere.
    at_start: Option<Timestamp>,
    /// Milliseconds, or [`RUNS`].
    stopped_at: AtomicI64,
    /// Milliseconds before or after the base.
    offset: AtomicI64,
    changing: Mutex<()>,
}

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        match self.stopped_at.load(Ordering::Acquire) {
            RUNS => {
                let offset = self.offset.load(Ordering::Acquire);
                let base = self.base.now().unix_millis();
                Timestamp::from_unix_millis(base.saturating_add(offset))
            }
            stopped => Timestamp::from_unix_millis(stopped),
        }
    }
}

impl SettableClock {
    /// Shows the time of another clock, or stands still from the start.
    pub(crate) fn new(base: Arc<dyn Clock>, stopped_at: Option<Timestamp>) -> Self {
        Self {
            base,
            at_start: stopped_at,
            stopped_at: AtomicI64::new(stopped_at.map_or(RUNS, Timestamp::unix_millis)),
            offset: AtomicI64::new(0),
            changing: Mutex::default(),
        }
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.stopped_at.load(Ordering::Acquire) == RUNS
    }

    /// Goes to a point in time, and runs on or stands still there as before.
    pub(crate) fn set(&self, time: Timestamp) {
        let _one_at_a_time = self.lock();
        self.put(time, self.is_running());
    }

    /// Moves on; `None` when that would be beyond [`LATEST`], and nothing changes.
    pub(crate) fn advance(&self, span: Duration) -> Option<Timestamp> {
        let _one_at_a_time = self.lock();
        let time = self.now() + span;
        if time > LATEST {
            return None;
        }
        self.put(time, self.is_running());
        Some(time)
    }

    /// Stops it where it is, or lets it run on from there.
    pub(crate) fn run(&self, running: bool) {
        let _one_at_a_time = self.lock();
        self.put(self.now(), running);
    }

    /// Goes back to how it was at the start.
    pub(crate) fn reset(&self) {
        let _one_at_a_time = self.lock();
        self.offset.store(0, Ordering::Release);
        let start = self.at_start.map_or(RUNS, Timestamp::unix_millis);
        self.stopped_at.store(start, Ordering::Release);
    }

    fn put(&self, time: Timestamp, running: bool) {
        if running {
            let offset = time
                .unix_millis()
                .saturating_sub(self.base.now().unix_millis());
            self.offset.store(offset, Ordering::Release);
            self.stopped_at.store(RUNS, Ordering::Release);
        } else {
            self.stopped_at.store(time.unix_millis(), Ordering::Release);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that moves on by one millisecond whenever it is asked.
    #[derive(Debug, Default)]
    struct Ticking(AtomicI64);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(self.0.fetch_add(1, Ordering::SeqCst))
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn it_runs_until_it_is_stopped_and_runs_on_from_there() {
        let clock = SettableClock::new(Arc::new(Ticking::default()), None);
        assert!(clock.is_running() && clock.now() < clock.now());
        clock.set(at(1000));
        assert!(clock.now() > at(1000) && clock.now() < at(1001));
        clock.run(false);
        let stopped = clock.now();
        assert_eq!((clock.now(), clock.is_running()), (stopped, false));
        clock.set(at(50));
        assert_eq!(clock.now(), at(50));
        assert_eq!(clock.advance(Duration::from_secs(5)), Some(at(55)));
        assert_eq!(clock.now(), at(55));
        clock.run(true);
        assert!(clock.now() > at(55) && clock.now() < at(56));
        clock.reset();
        assert!(clock.now() < at(1));
    }

    #[test]
    fn it_ends_with_the_year_9998() {
        let clock = SettableClock::new(Arc::new(Ticking::default()), Some(at(7)));
        clock.set(LATEST);
        assert_eq!(clock.advance(Duration::from_secs(1)), None);
        assert_eq!(clock.now(), LATEST);
        clock.reset();
        assert_eq!((clock.now(), clock.is_running()), (at(7), false));
    }
}
