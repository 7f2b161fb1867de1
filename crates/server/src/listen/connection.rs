//! Serves one connection: HTTP/1.1, or HTTP/2 by prior knowledge or by ALPN, with or without TLS.
//!
//! RFC 9112: <https://www.rfc-editor.org/rfc/rfc9112>, RFC 9113 §3.3:
//! <https://www.rfc-editor.org/rfc/rfc9113#section-3.3>. Limits: row S-140.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::Body;
use crate::tls::Tls;

/// The longest request head.
const LARGEST_HEAD: u32 = 16 * 1024;
/// How long a connection may rest between requests. hyper counts that as reading a head, and a
/// device that polls every few seconds must not find its connection closed at that very moment.
const IDLE: Duration = Duration::from_secs(65);

/// In the extensions of a response: it is not sent, the connection closes instead.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a test asked for the connection to be closed")]
pub(crate) struct HangUp;

/// Serves one connection to its end. Its first request must come within `patience`.
pub(super) async fn serve<S, F>(
    stream: TcpStream,
    peer: SocketAddr,
    (patience, tls): (Duration, Option<Tls>),
    service: S,
    watcher: Watcher,
) where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let Some(tls) = tls else {
        return serve_http(stream, peer, patience, service, watcher).await;
    };
    let acceptor = match tls.acceptor().await {
        Ok(acceptor) => acceptor,
        Err(fault) => return tracing::error!(%fault, "TLS cannot be served"),
    };
    match tokio::time::timeout(patience, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve_http(stream, peer, patience, service, watcher).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake did not end in time"),
    }
}

async fn serve_http<I, S, F>(
    stream: I,
    peer: SocketAddr,
    patience: Duration,
    service: S,
    watcher: Watcher,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(LARGEST_HEAD as usize)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(LARGEST_HEAD)
        .max_concurrent_streams(128)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let spoken = Arc::new(Notify::new());
    let first_request = Arc::clone(&spoken);
    let service = service_fn(move |mut request| {
        first_request.notify_one();
        settle_host(&mut request);
        let answer = service(request, peer);
        async move {
            let answer = answer.await;
            // hyper closes the connection of a service that fails, or the stream in HTTP/2.
            if answer.extensions().get::<HangUp>().is_some() {
                return Err(HangUp);
            }
            Ok(answer)
        }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let mut connection = std::pin::pin!(watcher.watch(connection));
    // While hyper-util waits for the bytes that tell HTTP/1 from HTTP/2, no other timer runs.
    let outcome = tokio::select! {
        biased;
        outcome = &mut connection => outcome,
        () = spoken.notified() => connection.await,
        () = tokio::time::sleep(patience) => {
            tracing::debug!(%peer, "a connection said nothing in time");
            return;
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "a connection ended with an error");
    }
}

/// Makes `Host` say whom the request is for, whatever the version of HTTP and the form of its
/// target; a repeated `Host` is no `Host`.
fn settle_host<B>(request: &mut Request<B>) {
    // RFC 9113 §8.3.1: `:authority` "MUST" be used instead; RFC 9112 §3.2.2: with a target in
    // absolute form an origin server "MUST ignore the received Host header field".
    let target = request
        .uri()
        .authority()
        .map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(authority)) = target {
        request.headers_mut().insert(HOST, authority);
    } else if request.headers().get_all(HOST).iter().nth(1).is_some() {
        // RFC 9112 §3.2: 400 for "more than one Host header field line".
        request.headers_mut().remove(HOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(uri: &str, hosts: &[&str]) -> Option<String> {
        let mut request = Request::get(uri).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        settle_host(&mut request);
        let host = request.headers().get(HOST)?;
        Some(host.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_target_wins_over_the_host_header() {
        assert_eq!(host("/x", &["a:1"]).as_deref(), Some("a:1"));
        assert_eq!(host("http://b:2/x", &["a:1"]).as_deref(), Some("b:2"));
        assert_eq!(host("http://b/x", &[]).as_deref(), Some("b"));
        assert_eq!(host("/x", &["a", "a"]), None);
        assert_eq!(host("/x", &[]), None);
    }
}
