//! Requests with the session's token, waited for.
//!
//! RFC 6750 §2.1: <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::own_runtime::OwnRuntime;
use crate::error::Error;

/// [`crate::AuthorizedHttp`] for threads that wait.
#[derive(Clone, Debug)]
pub struct AuthorizedHttp {
    http: crate::AuthorizedHttp,
    runtime: OwnRuntime,
}

/// [`crate::AuthorizedRequest`] for threads that wait.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct AuthorizedRequest {
    request: crate::AuthorizedRequest,
    runtime: OwnRuntime,
}

/// An API's answer, whatever its status.
#[derive(Debug)]
pub struct Response {
    response: reqwest::Response,
    runtime: OwnRuntime,
}

impl AuthorizedHttp {
    pub(super) fn new(http: crate::AuthorizedHttp, runtime: &OwnRuntime) -> Self {
        let runtime = runtime.clone();
        Self { http, runtime }
    }

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
        AuthorizedRequest {
            request: self.http.request(method, url),
            runtime: self.runtime.clone(),
        }
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
        self.with(|request| request.body(body))
    }

    /// How long the exchange may take. Default: 30 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|request| request.timeout(timeout))
    }

    /// As [`crate::AuthorizedRequest::send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send(self) -> Result<Response, Error> {
        let Self { request, runtime } = self;
        let response = runtime.wait(request.send())?;
        Ok(Response { response, runtime })
    }

    fn with(
        self,
        change: impl FnOnce(crate::AuthorizedRequest) -> crate::AuthorizedRequest,
    ) -> Self {
        Self {
            request: change(self.request),
            runtime: self.runtime,
        }
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The address that answered, after redirects.
    pub fn url(&self) -> &Url {
        self.response.url()
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unavailable`] when the rest of the body does not come in time.
    pub fn text(self) -> Result<String, Error> {
        self.read(reqwest::Response::text)
    }

    /// The body as bytes.
    ///
    /// # Errors
    ///
    /// As [`Response::text`].
    pub fn bytes(self) -> Result<Vec<u8>, Error> {
        self.read(async |response| Ok(response.bytes().await?.into()))
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// As [`Response::text`]; [`crate::ErrorKind::Protocol`] when it is not the JSON that the caller
    /// expects.
    pub fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::protocol("the API's answer is not the expected JSON").caused_by(error)
        })
    }

    fn read<T>(
        self,
        read: impl AsyncFnOnce(reqwest::Response) -> reqwest::Result<T>,
    ) -> Result<T, Error> {
        let Self { response, runtime } = self;
        runtime.wait(async {
            read(response).await.map_err(|error| {
                Error::unavailable("the API's answer broke off", None)
                    .caused_by(error.without_url())
            })
        })
    }
}
