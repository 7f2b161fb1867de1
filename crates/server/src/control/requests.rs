//! `requests`: what clients sent to the endpoints, as `takeRequest` of `mock-oauth2-server`.
//!
//! Nothing is redacted: a test wants to see the very parameters, and dev mode keeps no secrets. The
//! list is a ring: [`MOST`] requests and [`MOST_BYTES`] at most, the oldest go first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use super::recorded::{Outcome, Recorded};
use super::route::{Answer, Call};
use crate::Body;
use crate::listen::HangUp;
use crate::request::Request;
use crate::state::State;

/// So many requests are kept.
const MOST: usize = 1_000;
/// So many bytes of them.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Nobody waits longer for a request.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The requests of late.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    kept: Mutex<Kept>,
    /// How many tests wait for one: without any, nobody is woken.
    waiting: AtomicUsize,
    came: Notify,
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
    pub(super) fn record(&self, request: &Request, endpoint: &'static str) -> u64 {
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
    pub(super) fn answered(&self, id: u64, response: &Response<Body>) {
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
    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        let last_id = kept.last_id;
        *kept = Kept {
            last_id,
            ..Kept::default()
        };
    }

    /// How much is kept.
    pub(super) fn show(&self) -> Value {
        let kept = self.lock();
        json!({
            "kept": kept.ring.len(),
            "bytes": kept.bytes,
            "dropped": kept.dropped,
            "lastId": kept.last_id,
        })
    }

    fn list(&self, filter: &Filter) -> Vec<Value> {
        let kept = self.lock();
        let found = kept.ring.iter().filter(|recorded| filter.accepts(recorded));
        found.map(Recorded::show).collect()
    }

    fn take(&self, filter: &Filter) -> Option<Value> {
        let mut kept = self.lock();
        let index = kept
            .ring
            .iter()
            .position(|recorded| filter.accepts(recorded))?;
        let recorded = kept.ring.remove(index)?;
        kept.bytes -= recorded.weight();
        Some(recorded.show())
    }

    /// Looks until it finds something or the time is over.
    async fn wait<T>(&self, wait: Duration, look: impl Fn() -> Option<T>) -> Option<T> {
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

/// Which requests are meant.
#[derive(Debug)]
struct Filter {
    path: Option<String>,
    endpoint: Option<String>,
    issuer: Option<String>,
    after: u64,
}

impl Filter {
    fn read(fields: &mut Fields) -> Result<Self, ControlError> {
        let path = fields.filled("path")?;
        if let Some(path) = path.as_ref().filter(|path| !path.starts_with('/')) {
            let message = format!("`{path}` does not begin with a slash");
            return Err(ControlError::value("path", message)
                .hint("write the whole path, such as /default/token, or its beginning and `*`"));
        }
        Ok(Self {
            path,
            endpoint: fields.filled("endpoint")?,
            issuer: fields.some_issuer()?,
            after: fields.number("after", 0..=u64::MAX)?.unwrap_or_default(),
        })
    }

    fn accepts(&self, recorded: &Recorded) -> bool {
        let path = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => recorded.path().starts_with(start.as_bytes()),
            None => recorded.path() == wanted.as_bytes(),
        };
        recorded.id > self.after
            && self.path.as_ref().is_none_or(path)
            && self
                .endpoint
                .as_ref()
                .is_none_or(|endpoint| endpoint == recorded.endpoint)
            && self
                .issuer
                .as_ref()
                .is_none_or(|issuer| issuer.as_bytes() == recorded.issuer())
    }
}

/// `GET requests`, `DELETE requests`.
pub(super) async fn answer(state: &State, call: &Call) -> Answer {
    let requests = &state.control.requests;
    let known = ["path", "endpoint", ISSUER, "after", "wait"];
    let mut fields = Fields::of_query(&call.query, &known)?;
    let filter = Filter::read(&mut fields)?;
    let wait = fields.span("wait", Some(LONGEST_WAIT))?.unwrap_or_default();
    if call.method == Method::DELETE {
        let taken = requests.wait(wait, || requests.take(&filter)).await;
        return taken
            .map(|request| json!({ "request": request }))
            .ok_or_else(|| {
                let message = "no such request came";
                ControlError::new(StatusCode::NOT_FOUND, "no_request", message)
                    .hint("wait for it with `wait=2s`")
            });
    }
    let look = || Some(requests.list(&filter)).filter(|found| !found.is_empty());
    let found = requests.wait(wait, look).await.unwrap_or_default();
    Ok(json!({ "requests": found }))
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::Timestamp;
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
            now: Timestamp::UNIX_EPOCH,
            came: hallpass_store::Moment::present(),
            language: crate::languages::PageLanguage::unknown(crate::languages::Language::English),
            held_for: std::sync::OnceLock::new(),
        }
    }

    fn all() -> Filter {
        Filter {
            path: None,
            endpoint: None,
            issuer: None,
            after: 0,
        }
    }

    #[test]
    fn a_thousand_requests_are_kept() {
        let requests = Requests::default();
        for _ in 0..MOST + 7 {
            requests.record(&request("/default/token", 10), "token");
        }
        let kept = requests.list(&all());
        assert_eq!((kept.len(), &kept[0]["id"]), (MOST, &json!(8)));
        assert_eq!(requests.show()["dropped"], 7);
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
        assert_eq!(requests.take(&all()).unwrap()["path"], "/default/token");
        assert_eq!(requests.take(&all()).unwrap()["path"], "/other/token");
        assert!(requests.take(&all()).is_none());
        assert_eq!(requests.show()["bytes"], 0);
        requests.clear();
        assert_eq!(requests.record(&request("/", 0), "token"), 3);
    }
}
