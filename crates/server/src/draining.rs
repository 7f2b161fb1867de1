//! The time between the word to stop and the end of listening: load balancers hear of it, requests
//! that are under way end, and those that still come are answered.
//!
//! For operators: `docs/operations.md`.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hallpass_protocol::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// So long at most from the word to stop to the end of the last request.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);
/// Somebody listens for so long of it at most.
const LISTENING: Duration = Duration::from_secs(18);
/// Requests that are under way when nobody listens any more have at least so long.
const LAST_CALL: Duration = Duration::from_secs(2);
/// Whoever asked `/readyz` within this time is a balancer that wants to hear of the end.
const PROBES_ARE_NEWS_FOR: Duration = Duration::from_mins(1);
/// When nothing was asked for so long, a balancer sends its requests elsewhere.
const QUIET: Duration = Duration::from_secs(2);
/// How soon the end of the last request is seen.
const LOOK: Duration = Duration::from_millis(10);

/// Whether the server is about to stop, and what keeps it.
#[derive(Debug, Default)]
pub(crate) struct Draining {
    has_begun: AtomicBool,
    under_way: AtomicUsize,
    came: AtomicU64,
    /// When `/readyz` was asked last, in milliseconds; zero for never.
    probed_at: AtomicI64,
    told: Notify,
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a Draining);

impl Draining {
    /// Notes a request; probes are none.
    pub(crate) fn enter(&self, path: &str) -> Option<UnderWay<'_>> {
        if matches!(path, "/readyz" | "/livez") {
            return None;
        }
        self.came.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Some(UnderWay(self))
    }

    /// Whether the server is about to stop, as `/readyz` is told.
    pub(crate) fn probe(&self, now: Timestamp) -> bool {
        self.probed_at.store(now.unix_millis(), Ordering::Relaxed);
        let has_begun = self.has_begun.load(Ordering::Acquire);
        if has_begun {
            self.told.notify_one();
        }
        has_begun
    }

    /// From now on `/readyz` fails.
    pub(crate) fn begin(&self) {
        self.has_begun.store(true, Ordering::Release);
    }

    /// Whether anybody asked `/readyz` of late.
    fn has_balancer(&self, now: Timestamp) -> bool {
        let at = self.probed_at.load(Ordering::Relaxed);
        at != 0 && now.since(Timestamp::from_unix_millis(at)) < PROBES_ARE_NEWS_FOR
    }

    /// Waits until the balancer has heard and sends nothing any more; returns at once where there is
    /// none. How much of [`LONGEST`] is left for requests that are under way.
    pub(crate) async fn wait(&self, now: Timestamp) -> Duration {
        let begun = Instant::now();
        let quiet = async {
            self.told.notified().await;
            loop {
                let came = self.came.load(Ordering::Relaxed);
                sleep(QUIET).await;
                if self.came.load(Ordering::Relaxed) == came {
                    break;
                }
            }
            while self.under_way.load(Ordering::Relaxed) > 0 {
                sleep(LOOK).await;
            }
        };
        if self.has_balancer(now) && timeout(LISTENING, quiet).await.is_err() {
            tracing::info!("requests still come; nobody listens any more");
        }
        LONGEST.saturating_sub(begun.elapsed()).max(LAST_CALL)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// How long the wait took, of time that passes by itself.
    async fn waited(draining: &Draining, now: Timestamp) -> (Duration, Duration) {
        let begun = Instant::now();
        let left = draining.wait(now).await;
        (begun.elapsed(), left)
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_probes_nobody_is_waited_for() {
        let draining = Draining::default();
        let _under_way = draining.enter("/oauth2/token");
        draining.begin();
        assert_eq!(waited(&draining, now()).await, (Duration::ZERO, LONGEST));
        // Nor for a balancer that is long gone.
        let draining = Draining::default();
        assert!(!draining.probe(now()));
        draining.begin();
        let later = now() + PROBES_ARE_NEWS_FOR;
        assert_eq!(waited(&draining, later).await.0, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_balancer_hears_of_it_and_is_quiet_before_nobody_listens() {
        let draining = Draining::default();
        assert!(!draining.probe(now()));
        draining.begin();
        let balancer = async {
            sleep(seconds(5)).await;
            assert!(draining.probe(now()));
            sleep(seconds(1)).await;
            drop(draining.enter("/oauth2/token"));
            sleep(seconds(2)).await;
            // Probes are no requests, but one that lasts is waited for.
            assert!(draining.enter("/readyz").is_none());
            let slow = draining.enter("/oauth2/token");
            sleep(seconds(6)).await;
            drop(slow);
        };
        let (waited, ()) = tokio::join!(waited(&draining, now()), balancer);
        assert!(
            waited.0 >= seconds(14) && waited.0 < seconds(15),
            "{waited:?}"
        );
        assert_eq!(waited.0 + waited.1, LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_without_end_are_cut_off_in_time() {
        let draining = Draining::default();
        draining.probe(now());
        draining.begin();
        let _under_way = draining.enter("/oauth2/token");
        // A balancer that never asks again holds nobody up for longer either.
        let (waited, left) = waited(&draining, now()).await;
        assert_eq!((waited, left), (LISTENING, LAST_CALL));
    }
}
