//! What is kept of a sign-in.

use std::time::Duration;

use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::{Scopes, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dpop::{Binding, DpopKey};
use crate::fingerprint::sha256_hex;
use crate::provider::Identity;
use crate::tokens::TokenType;

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
    /// How the access token is presented.
    pub token_type: TokenType,
    /// The session's own key, PKCS #8 in base64url, if its tokens were asked for with proofs (RFC 9449);
    /// the refresh token may be bound to it whatever [`Self::token_type`] says.
    pub dpop_key: Option<Secret<String>>,
    /// The refresh token, if the server gave one.
    pub refresh_token: Option<Secret<String>>,
    /// The ID token of the sign-in or of the last refresh that brought one.
    pub id_token: Option<Secret<String>>,
    /// What the ID token says; it was verified before it was kept.
    pub claims: Option<IdTokenClaims>,
    /// Who signed in at a provider without ID tokens.
    pub identity: Option<Identity>,
    /// What was asked for; a server may have granted less.
    pub asked: Scopes,
    /// The resources that were asked for (RFC 8707 §2).
    pub resource: Vec<String>,
    /// The audiences that were asked for ([`crate::SignIn::audience`]).
    pub audience: Vec<String>,
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
    /// A refresh that was begun and whose answer is not kept yet.
    pub intent: Option<RefreshIntent>,
    /// The client's own registration (RFC 7591 §3.2.1), as JSON: then this is no session, and the key is
    /// that of [`SessionKey::is_registration`].
    pub registration: Option<Secret<String>>,
}

/// What is written down before a refresh token is sent, so that whoever comes after a crash knows
/// that the server may have answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefreshIntent {
    /// Which refresh token was sent; the token itself cannot be told from it.
    pub rt_fingerprint: String,
    /// When it was sent first, by this machine's clock.
    pub started_at: Timestamp,
    /// Who sent it last.
    pub pid: u32,
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

    /// Names the place of the client's registration at an issuer; no client has an empty id.
    pub(crate) fn of_registration(issuer: impl Into<String>) -> Self {
        Self::new(issuer, "")
    }

    /// Whether no session lies there but the registration of a client that registered itself.
    pub fn is_registration(&self) -> bool {
        self.client_id.is_empty()
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
    /// What is kept of a registration.
    pub(crate) fn of_registration(document: Secret<String>, now: Timestamp) -> Self {
        Self {
            token_endpoint: String::new(),
            access_token: None,
            token_type: TokenType::Bearer,
            dpop_key: None,
            refresh_token: None,
            id_token: None,
            claims: None,
            identity: None,
            asked: Scopes::default(),
            resource: Vec::new(),
            audience: Vec::new(),
            scope: Scopes::default(),
            expires_at: None,
            lifetime: None,
            server_ahead: 0,
            signed_in_at: now,
            reauth_required: false,
            intent: None,
            registration: Some(document),
        }
    }

    /// The server's time, as far as the last answer told.
    pub fn server_time(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_unix_millis(now.unix_millis().saturating_add(self.server_ahead))
    }

    /// The session's key, if it has one.
    pub(crate) fn key(&self) -> Option<DpopKey> {
        self.dpop_key.clone().map(DpopKey::from_stored)
    }

    /// What a bound token needs beside itself.
    pub(crate) fn binding(&self) -> Option<Binding> {
        let ahead = self.server_ahead;
        self.key().map(|key| Binding { key, ahead })
    }

    /// When the access token expires by this machine's clock.
    pub fn local_expiry(&self) -> Option<Timestamp> {
        let to_local = |at: Timestamp| at.unix_millis().saturating_sub(self.server_ahead);
        self.expires_at
            .map(|at| Timestamp::from_unix_millis(to_local(at)))
    }

    /// Whether the access token can still be used: it is there and not known to have expired. One
    /// that was issued in the future tells that a clock was set back: its end means nothing.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        let now = self.server_time(now);
        let is_of_the_past = |end: Timestamp| {
            self.lifetime
                .is_none_or(|lifetime| end.since(now) <= lifetime + LEEWAY)
        };
        let is_live = |end: Timestamp| now < end && is_of_the_past(end);
        self.access_token.is_some() && self.expires_at.is_none_or(is_live)
    }

    /// Whether it is time to refresh: the end is nearer than 10 % of the lifetime, but at most 60 s
    /// (row C-26), or nearer than `min_validity`, but at most half of the lifetime.
    ///
    /// Also while the answer to an earlier refresh can still be had (row C-72).
    pub fn wants_refresh(&self, now: Timestamp, min_validity: Duration) -> bool {
        if self.unanswered_for(now).is_some() {
            return true;
        }
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

    /// Whether the access token can be handed out as it is.
    pub fn is_good_for(&self, min_validity: Duration, now: Timestamp) -> bool {
        self.is_usable(now) && !self.wants_refresh(now, min_validity)
    }

    /// Notes that the refresh token is about to be sent. The time of the first sending stays while
    /// its answer can still be had.
    pub fn begin_refresh(&mut self, now: Timestamp) {
        let Some(refresh_token) = &self.refresh_token else {
            return;
        };
        let spent = self.unanswered_for(now).unwrap_or_default();
        let spent = i64::try_from(spent.as_millis()).unwrap_or(0);
        self.intent = Some(RefreshIntent {
            rt_fingerprint: token_fingerprint(refresh_token),
            started_at: Timestamp::from_unix_millis(now.unix_millis().saturating_sub(spent)),
            pid: std::process::id(),
        });
    }

    /// How long ago the refresh token was sent whose answer is missing; `None` when nothing is
    /// missing, or when it is too late to ask again.
    pub(crate) fn unanswered_for(&self, now: Timestamp) -> Option<Duration> {
        let (intent, refresh_token) = (self.intent.as_ref()?, self.refresh_token.as_ref()?);
        // A start in the future tells that the clock was set back.
        let is_recent = intent.started_at <= now && now.since(intent.started_at) <= REPLAY_WINDOW;
        (is_recent && intent.rt_fingerprint == token_fingerprint(refresh_token))
            .then(|| now.since(intent.started_at))
    }

    /// Marks the session as ended by the server and forgets its secrets (row C-25).
    pub fn end(&mut self) {
        self.reauth_required = true;
        self.access_token = None;
        self.dpop_key = None;
        self.refresh_token = None;
        self.id_token = None;
        self.intent = None;
    }
}

/// Long enough to tell two tokens of one session apart, too short to find a token with.
fn token_fingerprint(token: &Secret<String>) -> String {
    let mut hash = sha256_hex(token.expose().as_bytes());
    hash.truncate(16);
    hash
}

/// The last replay of a refresh token starts within this time of the first sending: the server's
/// grace is 30 s, and a replay at its edge would look like theft (row C-72).
pub(crate) const REPLAY_WINDOW: Duration = Duration::from_secs(20);

/// Two clocks may differ this much; no difference beyond it is forgiven.
const LEEWAY: Duration = Duration::from_mins(1);

/// The refresh window opens at most this long before the end.
const WINDOW: Duration = Duration::from_mins(1);

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn record() -> SessionRecord {
        SessionRecord {
            token_endpoint: "https://as.test/token".to_owned(),
            access_token: Some(Secret::from("access-canary")),
            token_type: TokenType::Bearer,
            dpop_key: None,
            refresh_token: Some(Secret::from("refresh-canary")),
            id_token: None,
            claims: None,
            identity: None,
            asked: Scopes::parse("openid").unwrap(),
            resource: vec!["https://api.test".to_owned()],
            audience: vec!["urn:api".to_owned()],
            scope: Scopes::parse("openid").unwrap(),
            expires_at: Some(Timestamp::from_unix_seconds(1600)),
            lifetime: Some(Duration::from_mins(10)),
            server_ahead: 0,
            signed_in_at: Timestamp::from_unix_seconds(1000),
            reauth_required: false,
            intent: None,
            registration: None,
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
    fn a_clock_that_is_set_back_does_not_make_a_token_live_longer() {
        let record = record();
        assert!(record.is_usable(Timestamp::from_unix_seconds(940)));
        assert!(!record.is_usable(Timestamp::from_unix_seconds(939)));
    }

    #[test]
    fn c_72_an_answer_is_awaited_for_20_seconds_after_the_first_sending() {
        let at = Timestamp::from_unix_seconds;
        let mut record = record();
        record.begin_refresh(at(1000));
        let intent = record.intent.clone().unwrap();
        assert_eq!(intent.pid, std::process::id());
        assert!(!format!("{intent:?}").contains("canary"));
        // Somebody takes over: the window is that of the first sending.
        record.begin_refresh(at(1015));
        assert_eq!(record.intent.as_ref().unwrap().started_at, at(1000));
        assert_eq!(record.unanswered_for(at(1020)), Some(REPLAY_WINDOW));
        assert!(record.wants_refresh(at(1020), Duration::ZERO));
        for too_late in [at(1021), at(999)] {
            assert_eq!(record.unanswered_for(too_late), None);
            assert!(!record.wants_refresh(too_late, Duration::ZERO));
        }
        // After that, another try has a window of its own.
        record.begin_refresh(at(1500));
        assert_eq!(record.intent.as_ref().unwrap().started_at, at(1500));
        // The answer to another token is no longer missed.
        record.refresh_token = Some(Secret::from("another"));
        assert_eq!(record.unanswered_for(at(1500)), None);
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
