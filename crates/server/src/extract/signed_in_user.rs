//! The person who is signed in in this browser.

use std::time::Duration;

use hallpass_issuer::account::Account;
use hallpass_issuer::browser_session::{BrowserSession, BrowserSessionId};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::hex;
use hallpass_store::{browser_sessions, users};
use http::Response;

use super::cookie::{CookieName, add_cookie, set_cookie};
use crate::Body;
use crate::accounts::Renewed;
use crate::error::Fault;
use crate::request::Request;
use crate::state::State;

/// A live browser session: proof that somebody is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedInUser(BrowserSession);

/// Somebody who has just proved who they are.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// Who.
    pub(crate) user: User,
    /// How.
    pub(crate) sign_in: SignIn,
    /// The cookie by which this browser is known from now on.
    pub(crate) known_browser: Option<String>,
}

impl SignedInUser {
    /// Whoever is signed in at this issuer in this browser. The account must stand as it stood when
    /// they signed in (row S-263).
    pub(crate) async fn find(state: &State, request: &Request) -> Result<Option<Self>, Fault> {
        let Some(hash) = cookie_of(request) else {
            return Ok(None);
        };
        let (issuer, now) = (request.issuer.clone(), request.now);
        let policy = state.settings.factor_policy();
        let found = state.store.read(move |tx| {
            let session = browser_sessions::find(tx, &issuer, &hash)?;
            let Some(mut session) = session.filter(|session| session.is_live(now)) else {
                return Ok(None);
            };
            if session.sign_in.security_epoch.is_some() {
                let account = users::find(tx, &session.user.id)?;
                // A requirement that came later makes it no sign-in any more.
                let holds = |found: &Account| {
                    found.honours(&session.sign_in) && policy.honours(found.role, &session.sign_in)
                };
                let Some(account) = account.filter(holds) else {
                    return Ok(None);
                };
                session.user = account.user();
            }
            Ok(Some(session))
        });
        let Some(mut session) = found.await? else {
            return Ok(None);
        };
        if session.touch(state.settings.browser_sessions, now) {
            let used = session.clone();
            let save = state
                .store
                .write(move |tx| browser_sessions::save(tx, &used));
            save.await?;
        }
        Ok(Some(Self(session)))
    }

    /// Signs a person in. The cookie is always a new one, and the one before is dead (A-78: no
    /// fixation). Whoever was signed in here before goes on in their session; anybody else's ends.
    pub(crate) async fn sign_in(
        state: &State,
        request: &Request,
        person: Person,
    ) -> Result<(Self, SessionCookie), Fault> {
        let (secret, token_hash) = Kind::BrowserSession.generate(state.random.as_ref());
        let lifetimes = state.settings.browser_sessions;
        let session = BrowserSession {
            id: BrowserSessionId::generate(request.now, state.random.as_ref()),
            token_hash,
            issuer: request.issuer.clone(),
            user: person.user,
            sign_in: person.sign_in,
            auth_time: request.now,
            address: Some(request.peer),
            expires_at: request.now + lifetimes.idle.min(lifetimes.absolute),
            ended_at: None,
        };
        if !state.settings.is_production() {
            state
                .recent_users
                .add(&session.issuer, session.user.id.as_str());
        }
        let (before, now) = (cookie_of(request), request.now);
        let kept = state.store.write(move |tx| {
            let found = match &before {
                Some(before) => browser_sessions::find(tx, &session.issuer, before)?,
                None => None,
            };
            let Some(found) = found else {
                browser_sessions::insert(tx, &session)?;
                return Ok(session.clone());
            };
            let next = found.take_over(session.clone());
            if next.id != found.id || !browser_sessions::replace(tx, &found.token_hash, &next)? {
                browser_sessions::end(tx, &found.id, now)?;
                browser_sessions::insert(tx, &session)?;
                return Ok(session.clone());
            }
            Ok(next)
        });
        let session = kept.await?;
        let mut cookies = vec![session_cookie(request, secret.expose(), None)];
        cookies.extend(person.known_browser);
        Ok((Self(session), SessionCookie(cookies)))
    }

    /// Ends the session, and what was granted in it for no longer than that.
    pub(crate) async fn sign_out(
        self,
        state: &State,
        request: &Request,
    ) -> Result<SessionCookie, Fault> {
        let (session, now) = (self.0.id, request.now);
        // Row S-246. The mock that dev mode stands in for leaves tokens alone.
        let ends_tokens = state.settings.is_production();
        state
            .store
            .write(move |tx| {
                if ends_tokens {
                    browser_sessions::sign_out(tx, &session, now)
                } else {
                    browser_sessions::end(tx, &session, now)
                }
            })
            .await?;
        Ok(SessionCookie(vec![session_cookie(request, "", Some(0))]))
    }

    /// The same session under a new cookie, for when all others of the person end. Whoever ends them
    /// puts it in the place of this one; then its cookie may be sent.
    pub(crate) fn renew(&self, state: &State, request: &Request) -> (Renewed, SessionCookie) {
        let (secret, token_hash) = Kind::BrowserSession.generate(state.random.as_ref());
        let renewed = Renewed {
            before: self.0.token_hash,
            session: self.0.renew(token_hash),
        };
        let cookie = session_cookie(request, secret.expose(), None);
        (renewed, SessionCookie(vec![cookie]))
    }

    /// The same session with what was proved since, under a new cookie; the one before is dead.
    /// A session that ended meanwhile stays so, and its browser gets no cookie.
    pub(crate) async fn step_up(
        &self,
        state: &State,
        request: &Request,
        sign_in: SignIn,
    ) -> Result<(Self, SessionCookie), Fault> {
        let (secret, token_hash) = Kind::BrowserSession.generate(state.random.as_ref());
        let (before, next) = (self.0.token_hash, self.0.step_up(token_hash, sign_in));
        let kept = next.clone();
        let replaced = state
            .store
            .write(move |tx| browser_sessions::replace(tx, &before, &kept));
        let cookie = replaced
            .await?
            .then(|| session_cookie(request, secret.expose(), None));
        Ok((Self(next), SessionCookie(cookie.into_iter().collect())))
    }

    /// The cookie that ends the session in the browser, where its record is gone already.
    pub(crate) fn forget(request: &Request) -> SessionCookie {
        SessionCookie(vec![session_cookie(request, "", Some(0))])
    }

    /// The person.
    pub(crate) fn user(&self) -> &User {
        &self.0.user
    }

    /// How they proved who they are.
    pub(crate) fn proof(&self) -> &SignIn {
        &self.0.sign_in
    }

    /// When they signed in.
    pub(crate) fn auth_time(&self) -> hallpass_protocol::Timestamp {
        self.0.auth_time
    }

    /// The session, as records and pages refer to it.
    pub(crate) fn session(&self) -> BrowserSessionId {
        self.0.id
    }

    /// The session under its present cookie: forms hold until the next proof.
    pub(crate) fn cookie_hash(&self) -> SecretHash {
        self.0.token_hash
    }

    /// The session, in the form to which challenges are bound.
    pub(crate) fn session_hash(&self) -> SecretHash {
        SecretHash::of(self.0.id.as_bytes())
    }

    /// Whether the sign-in is older than a request allows (OIDC Core §3.1.2.1, `max_age`).
    pub(crate) fn is_older_than(&self, max_age: Option<Duration>, request: &Request) -> bool {
        max_age.is_some_and(|max_age| request.now.since(self.0.auth_time) >= max_age)
    }
}

/// `Set-Cookie` values that must reach the browser.
#[must_use]
#[derive(Debug)]
pub(crate) struct SessionCookie(Vec<String>);

impl SessionCookie {
    /// Sends them along.
    pub(crate) fn send(&self, response: &mut Response<Body>) {
        for cookie in &self.0 {
            add_cookie(response, cookie);
        }
    }
}

fn cookie_of(request: &Request) -> Option<SecretHash> {
    let text = if request.brand.is_some() {
        request.cookie(CookieName::Session.of(&request.issuer_url))
    } else {
        request.cookie(&dev_cookie_name(&request.issuer))
    };
    text.and_then(|text| Kind::BrowserSession.read(text))
}

fn session_cookie(request: &Request, value: &str, max_age: Option<u32>) -> String {
    if request.brand.is_some() {
        return set_cookie(CookieName::Session, &request.issuer_url, value, max_age);
    }
    let name = dev_cookie_name(&request.issuer);
    let age = max_age.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}")
}

/// Each issuer of dev mode has its own people, so each has its own cookie.
fn dev_cookie_name(issuer: &str) -> String {
    let hash = SecretHash::of(issuer.as_bytes());
    let tag: Vec<u8> = hash.as_bytes().iter().take(6).copied().collect();
    format!("hallpass_session_{}", hex::encode(&tag))
}
