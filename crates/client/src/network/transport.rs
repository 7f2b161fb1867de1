//! What carries a request to a server and its answer back, and how that can fail.

use std::error::Error as StdError;
use std::fmt;

use reqwest::{Request, Response};

use crate::BoxFuture;

/// Carries requests. The rest of this crate decides what is sent where, and what an answer means.
///
/// The default is [`crate::SystemTransport`]. A program that has an HTTP stack of its own, or a test
/// that answers without a socket, gives its own to [`crate::ClientBuilder::http`]:
///
/// ```
/// use hallpass_client::reqwest::{Request, Response};
/// use hallpass_client::{BoxFuture, Client, HttpTransport, MemoryStore, TransportError};
///
/// #[derive(Debug)]
/// struct Closed;
///
/// impl HttpTransport for Closed {
///     fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
///         Box::pin(async move {
///             let answer = http::Response::builder().status(503).body(String::new());
///             Ok(Response::from(answer.map_err(TransportError::interrupted)?))
///         })
///     }
/// }
///
/// let client = Client::builder("https://login.example.com", "acme-cli")
///     .store(MemoryStore::new())
///     .http(Closed)
///     .build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
pub trait HttpTransport: Send + Sync + fmt::Debug {
    /// Sends one request and returns once the head of the answer is there; the body may still be on
    /// its way.
    ///
    /// Three things are asked of it. It follows no redirect: the target could be a stranger (row
    /// C-45). It gives up after [`Request::timeout`], which every request carries. It sends a request
    /// at most once: a refresh token that was sent twice reads as stolen (RFC 9700 §4.14.2).
    ///
    /// # Errors
    ///
    /// When there is no answer. An answer of any status is none.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

/// Why there is no answer.
///
/// `Display` is what stands in brackets behind "cannot reach HOST", or behind "cannot verify HOST:".
/// It holds no secret: neither the query of the address nor the password of a proxy.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    reason: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What is known about a request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// There was no connection: the server surely did not see the request.
    NotConnected,
    /// The connection ended early: the server may have seen the request.
    Interrupted,
    /// No answer in time: the server may have seen the request.
    TimedOut,
    /// The server's certificate is not trusted: the server surely did not see the request.
    Certificate,
    /// The proxy does not let us through: the server surely did not see the request.
    Proxy,
    /// The transport's own settings cannot be used: nothing was tried.
    Settings,
}

impl TransportError {
    /// An error of this kind, for a reason in a few words.
    pub fn new(kind: TransportErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            hint: None,
            source: None,
        }
    }

    /// The connection ended early, because of that.
    pub fn interrupted(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let kind = TransportErrorKind::Interrupted;
        Self::new(kind, "the connection broke off").caused_by(source)
    }

    /// Adds what the person can do, in the imperative.
    #[must_use]
    pub fn hint_to(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the deeper reason.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is known.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// What the person can do.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl TransportErrorKind {
    /// Whether the server surely did not see the request, so that it may be sent again.
    pub fn never_left(self) -> bool {
        match self {
            Self::NotConnected | Self::Certificate | Self::Proxy | Self::Settings => true,
            Self::Interrupted | Self::TimedOut => false,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
