//! The only connections that this crate opens, and the rules they all follow.
//!
//! RFC 6749 §1.6 (TLS), §5.1 and §5.2 (bodies); rows C-44 to C-47: https or loopback, no redirect
//! for what carries secrets, every call with a deadline, every body with a limit.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_protocol::client_auth::encode_basic;
use hallpass_protocol::form::Form;
use hallpass_protocol::{ClientId, Clock, Secret, Timestamp};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use url::Url;

use crate::error::{Error, SecurityViolation};
use crate::watcher::{Exchange, Watcher};

/// How long one exchange may take, connection and body included.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// A connection that lay idle longer is not used again. Many servers close theirs after 5 s, just when
/// the next poll of a device code (RFC 8628 §3.5) would be sent into it.
const LONGEST_IDLE: Duration = Duration::from_secs(2);
/// Longer bodies are refused (row C-54).
const LONGEST_BODY: usize = 1024 * 1024;
/// So many redirects of a document are followed, on the same origin (row C-45).
const MOST_REDIRECTS: usize = 3;

/// How a client says who it is at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientAuth {
    /// A public client: it only names itself.
    #[default]
    None,
    /// The secret in an `Authorization: Basic` header (RFC 6749 §2.3.1).
    SecretBasic(Secret<String>),
    /// The secret in the body, for servers that take it only there.
    SecretPost(Secret<String>),
}

/// The HTTP client, made at the first call: reading the system's certificates takes time.
#[derive(Debug)]
pub(crate) struct Http {
    client: OnceLock<reqwest::Client>,
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
    pub(crate) body: Secret<Vec<u8>>,
}

impl Http {
    pub(crate) fn new(
        app_name: &str,
        watcher: Option<Arc<dyn Watcher>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let user_agent = format!("{app_name} hallpass-client/{}", env!("CARGO_PKG_VERSION"));
        Self {
            client: OnceLock::new(),
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

    /// The client itself, for [`crate::AuthorizedHttp`]. It follows no redirect.
    pub(crate) fn client(&self) -> Result<&reqwest::Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(DEADLINE)
            .pool_idle_timeout(LONGEST_IDLE)
            .user_agent(&self.user_agent)
            .build()
            .map_err(|error| Error::config("the HTTP client cannot start").caused_by(error))?;
        Ok(self.client.get_or_init(|| built))
    }

    /// Fetches a public document; a few redirects on the same origin are followed.
    pub(crate) async fn get_document(&self, url: &Url) -> Result<Reply, Error> {
        let mut at = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let request = self
                .client()?
                .get(at.clone())
                .header(ACCEPT, "application/json");
            let response = send(request.timeout(DEADLINE), &at).await?;
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

    /// Sends a form with the client's authentication; never follows a redirect.
    pub(crate) async fn post_form(
        &self,
        url: &Url,
        mut form: Form,
        client: (&ClientId, &ClientAuth),
    ) -> Result<Reply, Error> {
        let (id, auth) = client;
        let mut request = self
            .client()?
            .post(url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match auth {
            ClientAuth::None if !form.has("client_id") => form.push("client_id", id.as_str()),
            ClientAuth::None => {}
            ClientAuth::SecretBasic(secret) => {
                request = request.header(AUTHORIZATION, encode_basic(id, secret).expose());
            }
            ClientAuth::SecretPost(secret) => {
                if !form.has("client_id") {
                    form.push("client_id", id.as_str());
                }
                form.push("client_secret", secret.expose());
            }
        }
        let form = Secret::new(form.encode());
        let request = request.body(form.expose().clone()).timeout(DEADLINE);
        let response = send(request, url).await?;
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
        let reply = read(response, url, self.clock.as_ref()).await?;
        self.tell(|| {
            Exchange::new("POST", url, reply.status, reply.body.expose()).with_form(form.expose())
        });
        Ok(reply)
    }

    /// Fetches with a bearer token in the header, never in the query (RFC 6750 §2.1).
    pub(crate) async fn get_with_token(
        &self,
        url: &Url,
        authorization: &Secret<String>,
    ) -> Result<Reply, Error> {
        let request = self
            .client()?
            .get(url.clone())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, authorization.expose())
            .timeout(DEADLINE);
        let reply = read(send(request, url).await?, url, self.clock.as_ref()).await?;
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
        format!("status {} with {}", self.status, crate::clean::text(kind))
    }
}

async fn send(request: reqwest::RequestBuilder, url: &Url) -> Result<reqwest::Response, Error> {
    let response = request.send().await;
    let status = response
        .as_ref()
        .map(|answer| answer.status().as_u16())
        .ok();
    tracing::debug!(url = name(url), status, "asked");
    response.map_err(|error| network_error(&format!("cannot reach {}", name(url)), error))
}

async fn read(
    mut response: reqwest::Response,
    url: &Url,
    clock: &dyn Clock,
) -> Result<Reply, Error> {
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
    let received_at = clock.now();
    let date = header(DATE).and_then(parse_http_date);
    let server_ahead = date.map_or(0, |date| skew(date, received_at));
    let retry_after = header(RETRY_AFTER).and_then(|text| parse_retry_after(text, received_at));
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let failed =
            |error| network_error(&format!("the answer of {} broke off", name(url)), error);
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
        body,
    })
}

/// Turns a failure of the network into what the caller can do. Addresses are left out of it: their
/// query may carry secrets.
pub(crate) fn network_error(what: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        // rustls hides its error types behind two libraries; its words are stable.
        if deeper.to_string().contains("certificate") {
            let text = format!("{what}: its certificate is not trusted");
            return Error::security(SecurityViolation::Certificate, text)
                .hint_to("add the issuing CA to the system's store, or name it in SSL_CERT_FILE")
                .caused_by(error);
        }
        cause = deeper.source();
    }
    let text = if error.is_timeout() {
        format!("{what} (no answer in {} s)", DEADLINE.as_secs())
    } else {
        what.to_owned()
    };
    Error::unavailable(text, None).caused_by(error)
}

impl From<reqwest::Error> for Error {
    /// For the body of an answer that [`crate::AuthorizedHttp`] brought.
    fn from(error: reqwest::Error) -> Self {
        network_error("the answer could not be read", error)
    }
}

/// Whether the request of a failed exchange surely did not reach the server.
pub(crate) fn never_left(error: &Error) -> bool {
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<reqwest::Error>());
    source.is_some_and(reqwest::Error::is_connect)
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
