//! A signed-in account, whose tokens are always fresh.

use std::time::Duration;

use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::{Scopes, Timestamp};

use crate::account::Account;
use crate::client::Client;
use crate::credentials::{LockAttempt, SessionKey, SessionRecord, StoreError};
use crate::error::{Error, ErrorKind};
use crate::refresh::{Need, Refresh, hand_out};
use crate::tokens::{AccessToken, IdToken, TokenType};

/// A signed-in account. Clones and other processes share the session through the store.
///
/// ```no_run
/// # async fn example(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
/// use std::time::Duration;
///
/// if let Some(session) = client.session().await? {
///     println!("{} may {}", session.account().subject.as_deref().unwrap_or("?"), session.scope());
///     // Refreshed first, should it end within the next five minutes.
///     let token = session.access_token_for(Duration::from_secs(300)).await?;
///     # drop(token);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) client: Client,
    pub(crate) key: SessionKey,
    account: Account,
    record: SessionRecord,
}

/// How a session stands, as far as this machine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// The access token is good.
    Valid,
    /// The access token has expired, and can be refreshed.
    Refreshable,
    /// Only a new sign-in helps.
    ReauthRequired,
}

impl Client {
    /// The session that is kept for this client, without any network; `None` when nobody is signed
    /// in.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub async fn session(&self) -> Result<Option<Session>, Error> {
        Session::load(self, self.inner.default_key()).await
    }

    /// As [`Client::session`], on this thread and without an asynchronous runtime: for a program
    /// that mostly finds a good token and should not pay for more.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub fn find_session(&self) -> Result<Option<Session>, Error> {
        let key = self.inner.default_key();
        let found = self.inner.store.backend().load(&key)?;
        Ok(found.map(|found| Session::new(self.clone(), key, found.value)))
    }
}

impl Session {
    pub(crate) fn new(client: Client, key: SessionKey, record: SessionRecord) -> Self {
        let account = Account::new(&key, record.claims.as_ref(), record.identity.as_ref());
        Self {
            client,
            key,
            account,
            record,
        }
    }

    pub(crate) async fn load(client: &Client, key: SessionKey) -> Result<Option<Self>, Error> {
        let found = client.inner.store.load(&key).await?;
        Ok(found.map(|found| Self::new(client.clone(), key, found.value)))
    }

    /// A token of this session, fresh from the store or from the server.
    pub(crate) async fn token(&self, need: Need<'_>) -> Result<AccessToken, Error> {
        Refresh::of(&self.client.inner, &self.key).token(need).await
    }

    /// What the ID token says; `None` when the sign-in brought none (no `openid` scope). It was
    /// verified when it came (OIDC Core §3.1.3.7).
    pub fn claims(&self) -> Option<&IdTokenClaims> {
        self.record.claims.as_ref()
    }

    /// The ID token itself, for an API that wants one. It may have expired.
    pub fn id_token(&self) -> Option<IdToken> {
        let (token, claims) = (self.record.id_token.clone()?, self.record.claims.clone()?);
        Some(IdToken { token, claims })
    }

    /// Who is signed in.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The scopes that were granted.
    pub fn scope(&self) -> &Scopes {
        &self.record.scope
    }

    /// The scopes that were asked for at sign-in.
    pub fn asked(&self) -> &Scopes {
        &self.record.asked
    }

    /// The resources that the sign-in asked for (RFC 8707 §2).
    pub fn resources(&self) -> &[String] {
        &self.record.resource
    }

    /// The audiences that the sign-in asked for ([`crate::SignIn::audience`]); of the client and of the
    /// sign-in, each once.
    pub fn audiences(&self) -> &[String] {
        &self.record.audience
    }

    /// When the person signed in.
    pub fn signed_in_at(&self) -> Timestamp {
        self.record.signed_in_at
    }

    /// When the access token that was loaded expires by this machine's clock; `None` when nobody
    /// said.
    pub fn access_expires_at(&self) -> Option<Timestamp> {
        self.record.local_expiry()
    }

    /// How the access token that was loaded is presented.
    pub fn token_type(&self) -> &TokenType {
        &self.record.token_type
    }

    /// The thumbprint of the session's key, if its tokens are bound to it (RFC 9449 §6.1).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`] when the key is damaged.
    pub fn dpop_jkt(&self) -> Result<Option<String>, Error> {
        let key = self.record.key().filter(|_| self.is_bound());
        key.map(|key| key.thumbprint()).transpose()
    }

    /// Whether the access token is bound to the session's key, and needs a proof with each request
    /// (RFC 9449).
    pub fn is_bound(&self) -> bool {
        self.record.token_type == TokenType::Dpop
    }

    /// Whether the session can renew itself.
    pub fn has_refresh_token(&self) -> bool {
        self.record.refresh_token.is_some()
    }

    /// How the session stood when it was loaded; no network is used.
    pub fn status(&self) -> SessionStatus {
        if self.record.reauth_required {
            SessionStatus::ReauthRequired
        } else if self.record.is_usable(self.client.inner.clock.now()) {
            SessionStatus::Valid
        } else if self.record.refresh_token.is_some() {
            SessionStatus::Refreshable
        } else {
            SessionStatus::ReauthRequired
        }
    }

    /// The access token as it was loaded, if it stays good at least this long and needs no refresh.
    /// Nothing is read and nothing is sent.
    pub fn kept_access_token(&self, min_validity: Duration) -> Option<AccessToken> {
        let now = self.client.inner.clock.now();
        let is_good = !self.record.reauth_required && self.record.is_good_for(min_validity, now);
        is_good.then(|| hand_out(&self.record).ok()).flatten()
    }

    /// An access token that is good for a while: refreshed shortly before its end (row C-26), by one
    /// process at a time.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::LoginRequired`] when only a new sign-in helps,
    /// [`crate::ErrorKind::Unavailable`] when the token has expired and the server is not there; the
    /// session is kept then. Each step has a deadline.
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        self.access_token_for(Duration::ZERO).await
    }

    /// As [`Session::access_token`], with a token that stays good at least this long, as far as half
    /// of its lifetime allows.
    pub async fn access_token_for(&self, min_validity: Duration) -> Result<AccessToken, Error> {
        self.token(Need::ValidFor(min_validity)).await
    }

    /// The ID token as it was loaded, if it stays good at least this long, as far as half of its lifetime
    /// allows, and its last minute has not begun. Nothing is read and nothing is sent.
    pub fn kept_id_token(&self, min_validity: Duration) -> Option<IdToken> {
        let token = self.id_token().filter(|_| !self.record.reauth_required)?;
        let claims = &token.claims;
        let lifetime = claims.exp.since(claims.iat);
        let wished = min_validity.min(lifetime / 2);
        let window = (lifetime / 10).min(LAST_MINUTE).max(wished);
        let now = self.record.server_time(self.client.inner.clock.now());
        (claims.exp.since(now) > window).then_some(token)
    }

    /// The ID token, after a refresh if its end is near. It may have expired all the same: a server need not
    /// give a new one with a refresh (OIDC Core §12.2). `None` when the sign-in brought none.
    ///
    /// # Errors
    ///
    /// As [`Session::access_token`]; a server that is away takes no token that is still good.
    pub async fn id_token_for(&self, min_validity: Duration) -> Result<Option<IdToken>, Error> {
        let session = self.reloaded().await?.unwrap_or_else(|| self.clone());
        let kept = session.kept_id_token(min_validity);
        if kept.is_some() || session.id_token().is_none() || !session.has_refresh_token() {
            return Ok(kept.or_else(|| session.id_token()));
        }
        if let Err(error) = session.refresh().await {
            let now = session.record.server_time(self.client.inner.clock.now());
            let is_away = matches!(error.kind(), ErrorKind::Unavailable { .. });
            let is_good = |token: &IdToken| is_away && token.claims.exp > now;
            return session.id_token().filter(is_good).map(Some).ok_or(error);
        }
        let renewed = session.reloaded().await?.unwrap_or(session);
        Ok(renewed.id_token())
    }

    /// Forgets the access token that an API refused, so that the next caller gets another one; the session
    /// stays. A token that was replaced meanwhile is left alone. `None` means whichever is kept. On this
    /// thread, without an asynchronous runtime. Returns whether something was forgotten.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub fn forget_access_token(&self, refused: Option<&str>) -> Result<bool, Error> {
        let store = self.client.inner.store.backend();
        // Whoever refreshes at this moment brings another token anyhow, and must find what it has read.
        let LockAttempt::Locked(_guard) = store.try_lock(&self.key)? else {
            return Ok(false);
        };
        let Some(found) = store.load(&self.key)? else {
            return Ok(false);
        };
        let mut record = found.value;
        let Some(token) = &record.access_token else {
            return Ok(false);
        };
        if refused.is_some_and(|refused| !token.matches(refused)) {
            return Ok(false);
        }
        record.access_token = None;
        match store.compare_and_swap(&self.key, Some(found.generation), &record) {
            Ok(_) => Ok(true),
            // Somebody signed in anew or out: that token is gone too.
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Refreshes now, whatever the token's age (RFC 6749 §6).
    pub async fn refresh(&self) -> Result<AccessToken, Error> {
        self.token(Need::New).await
    }

    /// The session as it is stored now; `None` when it was signed out meanwhile.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub async fn reloaded(&self) -> Result<Option<Self>, Error> {
        Self::load(&self.client, self.key.clone()).await
    }
}

/// An ID token is renewed at the latest this long before its end, as access tokens are (row C-26).
const LAST_MINUTE: Duration = Duration::from_mins(1);
