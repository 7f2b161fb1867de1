//! `requests`: what clients sent to the endpoints, as `takeRequest` of `mock-oauth2-server`.
//!
//! Nothing is redacted: a test wants to see the very parameters, and dev mode keeps no secrets. The
//! list is a ring: [`MOST`] requests and [`MOST_BYTES`] at most, the oldest go first. A request is
//! written down as one block of bytes and taken apart only when somebody asks; its own buffers
//! would keep the whole read buffer of its connection alive.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use super::route::{Answer, Call};
use super::time;
use crate::Body;
use crate::listen::HangUp;
use crate::request::Request;
use crate::state::State;

/// So many requests are kept.
const MOST: usize = 1_000;
/// So many bytes of them.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// What an entry weighs beside its bytes.
const ENTRY: usize = size_of::<Recorded>();
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

/// One request, as bytes.
#[derive(Debug)]
struct Recorded {
    id: u64,
    at: Timestamp,
    method: Method,
    endpoint: &'static str,
    /// Path, query, issuer, then name and value of every header, then the body.
    text: Box<[u8]>,
    path: u32,
    query: u32,
    issuer: u32,
    /// The length of the name and of the value of each header.
    headers: Box<[(u16, u16)]>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Unanswered,
    HungUp,
    Answered(StatusCode),
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

impl Recorded {
    fn new(request: &Request, endpoint: &'static str) -> Self {
        let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let short = |text: &[u8]| u16::try_from(text.len()).unwrap_or(u16::MAX);
        let headers: Box<[_]> = request
            .headers
            .iter()
            .map(|(name, value)| (short(name.as_str().as_bytes()), short(value.as_bytes())))
            .collect();
        let of_headers = headers
            .iter()
            .map(|(name, value)| usize::from(*name) + usize::from(*value));
        let whole = request.path.len()
            + request.query.len()
            + request.issuer.len()
            + of_headers.sum::<usize>()
            + request.body.len();
        let mut text = Vec::with_capacity(whole);
        text.extend_from_slice(request.path.as_bytes());
        text.extend_from_slice(request.query.as_bytes());
        text.extend_from_slice(request.issuer.as_bytes());
        for ((name, value), (of_name, of_value)) in request.headers.iter().zip(&headers) {
            text.extend(name.as_str().as_bytes().iter().take(usize::from(*of_name)));
            text.extend(value.as_bytes().iter().take(usize::from(*of_value)));
        }
        text.extend_from_slice(&request.body);
        Self {
            id: 0,
            at: request.now,
            method: request.method.clone(),
            endpoint,
            path: length(request.path.as_bytes()),
            query: length(request.query.as_bytes()),
            issuer: length(request.issuer.as_bytes()),
            text: text.into_boxed_slice(),
            headers,
            outcome: Outcome::Unanswered,
        }
    }

    fn weight(&self) -> usize {
        ENTRY + self.text.len() + size_of_val(&*self.headers)
    }

    fn path(&self) -> &[u8] {
        self.text.get(..self.path as usize).unwrap_or_default()
    }

    fn issuer(&self) -> &[u8] {
        let start = self.path as usize + self.query as usize;
        self.text
            .get(start..start + self.issuer as usize)
            .unwrap_or_default()
    }

    fn show(&self) -> Value {
        let mut rest = &*self.text;
        let mut next = |length: usize| {
            let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            String::from_utf8_lossy(part).into_owned()
        };
        let path = next(self.path as usize);
        let query = next(self.query as usize);
        let issuer = next(self.issuer as usize);
        let mut headers = Map::new();
        for (name, value) in &*self.headers {
            let name = next(usize::from(*name));
            add(&mut headers, name, next(usize::from(*value)));
        }
        let body = next(usize::MAX);
        let is_form = headers
            .get("content-type")
            .and_then(Value::as_str)
            .is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"));
        let (status, hung_up) = match self.outcome {
            Outcome::Unanswered => (None, false),
            Outcome::HungUp => (None, true),
            Outcome::Answered(status) => (Some(status.as_u16()), false),
        };
        json!({
            "id": self.id,
            "at": time::write(self.at),
            "method": self.method.as_str(),
            "path": path,
            "endpoint": self.endpoint,
            ISSUER: issuer,
            "query": parameters(&query),
            "headers": headers,
            "form": is_form.then(|| parameters(&body)),
            "body": body,
            "status": status,
            "closed": hung_up,
        })
    }
}

/// The parameters of a query or a form; what is none is shown by `body` alone.
fn parameters(text: &str) -> Value {
    let mut members = Map::new();
    if let Ok(form) = Form::parse(text) {
        for (name, value) in form.iter() {
            add(&mut members, name.to_owned(), value.to_owned());
        }
    }
    Value::Object(members)
}

/// Adds a value; what has several becomes a list.
fn add(members: &mut Map<String, Value>, name: String, value: String) {
    let value = Value::from(value);
    match members.get_mut(&name) {
        None => {
            members.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = json!([first.clone(), value]),
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
            issuer: "default".to_owned(),
            issuer_url: String::new(),
            now: Timestamp::UNIX_EPOCH,
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
    #[ignore = "TEMPORARY measure"]
    fn measure() {
        let requests = Requests::default();
        let mut one = request("/default/token", 300);
        for (n, v) in [
            ("host", "localhost:8080"),
            ("user-agent", "python-requests/2.32.3"),
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate"),
            ("connection", "keep-alive"),
            ("content-length", "300"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", "Basic c3ZjOnMzY3JldA=="),
        ] {
            one.headers.insert(n, v.parse().unwrap());
        }
        let ok = Response::<Body>::default();
        let start = std::time::Instant::now();
        for _ in 0..1_000_000 {
            let id = requests.record(&one, "token");
            requests.answered(id, &ok);
        }
        eprintln!(
            "ns per request: {} bytes {}",
            start.elapsed().as_nanos() / 1_000_000,
            requests.show()
        );
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
