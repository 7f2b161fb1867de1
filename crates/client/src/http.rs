//! The only connections that this crate opens, and the rules they all follow.
//!
//! RFC 6749 §1.6 (TLS), §5.1 and §5.2 (bodies); rows C-44 to C-47: https or loopback, no redirect
//! for what carries secrets, every call with a deadline, every body with a limit.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_protocol::form::Form;
use hallpass_protocol::{Clock, Secret, Timestamp};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER,
    USER_AGENT,
};
use reqwest::{Method, Request, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use crate::authorized_http::Challenges;
use crate::clean;
use crate::dpop::nonce_of;
use crate::error::{Error, SecurityViolation};
use crate::network::{HttpTransport, TransportError, TransportErrorKind};
use crate::watcher::{Exchange, Watcher};

/// The header of a proof (RFC 9449 §4.1).
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// How long one exchange may take, connection and body included.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// Longer bodies are refused (row C-54).
const LONGEST_BODY: usize = 1024 * 1024;
/// So many redirects of a document are followed, on the same origin (row C-45).
const MOST_REDIRECTS: usize = 3;

/// What this crate sends, over the transport of the program.
#[derive(Debug)]
pub(crate) struct Http {
    transport: Arc<dyn HttpTransport>,
    /// Only describes requests: it trusts no certificate, and nothing is sent by it.
    requests: OnceLock<reqwest::Client>,
    user_agent: String,
    watcher: Option<Arc<dyn Watcher>>,
    /// Tells when an answer came.
    clock: Arc<dyn Clock>,
}

/// An answer, read to its end.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<Duration>,
    /// How far the server's clock is ahead of ours, in milliseconds; 0 when they agree as far as
    /// the one-second `Date` header tells.
    pub(crate) server_ahead: i64,
    pub(crate) received_at: Timestamp,
    /// `DPoP-Nonce` (RFC 9449 §8).
    pub(crate) dpop_nonce: Option<String>,
    /// `WWW-Authenticate` (RFC 9110 §11.6.1).
    pub(crate) challenges: Challenges,
    pub(crate) body: Secret<Vec<u8>>,
}

impl Http {
    pub(crate) fn new(
        app_name: &str,
        transport: Arc<dyn HttpTransport>,
        watcher: Option<Arc<dyn Watcher>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let user_agent = format!("{app_name} hallpass-client/{}", env!("CARGO_PKG_VERSION"));
        Self {
            transport,
            requests: OnceLock::new(),
            user_agent,
            watcher,
            clock,
        }
    }

    fn tell(&self, exchange: impl FnOnce() -> Exchange) {
        if let Some(watcher) = &self.watcher {
            watcher.saw(&exchange());
        }
    }

    /// Starts to describe a request, for [`Self::send`].
    pub(crate) fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, Error> {
        let client = if let Some(client) = self.requests.get() {
            client
        } else {
            let built = reqwest::Client::builder()
                .tls_certs_only([])
                .no_proxy()
                .build()
                .map_err(|error| Error::config("the HTTP client cannot start").caused_by(error))?;
            self.requests.get_or_init(|| built)
        };
        let request = client.request(method, url.clone());
        Ok(request
            .header(USER_AGENT, &self.user_agent)
            .timeout(DEADLINE))
    }

    /// Sends a request; no redirect is followed.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, Error> {
        let url = request.url().clone();
        let answer = self.transport.send(request).await;
        let status = answer.as_ref().map(|answer| answer.status().as_u16()).ok();
        tracing::debug!(url = name(&url), status, "asked");
        answer.map_err(|error| transport_error(&url, error))
    }

    async fn send_described(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = request.build().map_err(|error| {
            Error::config("the request is malformed").caused_by(error.without_url())
        })?;
        self.send(request).await
    }

    /// Fetches a public document; a few redirects on the same origin are followed.
    pub(crate) async fn get_document(&self, url: &Url) -> Result<Reply, Error> {
        let mut at = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let request = self
                .request(Method::GET, &at)?
                .header(ACCEPT, "application/json");
            let response = self.send_described(request).await?;
            let next = redirect_target(&at, response.status().as_u16(), response.headers());
            let Some(next) = next else {
                let reply = read(response, &at, self.clock.as_ref()).await?;
                self.tell(|| Exchange::new("GET", &at, reply.status, reply.body.expose()));
                return Ok(reply);
            };
            if next.origin() != url.origin() {
                let violation = SecurityViolation::Redirect;
                let text = format!("{} redirects to another host, {}", name(&at), name(&next));
                return Err(Error::security(violation, text));
            }
            at = next;
        }
        Err(Error::protocol(format!(
            "{} redirects without end",
            name(url)
        )))
    }

    /// This machine's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a form, with what the `Authorization` header says of the client and a proof for the `DPoP`
    /// header; never follows a redirect.
    pub(crate) async fn post_form(
        &self,
        url: &Url,
        form: &Form,
        authorization: Option<&Secret<String>>,
        proof: Option<&Secret<String>>,
    ) -> Result<Reply, Error> {
        let mut request = self
            .request(Method::POST, url)?
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.expose());
        }
        if let Some(proof) = proof {
            request = request.header(DPOP, proof.expose());
        }
        let form = Secret::new(form.encode());
        let request = request.body(form.expose().clone());
        let reply = self.post(url, request).await?;
        self.tell(|| {
            Exchange::new("POST", url, reply.status, reply.body.expose()).with_form(form.expose())
        });
        Ok(reply)
    }

    /// Sends JSON, with a bearer token where one is asked for; never follows a redirect.
    pub(crate) async fn post_json(
        &self,
        url: &Url,
        body: &Value,
        token: Option<&Secret<String>>,
    ) -> Result<Reply, Error> {
        let mut request = self
            .request(Method::POST, url)?
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            let header = Secret::new(format!("Bearer {}", token.expose()));
            request = request.header(AUTHORIZATION, header.expose());
        }
        let reply = self.post(url, request.body(body.to_string())).await?;
        self.tell(|| Exchange::new("POST", url, reply.status, reply.body.expose()));
        Ok(reply)
    }

    async fn post(&self, url: &Url, request: RequestBuilder) -> Result<Reply, Error> {
        let response = self.send_described(request).await?;
        // Row C-45: a redirect would carry codes and secrets elsewhere.
        if response.status().is_redirection() {
            let status = response.status().as_u16();
            let text = format!(
                "{} answered with redirect {status}: nothing was followed",
                name(url)
            );
            return Err(Error::security(SecurityViolation::Redirect, text)
                .hint_to("the address in the server's metadata must answer itself"));
        }
        read(response, url, self.clock.as_ref()).await
    }

    /// Fetches with a bearer token in the header, never in the query (RFC 6750 §2.1).
    pub(crate) async fn get_with_token(
        &self,
        url: &Url,
        authorization: &Secret<String>,
    ) -> Result<Reply, Error> {
        self.get_with_proof(url, authorization, None).await
    }

    /// The same with a token that is bound to a key (RFC 9449 §7.1).
    pub(crate) async fn get_with_proof(
        &self,
        url: &Url,
        authorization: &Secret<String>,
        proof: Option<&Secret<String>>,
    ) -> Result<Reply, Error> {
        let mut request = self
            .request(Method::GET, url)?
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, authorization.expose());
        if let Some(proof) = proof {
            request = request.header(DPOP, proof.expose());
        }
        let response = self.send_described(request).await?;
        let reply = read(response, url, self.clock.as_ref()).await?;
        self.tell(|| Exchange::new("GET", url, reply.status, reply.body.expose()));
        Ok(reply)
    }
}

impl Reply {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What came instead of an answer, in a few words.
    pub(crate) fn describe(&self) -> String {
        let kind = self
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        let kind = if kind.is_empty() {
            "no content type"
        } else {
            kind
        };
        format!("status {} with {}", self.status, clean::text(kind))
    }
}

async fn read(mut response: Response, url: &Url, clock: &dyn Clock) -> Result<Reply, Error> {
    let status = response.status().as_u16();
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let content_type = header(CONTENT_TYPE)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let dpop_nonce = nonce_of(response.headers());
    let challenges = Challenges::of(response.headers());
    let received_at = clock.now();
    let date = header(DATE).and_then(parse_http_date);
    let server_ahead = date.map_or(0, |date| skew(date, received_at));
    let retry_after = header(RETRY_AFTER).and_then(|text| parse_retry_after(text, received_at));
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let failed = |error| body_error(&format!("the answer of {} broke off", name(url)), error);
        let Some(chunk) = chunk.map_err(failed)? else {
            break;
        };
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_BODY {
            return Err(Error::protocol(format!(
                "the answer of {} is longer than 1 MB",
                name(url)
            )));
        }
    }
    let body = Secret::new(body);
    Ok(Reply {
        status,
        content_type,
        retry_after,
        server_ahead,
        received_at,
        dpop_nonce,
        challenges,
        body,
    })
}

/// What the lack of an answer means to the caller.
fn transport_error(url: &Url, error: TransportError) -> Error {
    let host = host(url);
    let kind = error.kind();
    let hint = error.hint().map(str::to_owned);
    let built = match kind {
        TransportErrorKind::Certificate => Error::security(
            SecurityViolation::Certificate,
            format!("cannot verify {host}: {error}"),
        ),
        TransportErrorKind::Settings => Error::config(error.to_string()),
        TransportErrorKind::Proxy
        | TransportErrorKind::NotConnected
        | TransportErrorKind::TimedOut
        | TransportErrorKind::Interrupted => {
            Error::unavailable(format!("cannot reach {host} ({error})"), None)
        }
    };
    let built = match hint {
        Some(hint) => built.hint_to(hint),
        None => built,
    };
    built.caused_by(error)
}

/// Turns a failure while a body is read into what the caller can do. Addresses are left out of it:
/// their query may carry secrets.
fn body_error(what: &str, error: reqwest::Error) -> Error {
    let text = if error.is_timeout() {
        format!("{what} (timeout)")
    } else {
        what.to_owned()
    };
    Error::unavailable(text, None).caused_by(error.without_url())
}

impl From<reqwest::Error> for Error {
    /// For the body of an answer that [`crate::AuthorizedHttp`] brought.
    fn from(error: reqwest::Error) -> Self {
        body_error("the answer could not be read", error)
    }
}

/// Whether the request of a failed exchange surely did not reach the server.
pub(crate) fn never_left(error: &Error) -> bool {
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<TransportError>());
    source.is_some_and(|error| error.kind().never_left())
}

/// A host for sentences, with its port where that is not the scheme's own.
fn host(url: &Url) -> String {
    let host = clean::text(url.host_str().unwrap_or_default());
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// An address without its query, for messages and logs.
fn name(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

pub(crate) fn redirect_target(at: &Url, status: u16, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    matches!(status, 301 | 302 | 303 | 307 | 308)
        .then(|| at.join(location).ok())
        .flatten()
}

fn parse_http_date(text: &str) -> Option<Timestamp> {
    let parsed = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_unix_millis(parsed.as_millisecond()))
}

/// `Date` has whole seconds and the answer took time to come: less than 2 s is no difference.
fn skew(date: Timestamp, received_at: Timestamp) -> i64 {
    let ahead = date.unix_millis() - received_at.unix_millis();
    if ahead.abs() < 2000 { 0 } else { ahead }
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => parse_http_date(text).map(|date| date.since(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(now.unix_seconds(), 784_111_777);
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_mins(2)));
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn q_40_a_clock_that_differs_by_seconds_is_noticed() {
        let now = Timestamp::from_unix_seconds(1000);
        assert_eq!(skew(Timestamp::from_unix_seconds(999), now), 0);
        assert_eq!(skew(Timestamp::from_unix_seconds(1092), now), 92_000);
    }
}
