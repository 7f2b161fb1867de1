//! The bytes of a credentials file: the only place where secrets of a session are serialized.
//!
//! A file holds one or more sessions, each with its generation and a checksum, so that a half
//! written or hand-edited file is told from a good one.

use std::collections::BTreeMap;
use std::time::Duration;

use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::{Scopes, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fingerprint::sha256_hex;
use crate::provider::Identity;
use crate::tokens::TokenType;

use super::record::{RefreshIntent, SessionKey, SessionRecord};
use super::token_store::{Generation, Versioned};

/// The format of plain sessions.
pub(super) const PLAIN: u64 = 1;
/// The format of `sealed_format`.
pub(super) const SEALED: u64 = 2;

/// The sessions of one file.
#[derive(Debug, Default)]
pub(super) struct Document(pub(super) BTreeMap<SessionKey, Versioned<SessionRecord>>);

/// Why bytes are no document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadDocument {
    Damaged,
    Newer(u64),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u64,
    sessions: Vec<WireSession>,
    /// SHA-256 of `sessions` as compact JSON, in hexadecimal.
    checksum: String,
}

#[derive(Deserialize)]
struct WireVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct WireSession {
    #[serde(flatten)]
    key: SessionKey,
    generation: u64,
    token_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// As the server wrote it; left out for `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims: Option<IdTokenClaims>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    asked: Scopes,
    resource: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    audience: Vec<String>,
    scope: Scopes,
    /// Unix milliseconds of the server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifetime: Option<u64>,
    server_ahead: i64,
    signed_in_at: Timestamp,
    reauth_required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<RefreshIntent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registration: Option<String>,
}

/// The format that a file says it has.
pub(super) fn version(bytes: &[u8]) -> Result<u64, BadDocument> {
    match serde_json::from_slice(bytes) {
        Ok(WireVersion { version }) if version > SEALED => Err(BadDocument::Newer(version)),
        Ok(WireVersion { version }) => Ok(version),
        Err(_) => Err(BadDocument::Damaged),
    }
}

impl Document {
    /// Reads plain sessions.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadDocument> {
        let damaged = |_| BadDocument::Damaged;
        if version(bytes)? != PLAIN {
            return Err(BadDocument::Damaged);
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(damaged)?;
        if wire.checksum != checksum(&wire.sessions).map_err(damaged)? {
            return Err(BadDocument::Damaged);
        }
        Ok(Self(
            wire.sessions
                .into_iter()
                .map(WireSession::into_parts)
                .collect(),
        ))
    }

    pub(super) fn encode(&self) -> serde_json::Result<Secret<Vec<u8>>> {
        let sessions = self
            .0
            .iter()
            .map(|(key, found)| WireSession::new(key, found))
            .collect();
        let checksum = checksum(&sessions)?;
        let mut bytes = serde_json::to_vec_pretty(&Wire {
            version: PLAIN,
            sessions,
            checksum,
        })?;
        bytes.push(b'\n');
        Ok(Secret::new(bytes))
    }
}

fn checksum(sessions: &Vec<WireSession>) -> serde_json::Result<String> {
    let bytes = Secret::new(serde_json::to_vec(sessions)?);
    Ok(sha256_hex(bytes.expose()))
}

impl WireSession {
    fn new(key: &SessionKey, found: &Versioned<SessionRecord>) -> Self {
        let record = &found.value;
        let plain = |secret: &Option<Secret<String>>| secret.as_ref().map(|s| s.expose().clone());
        Self {
            key: key.clone(),
            generation: found.generation.0,
            token_endpoint: record.token_endpoint.clone(),
            access_token: plain(&record.access_token),
            token_type: (record.token_type != TokenType::Bearer)
                .then(|| record.token_type.as_str().to_owned()),
            dpop_key: plain(&record.dpop_key),
            refresh_token: plain(&record.refresh_token),
            id_token: plain(&record.id_token),
            claims: record.claims.clone(),
            identity: record.identity.clone(),
            asked: record.asked.clone(),
            resource: record.resource.clone(),
            audience: record.audience.clone(),
            scope: record.scope.clone(),
            expires_at: record.expires_at,
            lifetime: record
                .lifetime
                .map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            server_ahead: record.server_ahead,
            signed_in_at: record.signed_in_at,
            reauth_required: record.reauth_required,
            intent: record.intent.clone(),
            registration: plain(&record.registration),
        }
    }

    fn into_parts(self) -> (SessionKey, Versioned<SessionRecord>) {
        let record = SessionRecord {
            token_endpoint: self.token_endpoint,
            access_token: self.access_token.map(Secret::new),
            // A type that is not understood makes the token none (RFC 6749 §7.1).
            token_type: self.token_type.map_or(TokenType::Bearer, |text| {
                TokenType::parse(&text).unwrap_or(TokenType::NotApplicable)
            }),
            dpop_key: self.dpop_key.map(Secret::new),
            refresh_token: self.refresh_token.map(Secret::new),
            id_token: self.id_token.map(Secret::new),
            claims: self.claims,
            identity: self.identity,
            asked: self.asked,
            resource: self.resource,
            audience: self.audience,
            scope: self.scope,
            expires_at: self.expires_at,
            lifetime: self.lifetime.map(Duration::from_millis),
            server_ahead: self.server_ahead,
            signed_in_at: self.signed_in_at,
            reauth_required: self.reauth_required,
            intent: self.intent,
            registration: self.registration.map(Secret::new),
        };
        (
            self.key,
            Versioned {
                generation: Generation(self.generation),
                value: record,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::record::tests::record;

    fn document() -> Document {
        let found = Versioned {
            generation: Generation(7),
            value: record(),
        };
        Document(
            [(SessionKey::new("https://as.test", "cli"), found)]
                .into_iter()
                .collect(),
        )
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = document().encode().unwrap();
        let read = Document::decode(bytes.expose()).unwrap();
        let found = read.0.values().next().unwrap();
        assert_eq!(found.generation, Generation(7));
        assert_eq!(format!("{:?}", found.value), format!("{:?}", record()));
        assert_eq!(found.value.refresh_token, record().refresh_token);
    }

    #[test]
    fn c_38_the_key_of_a_bound_session_is_kept_and_an_older_session_has_none() {
        let mut document = document();
        for found in document.0.values_mut() {
            found.value.token_type = TokenType::Dpop;
            found.value.dpop_key = Some(Secret::from("key-canary"));
        }
        let bytes = document.encode().unwrap();
        let read = Document::decode(bytes.expose()).unwrap();
        let found = &read.0.values().next().unwrap().value;
        assert_eq!(found.token_type, TokenType::Dpop);
        assert_eq!(found.dpop_key, Some(Secret::from("key-canary")));
        assert!(!format!("{found:?}").contains("canary"));
        let mut ended = found.clone();
        ended.end();
        assert_eq!(ended.dpop_key, None);

        // A Bearer session looks as it did before there were keys.
        let plain = self::document().encode().unwrap();
        let text = String::from_utf8(plain.expose().clone()).unwrap();
        assert!(
            !text.contains("token_type") && !text.contains("dpop"),
            "{text}"
        );
    }

    #[test]
    fn a_session_without_audiences_looks_as_it_did_before_there_were_any() {
        let mut document = document();
        for found in document.0.values_mut() {
            found.value.audience.clear();
        }
        let plain = document.encode().unwrap();
        let text = String::from_utf8(plain.expose().clone()).unwrap();
        assert!(!text.contains("audience"), "{text}");
        let read = Document::decode(plain.expose()).unwrap();
        assert!(read.0.values().all(|found| found.value.audience.is_empty()));
    }

    #[test]
    fn a_changed_byte_a_cut_and_a_newer_format_are_told_apart() {
        let bytes = document().encode().unwrap();
        let text = String::from_utf8(bytes.expose().clone()).unwrap();
        let read = |text: &str| Document::decode(text.as_bytes()).err();
        assert_eq!(
            read(&text.replace("access-canary", "other-canary")),
            Some(BadDocument::Damaged)
        );
        assert_eq!(
            read(text.get(..text.len() / 2).unwrap()),
            Some(BadDocument::Damaged)
        );
        assert_eq!(read(""), Some(BadDocument::Damaged));
        let newer = text.replace("\"version\": 1", "\"version\": 9");
        assert_eq!(read(&newer), Some(BadDocument::Newer(9)));
    }
}
