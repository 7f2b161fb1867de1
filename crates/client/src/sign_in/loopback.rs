//! Listens on this machine for the browser's answer.
//!
//! RFC 8252 §7.3 and §8.3: <https://www.rfc-editor.org/rfc/rfc8252#section-7.3>; rows C-12 to C-15,
//! C-19, A-28 to A-30. Local programs and web pages can reach the port too, so nothing that arrives
//! is trusted, and nothing that does not arrive is waited for.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::callback::{Arrival, Attempt, Verdict, judge};
use super::loopback_page::Page;
use super::loopback_server::{Answers, End, LONGEST_WAIT, accept, page};
use super::options::CallbackHost;
use super::port_holder::holder_of;
use crate::error::{Error, ErrorKind, SecurityViolation};
use hallpass_protocol::{OAuthError, Secret};

/// The browser has this long to fetch the last page once the sign-in is over.
const LAST_PAGE: Duration = Duration::from_secs(2);
/// So many answers with a foreign `state` end the sign-in.
pub(crate) const MOST_FOREIGN: usize = 3;
/// So many ports are drawn until one is free for both families.
const MOST_DRAWS: usize = 20;

/// What came back: a code, or the server's refusal.
pub(crate) type Answer = Result<Secret<String>, OAuthError>;

/// What came to the listener.
#[derive(Debug)]
pub(crate) enum Came {
    /// Something that is not ours; waiting goes on.
    Foreign,
    /// The end of waiting.
    Over(Result<Answer, Error>),
}

/// Bound ports, not yet listened to.
#[derive(Debug)]
pub(crate) struct Loopback {
    listeners: Vec<TcpListener>,
    /// Host and port as they stand in the redirect URI.
    pub(crate) authority: String,
}

/// A listener at work. Dropping it closes the ports.
#[derive(Debug)]
pub(crate) struct Serving {
    came: mpsc::UnboundedReceiver<Came>,
    result: watch::Sender<Option<Page>>,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    attempt: Arc<Attempt>,
    foreign: AtomicUsize,
    came: mpsc::UnboundedSender<Came>,
    is_settled: AtomicBool,
    result: watch::Receiver<Option<Page>>,
    /// The last answer of this sign-in has gone out to the browser.
    last_answer_sent: Notify,
}

impl Loopback {
    /// Binds the first port that is free; none or 0 lets the system choose.
    pub(crate) async fn bind(ports: &[u16], host: CallbackHost) -> Result<Self, Error> {
        let ports = if ports.is_empty() { &[0] } else { ports };
        let mut refused = None;
        for port in ports {
            match bind_named(*port, host).await {
                Ok(bound) => return Ok(bound),
                Err(error) => refused = Some((*port, error)),
            }
        }
        let (port, error) = refused.unwrap_or((0, io::ErrorKind::AddrNotAvailable.into()));
        let holder = match error.kind() {
            io::ErrorKind::AddrInUse => holder_of(port),
            _ => None,
        };
        let holder = holder.map_or(String::new(), |holder| format!(" (in use by {holder})"));
        let text = format!("cannot listen on 127.0.0.1:{port}{holder}");
        Err(Error::config(text)
            .hint_to("--callback-port 0, or free the port")
            .caused_by(error))
    }

    /// Answers in another way than a sign-in does; dropping what comes back closes the ports.
    pub(crate) fn answered_by<A: Answers>(self, answers: &Arc<A>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(accept(listener, Arc::clone(answers)));
        }
        tasks
    }

    /// Starts to answer; waits for the answer to this attempt.
    pub(crate) fn serve(self, attempt: Arc<Attempt>) -> Serving {
        let (sender, came) = mpsc::unbounded_channel();
        let (result, result_receiver) = watch::channel(None);
        let shared = Arc::new(Shared {
            attempt,
            foreign: AtomicUsize::new(0),
            came: sender,
            is_settled: AtomicBool::new(false),
            result: result_receiver,
            last_answer_sent: Notify::new(),
        });
        let tasks = self.answered_by(&shared);
        Serving {
            came,
            result,
            shared,
            _tasks: tasks,
        }
    }
}

impl Serving {
    /// Waits for what comes. Safe to drop and call again.
    pub(crate) async fn came(&mut self) -> Came {
        let closed = || {
            let error = Error::new(ErrorKind::Cancelled, "the listener was closed");
            Came::Over(Err(error))
        };
        self.came.recv().await.unwrap_or_else(closed)
    }

    /// Gives the browser its last page, then closes the ports.
    pub(crate) async fn finish(self, page: Page) {
        self.result.send_replace(Some(page));
        self.close().await;
    }

    /// Closes the ports once the browser has its last answer.
    pub(crate) async fn close(self) {
        // Nobody may be there to fetch it: that is no reason to fail.
        if timeout(LAST_PAGE, self.shared.last_answer_sent.notified())
            .await
            .is_err()
        {
            tracing::debug!("the browser did not fetch the last page");
        }
    }
}

/// Row C-71: behind the name `localhost` a browser may choose either family.
async fn bind_named(port: u16, host: CallbackHost) -> io::Result<Loopback> {
    if host == CallbackHost::Literal {
        return bind_both(port).await;
    }
    let draws = if port == 0 { MOST_DRAWS } else { 1 };
    for _ in 0..draws {
        let bound = bind_both(port).await?;
        let port = bound.authority.rsplit(':').next().unwrap_or_default();
        if bound.listeners.len() == 2 || !has_both_families().await {
            let authority = format!("localhost:{port}");
            return Ok(Loopback { authority, ..bound });
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Whether this machine has IPv4 and IPv6 on loopback at all.
async fn has_both_families() -> bool {
    let families = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    for family in families {
        if TcpListener::bind(SocketAddr::new(family, 0)).await.is_err() {
            return false;
        }
    }
    true
}

/// Row C-12: both families where the system has them, on one port; the literal is that of the first.
async fn bind_both(port: u16) -> io::Result<Loopback> {
    let v6 = |port| TcpListener::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port));
    match TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await {
        Ok(first) => {
            let port = first.local_addr()?.port();
            let second = v6(port).await.ok();
            let listeners = std::iter::once(first).chain(second).collect();
            Ok(Loopback {
                listeners,
                authority: format!("127.0.0.1:{port}"),
            })
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        // A host without IPv4.
        Err(_) => {
            let only = v6(port).await?;
            let port = only.local_addr()?.port();
            Ok(Loopback {
                listeners: vec![only],
                authority: format!("[::1]:{port}"),
            })
        }
    }
}

impl Answers for Shared {
    async fn answer(&self, request: &Request<Incoming>) -> (Response<Full<Bytes>>, End) {
        respond(Arrival::of(request), self).await
    }

    fn last_answer_left(&self) {
        self.last_answer_sent.notify_one();
    }
}

async fn respond(arrival: Arrival<'_>, shared: &Shared) -> (Response<Full<Bytes>>, End) {
    if is_last_page(arrival, &shared.attempt) && shared.is_settled() {
        return (last_page(shared).await, End::OfWaiting);
    }
    let not_found = (
        page(StatusCode::NOT_FOUND, &Page::not_found()),
        End::OfRequest,
    );
    match judge(arrival, &shared.attempt) {
        Verdict::NotFound => not_found,
        Verdict::Foreign => (
            page(StatusCode::BAD_REQUEST, &Page::foreign()),
            note_foreign(shared),
        ),
        Verdict::Refused(error) => {
            let shown = page(StatusCode::BAD_REQUEST, &Page::failed(&error.to_string()));
            if shared.settle(Err(error)) {
                (shown, End::OfWaiting)
            } else {
                not_found
            }
        }
        // Row C-13: one valid answer; the same again is nothing any more.
        Verdict::Answer(answer) => {
            if shared.settle(Ok(answer)) {
                (to_last_page(shared), End::OfRequest)
            } else {
                not_found
            }
        }
    }
}

/// Row C-15: one is an accident, several are an attack.
fn note_foreign(shared: &Shared) -> End {
    if shared.foreign.fetch_add(1, Ordering::Relaxed) + 1 < MOST_FOREIGN {
        // Nobody may be waiting any more.
        drop(shared.came.send(Came::Foreign));
        return End::OfRequest;
    }
    if shared.settle(Err(forged())) {
        End::OfWaiting
    } else {
        End::OfRequest
    }
}

/// The error after several answers that are not ours.
pub(crate) fn forged() -> Error {
    let text = "several answers came that are not to this sign-in (state differs)";
    Error::security(SecurityViolation::State, text)
        .hint_to("close other sign-in pages and try again; somebody may be forging answers")
}

impl Shared {
    /// Hands the outcome over; false when there was one before.
    fn settle(&self, outcome: Result<Answer, Error>) -> bool {
        !self.is_settled.swap(true, Ordering::SeqCst) && self.came.send(Came::Over(outcome)).is_ok()
    }

    fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::SeqCst)
    }
}

fn last_page_path(attempt: &Attempt) -> String {
    format!("{}/done", attempt.path.trim_end_matches('/'))
}

fn is_last_page(arrival: Arrival<'_>, attempt: &Attempt) -> bool {
    arrival.method == "GET"
        && arrival.host == Some(attempt.authority.as_str())
        && arrival.path == last_page_path(attempt)
}

/// Row C-19: the code leaves the address bar at once, by a redirect and without script.
fn to_last_page(shared: &Shared) -> Response<Full<Bytes>> {
    let mut response = page(StatusCode::SEE_OTHER, &Page::moved());
    if let Ok(target) = HeaderValue::from_str(&last_page_path(&shared.attempt)) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

/// Waits until it is known how the sign-in ended, then says it.
async fn last_page(shared: &Shared) -> Response<Full<Bytes>> {
    let mut result = shared.result.clone();
    let known = timeout(LONGEST_WAIT, result.wait_for(Option::is_some)).await;
    let shown = known
        .ok()
        .and_then(Result::ok)
        .and_then(|page| page.clone());
    page(StatusCode::OK, &shown.unwrap_or_else(Page::not_found))
}
