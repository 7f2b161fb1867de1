//! What is kept of a sign-in.

use std::time::Duration;

use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::{Scopes, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fingerprint::sha256_hex;

/// Which session: one per issuer, client and profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionKey {
    /// The issuer, exactly as its metadata spells it.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// Tells several accounts of one client at one issuer apart; empty where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub profile: String,
}

/// A session. It has no `Serialize`: only a store turns its secrets into bytes.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// Where tokens are refreshed; pinned at sign-in.
    pub token_endpoint: String,
    /// The access token; `None` once [`Self::reauth_required`].
    pub access_token: Option<Secret<String>>,
    /// The refresh token, if the server gave one.
    pub refresh_token: Option<Secret<String>>,
    /// The ID token of the sign-in or of the last refresh that brought one.
    pub id_token: Option<Secret<String>>,
    /// What the ID token says; it was verified before it was kept.
    pub claims: Option<IdTokenClaims>,
    /// What was asked for; a server may have granted less.
    pub asked: Scopes,
    /// The resources that were asked for (RFC 8707 §2).
    pub resource: Vec<String>,
    /// What was granted.
    pub scope: Scopes,
    /// When the access token expires by the server's clock; `None` when nobody said.
    pub expires_at: Option<Timestamp>,
    /// How long the access token lived when it was issued.
    pub lifetime: Option<Duration>,
    /// How far the server's clock was ahead of this machine's, in milliseconds.
    pub server_ahead: i64,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// The server refused the refresh token: only a new sign-in helps. The secrets are gone.
    pub reauth_required: bool,
}

impl SessionKey {
    /// Names the only session of a client at an issuer.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            profile: String::new(),
        }
    }

    /// Names the session of one of several accounts.
    #[must_use]
    pub fn in_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = profile.into();
        self
    }

    /// A short name that is safe for a file: 32 hexadecimal digits.
    pub fn hash(&self) -> String {
        // A line break stands in no issuer and no client id, so two keys never look alike. Without
        // a profile the name is the one from before there were profiles.
        let mut text = format!("{}\n{}", self.issuer, self.client_id);
        if !self.profile.is_empty() {
            text.extend(["\n", &self.profile]);
        }
        let mut hash = sha256_hex(text.as_bytes());
        hash.truncate(32);
        hash
    }
}

impl SessionRecord {
    /// The server's time, as far as the last answer told.
    pub fn server_time(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_unix_millis(now.unix_millis().saturating_add(self.server_ahead))
    }

    /// When the access token expires by this machine's clock.
    pub fn local_expiry(&self) -> Option<Timestamp> {
        let to_local = |at: Timestamp| at.unix_millis().saturating_sub(self.server_ahead);
        self.expires_at
            .map(|at| Timestamp::from_unix_millis(to_local(at)))
    }

    /// Whether the access token can still be used: it is there and not known to have expired.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        let is_live = |at: Timestamp| self.server_time(now) < at;
        self.access_token.is_some() && self.expires_at.is_none_or(is_live)
    }

    /// Whether it is time to refresh: the end is nearer than 10 % of the lifetime, but at most 60 s
    /// (row C-26), or nearer than `min_validity`, but at most half of the lifetime.
    pub fn wants_refresh(&self, now: Timestamp, min_validity: Duration) -> bool {
        let Some(expires_at) = self.expires_at else {
            return false;
        };
        let window = self
            .lifetime
            .map_or(WINDOW, |lifetime| (lifetime / 10).min(WINDOW));
        let wished = self
            .lifetime
            .map_or(min_validity, |lifetime| min_validity.min(lifetime / 2));
        expires_at.since(self.server_time(now)) <= window.max(wished)
    }

    /// Marks the session as ended by the server and forgets its secrets (row C-25).
    pub fn end(&mut self) {
        self.reauth_required = true;
        self.access_token = None;
        self.refresh_token = None;
        self.id_token = None;
    }
}

/// The refresh window opens at most this long before the end.
const WINDOW: Duration = Duration::from_mins(1);

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn record() -> SessionRecord {
        SessionRecord {
            token_endpoint: "https://as.test/token".to_owned(),
            access_token: Some(Secret::from("access-canary")),
            refresh_token: Some(Secret::from("refresh-canary")),
            id_token: None,
            claims: None,
            asked: Scopes::parse("openid").unwrap(),
            resource: vec!["https://api.test".to_owned()],
            scope: Scopes::parse("openid").unwrap(),
            expires_at: Some(Timestamp::from_unix_seconds(1600)),
            lifetime: Some(Duration::from_mins(10)),
            server_ahead: 0,
            signed_in_at: Timestamp::from_unix_seconds(1000),
            reauth_required: false,
        }
    }

    fn refreshes_at(lifetime: Option<u64>, second: i64) -> bool {
        let mut record = record();
        record.lifetime = lifetime.map(Duration::from_secs);
        let lifetime = i64::try_from(lifetime.unwrap_or(600)).unwrap();
        record.expires_at = Some(Timestamp::from_unix_seconds(1000 + lifetime));
        record.wants_refresh(Timestamp::from_unix_seconds(1000 + second), Duration::ZERO)
    }

    #[test]
    fn c_26_the_window_opens_at_a_tenth_of_the_life_but_at_most_a_minute_before_the_end() {
        assert!(!refreshes_at(Some(600), 539) && refreshes_at(Some(600), 540));
        assert!(!refreshes_at(Some(100), 89) && refreshes_at(Some(100), 90));
        assert!(!refreshes_at(Some(3600), 3539) && refreshes_at(Some(3600), 3540));
        assert!(!refreshes_at(None, 539) && refreshes_at(None, 540));
    }

    #[test]
    fn c_26_a_token_without_an_end_is_used_until_it_is_refused() {
        let mut record = record();
        record.expires_at = None;
        let much_later = Timestamp::from_unix_seconds(1_000_000);
        assert!(record.is_usable(much_later));
        assert!(!record.wants_refresh(much_later, Duration::from_mins(1)));
    }

    #[test]
    fn a_wish_for_longer_validity_opens_the_window_at_most_at_half_of_the_life() {
        let record = record();
        let wants = |second, wish| {
            record.wants_refresh(
                Timestamp::from_unix_seconds(second),
                Duration::from_secs(wish),
            )
        };
        assert!(!wants(1399, 200) && wants(1400, 200));
        assert!(!wants(1299, 10_000) && wants(1300, 10_000));
    }

    #[test]
    fn q_40_expiry_is_judged_by_the_server_clock() {
        let mut record = record();
        record.server_ahead = 92_000;
        assert!(record.is_usable(Timestamp::from_unix_seconds(1507)));
        assert!(!record.is_usable(Timestamp::from_unix_seconds(1508)));
        assert_eq!(
            record.local_expiry(),
            Some(Timestamp::from_unix_seconds(1508))
        );
    }

    #[test]
    fn c_49_debug_shows_no_secret() {
        assert!(!format!("{:?}", record()).contains("canary"));
    }

    #[test]
    fn two_sessions_have_two_names() {
        let a = SessionKey::new("https://as.test", "cli");
        assert_eq!(a.hash().len(), 32);
        assert_ne!(a.hash(), SessionKey::new("https://as.testc", "li").hash());
        assert_ne!(a.hash(), a.clone().in_profile("work").hash());
    }

    #[test]
    fn a_session_without_a_profile_keeps_the_name_and_the_form_that_it_had() {
        let key = SessionKey::new("https://as.test", "cli");
        assert_eq!(key.hash(), "7c5f9fcc387efab3dc87421492f4c661");
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(text, r#"{"issuer":"https://as.test","client_id":"cli"}"#);
        assert_eq!(serde_json::from_str::<SessionKey>(&text).unwrap(), key);
    }
}
