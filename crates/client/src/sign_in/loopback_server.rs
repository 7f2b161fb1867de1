//! Answers what comes to a port of this machine, whoever sends it.
//!
//! RFC 8252 §8.3: <https://www.rfc-editor.org/rfc/rfc8252#section-8.3>; rows A-30, C-19.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::loopback_page::Page;

/// A request must have arrived in this time.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// A longer request is refused.
const LONGEST_HEAD: usize = 16 * 1024;
/// So many connections at once; each that is silent ends after [`HEAD_DEADLINE`].
const MOST_CONNECTIONS: usize = 256;
/// A browser waits at most this long for an answer.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What an answer to the browser ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    OfRequest,
    OfWaiting,
}

/// Who decides what is answered.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Answers a request.
    fn answer(
        &self,
        request: &Request<Incoming>,
    ) -> impl Future<Output = (Response<Full<Bytes>>, End)> + Send;

    /// An answer that ends the waiting has gone out: the ports may close.
    fn last_answer_left(&self);
}

/// Takes connections for ever.
pub(super) async fn accept<A: Answers>(listener: TcpListener, answers: Arc<A>) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answers = Arc::clone(&answers);
                connections.spawn(async move {
                    serve_connection(stream, answers).await;
                    drop(slot);
                });
            }
            // Out of handles, or a connection that was gone at once: the next may work.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Row A-30: a connection that sends nothing hurts only itself.
async fn serve_connection<A: Answers>(stream: TcpStream, answers: Arc<A>) {
    let is_last = AtomicBool::new(false);
    let answer = service_fn(|request| {
        let (answers, is_last) = (Arc::clone(&answers), &is_last);
        async move {
            let (response, end) = answers.answer(&request).await;
            is_last.store(end == End::OfWaiting, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(LONGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    if !matches!(
        timeout(LONGEST_WAIT + HEAD_DEADLINE, connection).await,
        Ok(Ok(()))
    ) {
        tracing::debug!("a connection to the listener ended without an answer");
    }
    if is_last.load(Ordering::Relaxed) {
        answers.last_answer_left();
    }
}

/// A page that nobody keeps and that loads nothing.
pub(crate) fn page(status: StatusCode, page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html())));
    *response.status_mut() = status;
    let policy = page.content_security_policy();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
