//! Pushed authorization requests: sent by the client itself, used by the browser once.
//!
//! RFC 9126: <https://www.rfc-editor.org/rfc/rfc9126>

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::{ClientId, Secret, Timestamp};

use crate::tokens::one_time::{Kind, SecretHash};

/// What every `request_uri` of ours begins with (§2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// So many rows are the end: 503.
pub const MOST_ROWS: u64 = 100_000;

/// A request that waits for its browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequest {
    /// The hash of the secret in its `request_uri`.
    pub hash: SecretHash,
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// The client that pushed it.
    pub client_id: ClientId,
    /// What was asked for.
    pub parameters: AuthorizationRequest,
    /// The network it was pushed from, where that is known (row S-275).
    pub pushed_from: Option<IpAddr>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When no browser can open it any more.
    pub expires_at: Timestamp,
}

/// How pushed requests are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushedRequestRules {
    /// How long one lives.
    pub lifetime: Duration,
    /// Whether every client must push (§5).
    pub required: bool,
}

impl Default for PushedRequestRules {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(90),
            required: false,
        }
    }
}

impl PushedRequest {
    /// Whether a client may use it now (§4: it is bound to the one that pushed it).
    pub fn is_for(&self, client: Option<&ClientId>, now: Timestamp) -> bool {
        client == Some(&self.client_id) && now < self.expires_at
    }
}

/// The `request_uri` of a secret.
pub fn request_uri(secret: &Secret<String>) -> String {
    format!("{PREFIX}{}", secret.expose())
}

/// What a `request_uri` of the authorization endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// One of ours, by its hash.
    Pushed(SecretHash),
    /// One that has our form and that we never made.
    Unknown,
    /// The URL of a request object (RFC 9101), which nobody fetches here.
    Foreign,
}

/// Reads a `request_uri`.
pub fn read(uri: &str) -> Reference {
    match uri.strip_prefix(PREFIX) {
        None => Reference::Foreign,
        Some(secret) => match Kind::PushedRequest.read(secret) {
            Some(hash) => Reference::Pushed(hash),
            None => Reference::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    #[test]
    fn s_201_a_request_uri_is_a_secret_of_256_bits() {
        let (secret, hash) = Kind::PushedRequest.generate(&SystemRandom);
        let uri = request_uri(&secret);
        assert_eq!(read(&uri), Reference::Pushed(hash));
        assert_eq!(read(&format!("{uri}A")), Reference::Unknown);
        assert_eq!(read(PREFIX), Reference::Unknown);
        assert_eq!(read("https://169.254.169.254/x"), Reference::Foreign);
    }

    #[test]
    fn s_205_a_pushed_request_is_its_client_s_and_ends() {
        let end = Timestamp::from_unix_seconds(90);
        let pushed = PushedRequest {
            hash: SecretHash::of(b"x"),
            issuer: String::new(),
            client_id: ClientId::new("cli"),
            parameters: AuthorizationRequest::default(),
            pushed_from: None,
            pushed_at: Timestamp::from_unix_seconds(0),
            expires_at: end,
        };
        let (own, other) = (ClientId::new("cli"), ClientId::new("other"));
        let before = Timestamp::from_unix_seconds(89);
        assert!(pushed.is_for(Some(&own), before));
        assert!(!pushed.is_for(Some(&own), end));
        assert!(!pushed.is_for(Some(&other), before));
        assert!(!pushed.is_for(None, before));
    }
}
