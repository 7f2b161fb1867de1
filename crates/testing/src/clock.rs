//! A clock that stands still until the test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_protocol::{Clock, Timestamp};

/// A stopped clock; clones of the `Arc` around it show the same time.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Stops at a point in time.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.unix_millis()))
    }

    /// Moves on.
    pub fn advance(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Is set back, as by an operator.
    pub fn set_back(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_sub(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}
