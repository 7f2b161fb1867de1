//! The HTTP part, the same for every double.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking"
)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hallpass_protocol::form::Form;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// What a double knows and does.
pub trait Provider: Send + 'static {
    /// Answers a request.
    fn answer(&mut self, request: &Request) -> Response;
}

/// A double that listens.
#[derive(Debug)]
pub struct Double<P> {
    /// Its address, without a slash at the end.
    pub base: String,
    provider: Arc<Mutex<P>>,
    seen: Arc<Mutex<Vec<Request>>>,
}

/// A request as it came.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The parameters, of the query and of a form in the body.
    pub form: Form,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Whether JSON is accepted by name.
    pub accepts_json: bool,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl<P: Provider> Double<P> {
    /// Starts a double, which is told its address.
    pub async fn start(make: impl FnOnce(&str) -> P) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound port has an address");
        let base = format!("http://{address}");
        let provider = Arc::new(Mutex::new(make(&base)));
        let seen = Arc::default();
        tokio::spawn(serve(listener, Arc::clone(&provider), Arc::clone(&seen)));
        Self {
            base,
            provider,
            seen,
        }
    }

    /// The double itself, to change what it does.
    pub fn provider(&self) -> MutexGuard<'_, P> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every request to a path so far.
    pub fn seen(&self, path: &str) -> Vec<Request> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .filter(|request| request.path == path)
            .cloned()
            .collect()
    }
}

impl Request {
    /// A parameter; empty when it is missing or repeated.
    pub fn field(&self, name: &str) -> &str {
        self.form.one(name).ok().flatten().unwrap_or_default()
    }

    /// Whether a parameter holds a word.
    pub fn has_word(&self, name: &str, word: &str) -> bool {
        self.field(name).split(' ').any(|known| known == word)
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.form.iter().map(|(name, _)| name).collect();
        write!(f, "{} {} {names:?}", self.method, self.path)
    }
}

impl Response {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json; charset=utf-8", body.to_string())
    }

    /// The string members of a JSON object as a form.
    pub fn form(status: u16, body: &Value) -> Self {
        let mut form = Form::default();
        for (name, value) in body.as_object().into_iter().flatten() {
            let text = value.as_str().map_or(value.to_string(), str::to_owned);
            form.push(name, text);
        }
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        Self::raw(status, kind, form.encode())
    }

    /// Anything.
    pub fn raw(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body,
        }
    }

    /// To another address.
    pub fn redirect(to: String) -> Self {
        Self {
            status: 302,
            headers: vec![("location", to)],
            body: String::new(),
        }
    }

    /// A page that is not there, as a person would see it.
    pub fn not_found() -> Self {
        Self::raw(404, "text/html", "<h1>Not Found</h1>".to_owned())
    }
}

async fn serve<P: Provider>(
    listener: TcpListener,
    provider: Arc<Mutex<P>>,
    seen: Arc<Mutex<Vec<Request>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (provider, seen) = (Arc::clone(&provider), Arc::clone(&seen));
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, &provider, &seen));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer);
            // A client may hang up.
            drop(connection.await);
        });
    }
}

async fn answer<P: Provider>(
    request: hyper::Request<Incoming>,
    provider: &Mutex<P>,
    seen: &Mutex<Vec<Request>>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let request = read(request).await;
    let response = {
        let mut provider = provider.lock().unwrap_or_else(PoisonError::into_inner);
        provider.answer(&request)
    };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    let mut built = hyper::Response::builder().status(response.status);
    for (name, value) in response.headers {
        built = built.header(name, value);
    }
    let body = Full::new(Bytes::from(response.body));
    Ok(built.body(body).expect("a well-formed response"))
}

async fn read(request: hyper::Request<Incoming>) -> Request {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        let value = parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let body = body.collect().await.map(Collected::to_bytes);
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let query = parts.uri.query().unwrap_or_default();
    Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        form: Form::parse(&format!("{query}&{body}")).unwrap_or_default(),
        authorization: header("authorization"),
        accepts_json: header("accept").is_some_and(|accept| accept.contains("application/json")),
    }
}
