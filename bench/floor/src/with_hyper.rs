//! hyper with the settings of the server's listener: `crates/server/src/listen/connection.rs`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

use crate::answer::{JWKS, Key, PENDING};

pub(crate) async fn serve(listener: TcpListener, key: Arc<Key>) {
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(65))
            .max_buf_size(16 * 1024)
            .http2()
            .timer(TokioTimer::new());
        let key = Arc::clone(&key);
        let service = service_fn(move |request| {
            let key = Arc::clone(&key);
            async move { Ok::<_, Infallible>(answer(request, &key).await) }
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that goes away is no concern of a floor.
            drop(connection.await);
        });
    }
}

async fn answer(request: Request<Incoming>, key: &Key) -> Response<Full<Bytes>> {
    if request.method() == Method::GET {
        return json(StatusCode::OK, Bytes::from_static(JWKS.as_bytes()));
    }
    let work: fn(&Key) -> Option<Bytes> = match request.uri().path() {
        "/sign" => |key| Some(key.token_response().into()),
        "/verify" => |key| key.verify().then(pending),
        _ => |_| Some(pending()),
    };
    let body = Limited::new(request.into_body(), 64 * 1024).collect();
    let body = tokio::time::timeout(Duration::from_secs(10), body).await;
    let Ok(Ok(body)) = body else {
        return json(StatusCode::BAD_REQUEST, Bytes::new());
    };
    let body = body.to_bytes();
    let form = form(std::str::from_utf8(&body).unwrap_or_default());
    let made = if form.is_empty() { None } else { work(key) };
    match made {
        Some(body) => json(StatusCode::OK, body),
        None => json(StatusCode::BAD_REQUEST, Bytes::new()),
    }
}

fn pending() -> Bytes {
    Bytes::from_static(PENDING.as_bytes())
}

fn form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    text.split('&')
        .filter_map(|piece| piece.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
