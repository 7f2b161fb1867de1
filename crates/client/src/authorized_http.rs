//! Requests with the session's token attached, to the named origins only.
//!
//! RFC 6750 §2.1 and §3: <https://www.rfc-editor.org/rfc/rfc6750#section-3>; rows C-50, C-51, C-75.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, Request, Response, StatusCode};
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::http::{network_error, redirect_target};
use crate::refresh::Need;
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
        let shown = crate::clean::text(address);
        let url = Url::parse(address)
            .map_err(|error| Error::config(format!("`{shown}` is no address: {error}")))?;
        // Row C-75: before a byte is sent.
        if !client.origins.contains(&url.origin()) {
            let origin = crate::clean::text(&url.origin().ascii_serialization());
            return Err(Error::config(format!("the token is not for {origin}"))
                .hint_to(format!("if it is, name it: `.resource(\"{origin}\")`")));
        }
        Ok(client
            .server
            .http
            .client()?
            .request(method, url)
            .timeout(DEADLINE))
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

    /// Sends the request. An answer 401 brings one refresh and one retry (RFC 6750 §3.1); a redirect
    /// of a `GET` or `HEAD` is followed, without the token once it leaves the origin.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for an address that no [`crate::ClientBuilder::resource`] names,
    /// [`ErrorKind::InsufficientScope`] when the API says that a scope is missing, and the errors of
    /// [`Session::access_token`]. Other answers are returned, whatever their status.
    pub async fn send(self) -> Result<Response, Error> {
        let request = self.request?.build().map_err(|error| {
            Error::config("the request is malformed").caused_by(error.without_url())
        })?;
        let token = self.session.access_token().await?;
        let retry = request.try_clone();
        let header = token.authorization_header()?;
        let answer = follow(&self.session, request, header.expose()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let Some(retry) = retry else {
                return Ok(answer);
            };
            let fresh = match self.session.token(Need::OtherThan(token.expose())).await {
                Ok(fresh) => fresh,
                // Without a refresh token nothing can be done: the API's own answer says most.
                Err(error) if *error.kind() == ErrorKind::LoginRequired => return Ok(answer),
                Err(error) => return Err(error),
            };
            let header = fresh.authorization_header()?;
            return scope_checked(follow(&self.session, retry, header.expose()).await?);
        }
        scope_checked(answer)
    }
}

/// Sends, and follows redirects as far as they are safe.
async fn follow(session: &Session, mut request: Request, header: &str) -> Result<Response, Error> {
    let client = session.client.inner.server.http.client()?;
    let mut value = HeaderValue::from_str(header).map_err(|error| {
        Error::protocol("the token does not fit into a header").caused_by(error)
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    for _ in 0..MOST_REDIRECTS {
        let next = request
            .try_clone()
            .filter(|next| matches!(*next.method(), Method::GET | Method::HEAD));
        let at = request.url().clone();
        let what = format!("cannot reach {}", at.origin().ascii_serialization());
        let answer = client
            .execute(request)
            .await
            .map_err(|error| network_error(&what, error))?;
        let target = redirect_target(&at, answer.status().as_u16(), answer.headers());
        let (Some(target), Some(mut next)) = (target, next) else {
            return Ok(answer);
        };
        if target.origin() != at.origin() {
            next.headers_mut().remove(AUTHORIZATION);
        }
        *next.url_mut() = target;
        request = next;
    }
    Err(Error::protocol("the API redirects without end"))
}

/// RFC 6750 §3.1: `insufficient_scope` names what is missing.
fn scope_checked(answer: Response) -> Result<Response, Error> {
    if answer.status() != StatusCode::FORBIDDEN {
        return Ok(answer);
    }
    let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenge = challenges
        .filter_map(|value| value.to_str().ok())
        .find(|challenge| {
            parameter(challenge, "error").is_some_and(|error| error == "insufficient_scope")
        });
    let Some(challenge) = challenge else {
        return Ok(answer);
    };
    let host = crate::clean::text(answer.url().host_str().unwrap_or("the API"));
    let error = match parameter(challenge, "scope").map(|scope| crate::clean::text(&scope)) {
        Some(scope) => {
            let text = format!("the token lacks the scope {scope} (asked by {host})");
            Error::new(ErrorKind::InsufficientScope, text)
                .hint_to(format!("sign in again with the scope {scope}"))
        }
        None => Error::new(
            ErrorKind::InsufficientScope,
            format!("the token lacks a scope for {host}"),
        )
        .hint_to("ask the API's documentation which scope this needs, and sign in again with it"),
    };
    Err(error)
}

/// One parameter of a challenge (RFC 9110 §11.6.1), quoted or not.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let mut rest = challenge;
    while let Some((before, after)) = rest.split_once('=') {
        let found = before.rsplit([' ', ',']).next().unwrap_or_default().trim();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if found.eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_51_a_challenge_names_the_error_and_the_scope() {
        let challenge = r#"Bearer realm="a, scope=b", error="insufficient_scope", scope="x y""#;
        assert_eq!(
            parameter(challenge, "error").as_deref(),
            Some("insufficient_scope")
        );
        assert_eq!(parameter(challenge, "scope").as_deref(), Some("x y"));
        assert_eq!(
            parameter("Bearer error=invalid_token, x=y", "error").as_deref(),
            Some("invalid_token")
        );
        assert_eq!(parameter("Bearer", "error"), None);
        assert_eq!(parameter("Bearer error=\"open", "error"), None);
    }
}
