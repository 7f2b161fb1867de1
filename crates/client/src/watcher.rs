//! Lets somebody watch what goes over the wire, with every secret shortened before it is shown.
//!
//! For `--trace` and for teaching: a [`Watcher`] never sees a token, a code or a client secret.

use hallpass_protocol::secret::shorten;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::clean;

/// Sees every exchange with the authorization server.
///
/// ```
/// use hallpass_client::{Client, Exchange, MemoryStore, Watcher};
///
/// #[derive(Debug)]
/// struct Log;
///
/// impl Watcher for Log {
///     fn saw(&self, exchange: &Exchange) {
///         eprintln!("{} {} -> {}", exchange.method, exchange.url, exchange.status);
///     }
/// }
///
/// let client = Client::builder("https://login.example.com", "acme-cli").watcher(Log);
/// let client = client.store(MemoryStore::new()).build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
pub trait Watcher: Send + Sync + std::fmt::Debug {
    /// Called when an answer has been read.
    fn saw(&self, exchange: &Exchange);
}

/// One request and its answer. Values that could be secrets are shortened, and every text is
/// cleaned for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The address without its query.
    pub url: String,
    /// The members of the form that was sent, in order.
    pub sent: Vec<(String, String)>,
    /// The status of the answer.
    pub status: u16,
    /// The members of the JSON object that came back; lists as `[size]`, objects as
    /// `{size}`.
    pub received: Vec<(String, String)>,
}

impl Exchange {
    pub(crate) fn new(method: &'static str, url: &Url, status: u16, body: &[u8]) -> Self {
        let received = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members
                .iter()
                .map(|(name, value)| (clean::text(name), shown(name, value)))
                .collect(),
            _ => Vec::new(),
        };
        Self {
            method,
            url: format!("{}{}", url.origin().ascii_serialization(), url.path()),
            sent: Vec::new(),
            status,
            received,
        }
    }

    pub(crate) fn with_form(mut self, encoded: &str) -> Self {
        self.sent = form_urlencoded::parse(encoded.as_bytes())
            .map(|(name, value)| (clean::text(&name), shown_text(&name, &value)))
            .collect();
        self
    }
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => shown_text(name, text),
        Value::Array(items) => format!("[{}]", items.len()),
        Value::Object(members) => format!("{{{}}}", members.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A list of what may be read, not of what may not: an unknown member could be a secret.
fn shown_text(name: &str, text: &str) -> String {
    let is_plain = PLAIN.contains(&name) || name.ends_with("_endpoint") || name == "jwks_uri";
    if is_plain {
        clean::text(text)
    } else {
        clean::text(&shorten(text))
    }
}

const PLAIN: [&str; 28] = [
    "acr",
    "aud",
    "audience",
    "azp",
    "client_id",
    "code_challenge_method",
    "email",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "grant_type",
    "interval",
    "iss",
    "issued_token_type",
    "issuer",
    "name",
    "preferred_username",
    "redirect_uri",
    "requested_token_type",
    "resource",
    "scope",
    "sub",
    "subject_token_type",
    "token_type",
    "user_code",
    "verification_uri",
    "verification_uri_complete",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_49_a_watcher_sees_no_secret() {
        let url = Url::parse("https://as.test/token?x=secret-in-the-query").unwrap();
        let body = br#"{"access_token":"canary-canary-canary-canary","token_type":"Bearer","later":"canary-2","keys":[1,2]}"#;
        let form = "code=canary-canary-canary-canary&client_id=cli&client_secret=canary";
        let seen = Exchange::new("POST", &url, 200, body).with_form(form);
        let text = format!("{seen:?}");
        assert!(
            !text.contains("canary-canary") && !text.contains("canary-2"),
            "{text}"
        );
        assert!(!text.contains("query"), "{text}");
        assert!(
            seen.sent
                .contains(&("client_id".to_owned(), "cli".to_owned()))
        );
        assert!(
            seen.received
                .contains(&("keys".to_owned(), "[2]".to_owned()))
        );
    }
}
