//! Waiting, and the spans that were waited, by a clock that does not jump and does not sleep.

use std::time::Duration;

use hallpass_protocol::time::since_boot;
use tokio::time::sleep;

use crate::BoxFuture;

/// Measures spans and waits. Tests pass one that does not really wait.
pub trait Timer: Send + Sync + std::fmt::Debug {
    /// The time since some fixed point; never goes back. It should count the time that a machine
    /// sleeps (row C-05): what a server forgets after 10 minutes it forgets during a nap too.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()>;
}

/// Tokio's timer, over the system's clock that counts the time of a suspended machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer(());

impl Timer for TokioTimer {
    fn elapsed(&self) -> Duration {
        since_boot()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(sleep(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_waited_is_measured() {
        let timer = TokioTimer::default();
        let start = timer.elapsed();
        timer.sleep(Duration::from_millis(5)).await;
        let spent = timer.elapsed().checked_sub(start).unwrap();
        assert!(spent >= Duration::from_millis(4), "{spent:?}");
    }

    /// Row C-05.
    #[cfg(target_os = "linux")]
    #[test]
    fn c_05_the_time_that_a_machine_slept_is_counted() {
        // The kernel says how long this machine has been up, sleep included.
        let up = std::fs::read_to_string("/proc/uptime").unwrap();
        let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
        let measured = TokioTimer::default().elapsed().as_secs_f64();
        assert!((measured - up).abs() < 1.0, "{measured} {up}");
    }
}
