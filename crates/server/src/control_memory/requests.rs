//! The requests of late, as many as fit.
//!
//! Nothing is redacted: a test wants to see the very parameters, and dev mode keeps no secrets. The
//! list is a ring: [`MOST`] requests and [`MOST_BYTES`] at most, the oldest go first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use tokio::sync::Notify;

use super::recorded::{Outcome, Recorded};
use crate::Body;
use crate::listen::HangUp;
use crate::request::Request;

/// So many requests are kept.
const MOST: usize = 1_000;
/// So many bytes of them.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The requests of late.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    kept: Mutex<Kept>,
    /// How many tests wait for one: without any, nobody is woken.
    waiting: AtomicUsize,
    came: Notify,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// So many requests.
    pub(crate) kept: usize,
    /// What they cost.
    pub(crate) bytes: usize,
    /// So many went to make room.
    pub(crate) dropped: u64,
    /// The number of the newest.
    pub(crate) last_id: u64,
}

#[derive(Debug, Default)]
struct Kept {
    ring: VecDeque<Recorded>,
    bytes: usize,
    last_id: u64,
    dropped: u64,
}

impl Requests {
    /// Writes a request down, before it is answered.
    pub(crate) fn record(&self, request: &Request, endpoint: &'static str) -> u64 {
        let mut new = Recorded::new(request, endpoint);
        let mut gone = Vec::new();
        let mut kept = self.lock();
        kept.last_id += 1;
        let id = kept.last_id;
        new.id = id;
        kept.bytes += new.weight();
        kept.ring.push_back(new);
        while kept.ring.len() > MOST || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.ring.pop_front() else {
                break;
            };
            kept.bytes -= oldest.weight();
            kept.dropped += 1;
            gone.push(oldest);
        }
        drop(kept);
        // Freed without the lock.
        drop(gone);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.came.notify_waiters();
        }
        id
    }

    /// Adds what became of it.
    pub(crate) fn answered(&self, id: u64, response: &Response<Body>) {
        let outcome = if response.extensions().get::<HangUp>().is_some() {
            Outcome::HungUp
        } else {
            Outcome::Answered(response.status())
        };
        let mut kept = self.lock();
        // The newest ones are the ones that are answered.
        if let Some(recorded) = kept.ring.iter_mut().rev().find(|known| known.id == id) {
            recorded.outcome = outcome;
        }
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        let last_id = kept.last_id;
        *kept = Kept {
            last_id,
            ..Kept::default()
        };
    }

    /// How much is kept.
    pub(crate) fn size(&self) -> Size {
        let kept = self.lock();
        Size {
            kept: kept.ring.len(),
            bytes: kept.bytes,
            dropped: kept.dropped,
            last_id: kept.last_id,
        }
    }

    /// The requests that are meant, each as `show` tells it; the oldest first.
    pub(crate) fn list<T>(
        &self,
        is_meant: impl Fn(&Recorded) -> bool,
        show: impl Fn(&Recorded) -> T,
    ) -> Vec<T> {
        let kept = self.lock();
        let found = kept.ring.iter().filter(|recorded| is_meant(recorded));
        found.map(show).collect()
    }

    /// Takes the oldest request that is meant out of the list.
    pub(crate) fn take(&self, is_meant: impl Fn(&Recorded) -> bool) -> Option<Recorded> {
        let mut kept = self.lock();
        let index = kept.ring.iter().position(is_meant)?;
        let recorded = kept.ring.remove(index)?;
        kept.bytes -= recorded.weight();
        Some(recorded)
    }

    /// Looks until it finds something or the time is over.
    pub(crate) async fn wait<T>(&self, wait: Duration, look: impl Fn() -> Option<T>) -> Option<T> {
        if let Some(found) = look() {
            return Some(found);
        }
        if wait.is_zero() {
            return None;
        }
        // Counted before it looks again: whoever writes after that look sees the count.
        let _counted = Counted::new(&self.waiting);
        let until_found = async {
            loop {
                let mut came = std::pin::pin!(self.came.notified());
                came.as_mut().enable();
                if let Some(found) = look() {
                    return found;
                }
                came.await;
            }
        };
        tokio::time::timeout(wait, until_found).await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counted as long as it lives, also when the one who waits goes away.
#[derive(Debug)]
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::Timestamp;
    use http::Method;
    use hyper::body::Bytes;

    use super::*;

    fn request(path: &str, body: usize) -> Request {
        Request {
            method: Method::POST,
            path: path.to_owned(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: Bytes::from(vec![b'x'; body]),
            peer: std::net::Ipv4Addr::LOCALHOST.into(),
            is_veiled: false,
            issuer: "default".to_owned(),
            issuer_url: String::new(),
            paths: crate::paths::Paths::of(crate::settings::Mode::Dev),
            brand: None,
            look: std::sync::Arc::default(),
            now: Timestamp::UNIX_EPOCH,
            came: hallpass_store::Moment::present(),
            language: crate::languages::PageLanguage::unknown(crate::languages::Language::English),
            held_for: std::sync::OnceLock::new(),
        }
    }

    fn ids(requests: &Requests) -> Vec<u64> {
        requests.list(|_| true, |recorded| recorded.id)
    }

    #[test]
    fn a_thousand_requests_are_kept() {
        let requests = Requests::default();
        for _ in 0..MOST + 7 {
            requests.record(&request("/default/token", 10), "token");
        }
        let kept = ids(&requests);
        assert_eq!((kept.len(), kept[0]), (MOST, 8));
        assert_eq!(requests.size().dropped, 7);
    }

    #[test]
    fn four_megabytes_are_kept() {
        let requests = Requests::default();
        for _ in 0..200 {
            requests.record(&request("/default/token", 64 * 1024), "token");
        }
        let kept = requests.lock();
        assert!(
            kept.bytes <= MOST_BYTES && kept.ring.len() == 63,
            "{}",
            kept.ring.len()
        );
        let weighed: usize = kept.ring.iter().map(Recorded::weight).sum();
        assert_eq!(weighed, kept.bytes);
    }

    #[test]
    fn what_is_taken_weighs_nothing() {
        let requests = Requests::default();
        requests.record(&request("/default/token", 10), "token");
        requests.record(&request("/other/token", 10), "token");
        let take = || requests.take(|_| true).map(|taken| taken.path().to_owned());
        assert_eq!(take().unwrap(), b"/default/token");
        assert_eq!(take().unwrap(), b"/other/token");
        assert!(take().is_none());
        assert_eq!(requests.size().bytes, 0);
        requests.clear();
        assert_eq!(requests.record(&request("/", 0), "token"), 3);
    }
}
