//! The person who is signed in in this browser.

use std::time::Duration;

use hallpass_issuer::browser_session::{self, BrowserSession};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_issuer::user::User;
use hallpass_protocol::hex;
use hallpass_store::browser_sessions;
use http::Response;

use super::cookie::add_cookie;
use crate::Body;
use crate::error::Fault;
use crate::request::Request;
use crate::state::State;

/// A live browser session: proof that somebody is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedInUser(BrowserSession);

impl SignedInUser {
    /// Whoever is signed in at this issuer in this browser.
    pub(crate) async fn find(state: &State, request: &Request) -> Result<Option<Self>, Fault> {
        let cookie = request.cookie(&cookie_name(&request.issuer));
        let Some(hash) = cookie.and_then(|text| Kind::BrowserSession.read(text)) else {
            return Ok(None);
        };
        let issuer = request.issuer.clone();
        let session = state
            .store
            .read(move |tx| browser_sessions::find(tx, &issuer, &hash))
            .await?;
        Ok(session
            .filter(|session| session.is_live(request.now))
            .map(Self))
    }

    /// Signs a person in. The cookie is always a new one (A-78: no fixation).
    pub(crate) async fn sign_in(
        state: &State,
        request: &Request,
        user: User,
    ) -> Result<(Self, SessionCookie), Fault> {
        let (secret, token_hash) = Kind::BrowserSession.generate(state.random.as_ref());
        let session = BrowserSession {
            token_hash,
            issuer: request.issuer.clone(),
            user,
            auth_time: request.now,
            address: Some(request.peer),
            expires_at: request.now + browser_session::IDLE,
            ended_at: None,
        };
        state
            .recent_users
            .add(&session.issuer, session.user.id.as_str());
        let kept = session.clone();
        state
            .store
            .write(move |tx| browser_sessions::insert(tx, &kept))
            .await?;
        let cookie = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax",
            cookie_name(&request.issuer),
            secret.expose()
        );
        Ok((Self(session), SessionCookie(cookie)))
    }

    /// Ends the session.
    pub(crate) async fn sign_out(
        self,
        state: &State,
        request: &Request,
    ) -> Result<SessionCookie, Fault> {
        let (hash, now) = (self.0.token_hash, request.now);
        state
            .store
            .write(move |tx| browser_sessions::end(tx, &hash, now))
            .await?;
        let name = cookie_name(&request.issuer);
        Ok(SessionCookie(format!(
            "{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        )))
    }

    /// The person.
    pub(crate) fn user(&self) -> &User {
        &self.0.user
    }

    /// When they signed in.
    pub(crate) fn auth_time(&self) -> hallpass_protocol::Timestamp {
        self.0.auth_time
    }

    /// The session, as records refer to it.
    pub(crate) fn session(&self) -> SecretHash {
        self.0.token_hash
    }

    /// Whether the sign-in is older than a request allows (OIDC Core §3.1.2.1, `max_age`).
    pub(crate) fn is_older_than(&self, max_age: Option<Duration>, request: &Request) -> bool {
        max_age.is_some_and(|max_age| request.now.since(self.0.auth_time) >= max_age)
    }
}

/// A `Set-Cookie` value that must reach the browser.
#[must_use]
#[derive(Debug)]
pub(crate) struct SessionCookie(String);

impl SessionCookie {
    /// Sends it along.
    pub(crate) fn send(&self, response: &mut Response<Body>) {
        add_cookie(response, &self.0);
    }
}

/// Each issuer of dev mode has its own people, so each has its own cookie.
fn cookie_name(issuer: &str) -> String {
    let hash = SecretHash::of(issuer.as_bytes());
    let tag: Vec<u8> = hash.as_bytes().iter().take(6).copied().collect();
    format!("hallpass_session_{}", hex::encode(&tag))
}
