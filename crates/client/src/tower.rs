//! The session's token on requests that another HTTP client sends: a [`tower`](https://docs.rs/tower) layer.
//!
//! It does what [`Session::http`] does, apart from redirects: the token goes to the origins of
//! [`crate::ClientBuilder::resource`] only, is refreshed before its end and once after a 401 (RFC 6750
//! §3.1), gets a proof where it is bound to a key (RFC 9449 §7.1) and another one for the nonce that an API
//! wants (§9). A wish for a stronger sign-in (RFC 9470) comes back as [`crate::ErrorKind::StepUp`].
//!
//! ```no_run
//! # async fn call(session: hallpass_client::Session) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! use hallpass_client::reqwest::{self, Method, Request, redirect};
//! use hallpass_client::tower::AuthLayer;
//! use tower_layer::Layer as _;
//! use tower_service::Service as _;
//!
//! let plain = reqwest::Client::builder().redirect(redirect::Policy::none()).build()?;
//! let mut http = AuthLayer::new(session).layer(plain);
//! let request = Request::new(Method::GET, "https://api.example.com/me".parse()?);
//! let answer = http.call(request).await?;
//! # drop(answer);
//! # Ok(())
//! # }
//! ```
//!
//! The client below must not follow redirects by itself: it would carry the token elsewhere.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::task::{Context, Poll};

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use crate::BoxFuture;
use crate::authorized_http::Then;
use crate::error::Error;
use crate::session::Session;

/// What a request can fail with: an [`Error`] of ours, or that of the client below.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Puts the token of a session onto requests.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    session: Session,
}

/// A client whose requests carry the token. Made by [`AuthLayer`].
#[derive(Clone, Debug)]
pub struct Authorized<S> {
    session: Session,
    inner: S,
}

impl AuthLayer {
    /// For the tokens of this session.
    pub fn new(session: Session) -> Self {
        Self { session }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Authorized<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authorized {
            session: self.session.clone(),
            inner,
        }
    }
}

/// A request of any client, as far as the token goes.
trait Outgoing: Sized {
    fn method(&self) -> Method;
    fn address(&self) -> Result<Url, Error>;
    fn headers_mut(&mut self) -> &mut HeaderMap;
    /// `None` for a body that can be sent only once.
    fn again(&self) -> Option<Self>;
}

/// An answer of any client, as far as the token goes.
trait Incoming {
    fn status(&self) -> StatusCode;
    fn headers(&self) -> &HeaderMap;
}

impl<B: Clone> Outgoing for http::Request<B> {
    fn method(&self) -> Method {
        self.method().clone()
    }

    fn address(&self) -> Result<Url, Error> {
        let address = self.uri().to_string();
        Url::parse(&address).map_err(|error| {
            let shown = crate::clean::text(&address);
            Error::config(format!("`{shown}` is no address: {error}"))
        })
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl Outgoing for reqwest::Request {
    fn method(&self) -> Method {
        self.method().clone()
    }

    fn address(&self) -> Result<Url, Error> {
        Ok(self.url().clone())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn again(&self) -> Option<Self> {
        self.try_clone()
    }
}

impl<B> Incoming for http::Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl Incoming for reqwest::Response {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl<S, B, R> Service<http::Request<B>> for Authorized<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Clone + Send + Sync + 'static,
    R: Send + Sync,
{
    type Response = http::Response<R>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(send(self.session.clone(), self.take_ready(), request))
    }
}

impl<S> Service<reqwest::Request> for Authorized<S>
where
    S: Service<reqwest::Request, Response = reqwest::Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    type Response = reqwest::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: reqwest::Request) -> Self::Future {
        Box::pin(send(self.session.clone(), self.take_ready(), request))
    }
}

impl<S: Clone> Authorized<S> {
    /// The one that said it is ready; a clone of it has said nothing yet.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        std::mem::replace(&mut self.inner, clone)
    }
}

async fn send<S, Q>(session: Session, mut inner: S, mut request: Q) -> Result<S::Response, BoxError>
where
    S: Service<Q>,
    S::Response: Incoming,
    S::Error: Into<BoxError>,
    Q: Outgoing,
{
    let mut call = session
        .authorize(&request.method(), &request.address()?)
        .await?;
    loop {
        call.attach(request.headers_mut())?;
        let again = request.again();
        let answer = inner.call(request).await.map_err(Into::into)?;
        let Then::Again = call.then(answer.status(), answer.headers()).await? else {
            return Ok(answer);
        };
        match again {
            Some(again) => request = again,
            // A stream is gone: the API's own answer says most.
            None => return Ok(answer),
        }
        poll_fn(|cx| inner.poll_ready(cx))
            .await
            .map_err(Into::into)?;
    }
}
