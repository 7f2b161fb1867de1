//! A small HTTP client whose requests carry the session's token.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use reqwest::{Method, Request, Response};
use url::Url;

use super::call::{AuthorizedCall, Then};
use crate::clean;
use crate::dpop::nonce_of;
use crate::error::Error;
use crate::http::{DPOP, redirect_target};
use crate::session::Session;

/// How long an API has for its answer, unless the request says otherwise.
const DEADLINE: Duration = Duration::from_secs(30);
/// So many redirects of a `GET` or `HEAD` are followed.
const MOST_REDIRECTS: usize = 10;

/// Sends requests with the session's token. Made by [`Session::http`].
#[derive(Clone, Debug)]
pub struct AuthorizedHttp {
    session: Session,
}

/// A request that will carry the token.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct AuthorizedRequest {
    session: Session,
    request: Result<reqwest::RequestBuilder, Error>,
}

impl Session {
    /// Sends requests with the token, to the origins of [`crate::ClientBuilder::resource`] only.
    ///
    /// ```no_run
    /// # async fn example(session: hallpass_client::Session) -> Result<(), hallpass_client::Error> {
    /// let answer = session
    ///     .http()
    ///     .post("https://api.example.com/reports")
    ///     .json(&["all is well"])
    ///     .send()
    ///     .await?;
    /// println!("{}", answer.status());
    /// # Ok(())
    /// # }
    /// ```
    pub fn http(&self) -> AuthorizedHttp {
        AuthorizedHttp {
            session: self.clone(),
        }
    }
}

impl AuthorizedHttp {
    /// A `GET` request.
    pub fn get(&self, url: impl AsRef<str>) -> AuthorizedRequest {
        self.request(Method::GET, url)
    }

    /// A `POST` request.
    pub fn post(&self, url: impl AsRef<str>) -> AuthorizedRequest {
        self.request(Method::POST, url)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> AuthorizedRequest {
        let request = self.start(method, url.as_ref());
        AuthorizedRequest {
            session: self.session.clone(),
            request,
        }
    }

    fn start(&self, method: Method, address: &str) -> Result<reqwest::RequestBuilder, Error> {
        let client = &self.session.client.inner;
        let url = Url::parse(address).map_err(|error| {
            let shown = clean::text(address);
            Error::config(format!("`{shown}` is no address: {error}"))
        })?;
        let request = client.server.http.request(method, &url)?;
        Ok(request.timeout(DEADLINE))
    }
}

impl AuthorizedRequest {
    /// Adds a header. `Authorization` is always the session's.
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|request| request.header(name, value))
    }

    /// Adds parameters to the query.
    pub fn query<T: serde::Serialize + ?Sized>(self, parameters: &T) -> Self {
        self.with(|request| request.query(parameters))
    }

    /// Sends this value as JSON.
    pub fn json<T: serde::Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|request| request.json(body))
    }

    /// Sends this value as a form.
    pub fn form<T: serde::Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|request| request.form(body))
    }

    /// Sends these bytes.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body: Vec<u8> = body.into();
        self.with(|request| request.body(body))
    }

    /// How long the exchange may take. Default: 30 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|request| request.timeout(timeout))
    }

    fn with(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.request = self.request.map(change);
        self
    }

    /// Sends the request. An answer 401 brings one refresh and one retry (RFC 6750 §3.1), a nonce that the
    /// API wants one retry (RFC 9449 §9); a redirect of a `GET` or `HEAD` is followed, without the token
    /// once it leaves the origin.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for an address that no [`crate::ClientBuilder::resource`] names, and
    /// the errors of [`AuthorizedCall::then`]. Other answers are returned, whatever their status.
    pub async fn send(self) -> Result<Response, Error> {
        let mut request = self.request?.build().map_err(|error| {
            Error::config("the request is malformed").caused_by(error.without_url())
        })?;
        let (method, url) = (request.method().clone(), request.url().clone());
        let mut call = self.session.authorize(&method, &url).await?;
        loop {
            let again = request.try_clone();
            let (answer, is_at_home) = follow(&self.session, &mut call, request).await?;
            // What another host says about tokens is not about this one.
            if !is_at_home {
                return Ok(answer);
            }
            match (call.then(answer.status(), answer.headers()).await?, again) {
                (Then::Again, Some(next)) => request = next,
                _ => return Ok(answer),
            }
        }
    }
}

/// Sends, and follows redirects as far as they are safe. Also tells whether the answer is of the origin
/// that the token is for.
async fn follow(
    session: &Session,
    call: &mut AuthorizedCall,
    mut request: Request,
) -> Result<(Response, bool), Error> {
    let http = &session.client.inner.server.http;
    let mut is_at_home = true;
    for _ in 0..MOST_REDIRECTS {
        if is_at_home {
            // A proof names the address: each has its own (RFC 9449 §4.2).
            call.move_to(request.url());
            call.attach(request.headers_mut())?;
        }
        let next = request
            .try_clone()
            .filter(|next| matches!(*next.method(), Method::GET | Method::HEAD));
        let at = request.url().clone();
        let answer = http.send(request).await?;
        let target = redirect_target(&at, answer.status().as_u16(), answer.headers());
        let (Some(target), Some(mut next)) = (target, next) else {
            return Ok((answer, is_at_home));
        };
        if is_at_home {
            call.learn(nonce_of(answer.headers()));
        }
        if target.origin() != at.origin() {
            is_at_home = false;
            for name in [AUTHORIZATION, DPOP, COOKIE] {
                next.headers_mut().remove(name);
            }
        }
        *next.url_mut() = target;
        request = next;
    }
    Err(Error::protocol("the API redirects without end"))
}
