//! Waiting, and the spans that were waited, by a clock that does not jump.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::BoxFuture;

/// Measures spans and waits. Tests pass one that does not really wait.
pub trait Timer: Send + Sync + std::fmt::Debug {
    /// The time since some fixed point; never goes back.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()>;
}

/// Tokio's timer.
#[derive(Clone, Copy, Debug)]
pub struct TokioTimer(Instant);

impl Default for TokioTimer {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Timer for TokioTimer {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(sleep(span))
    }
}
