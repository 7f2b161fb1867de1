//! The silent refresh: one at a time among all processes, and no reply is lost.
//!
//! RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>, RFC 9700 §4.14 (rotation); rows
//! C-21 to C-26. The steps are those of the command line's contract, "silent refresh algorithm".

use std::time::Duration;

use hallpass_protocol::{ErrorCode, Secret};
use url::Url;

use crate::authorization_server::NotGranted;
use crate::client::ClientInner;
use crate::credentials::{
    Generation, LockAttempt, SessionKey, SessionRecord, StoreGuard, Versioned,
};
use crate::error::{Error, ErrorKind};
use crate::renewal;
use crate::tokens::{AccessToken, TokenType};

/// Longer than any refresh takes, so that who waits gets the token that somebody else fetched.
const LOCK_WAIT: Duration = Duration::from_secs(35);

/// What the caller needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need<'a> {
    /// A token that stays good this long.
    ValidFor(Duration),
    /// Another token than this one, which an API refused.
    OtherThan(&'a str),
    /// A new token.
    New,
}

/// The refresh of one stored session.
#[derive(Clone, Copy)]
pub(crate) struct Refresh<'a> {
    client: &'a ClientInner,
    key: &'a SessionKey,
}

impl<'a> Refresh<'a> {
    pub(crate) fn of(client: &'a ClientInner, key: &'a SessionKey) -> Self {
        Self { client, key }
    }

    /// Hands out an access token, fresh from the store or from the server.
    pub(crate) async fn token(self, need: Need<'_>) -> Result<AccessToken, Error> {
        let Self { client, key } = self;
        // 1. Read without a lock.
        let found = self.load().await?;
        if self.is_enough(&found.value, need) {
            return hand_out(&found.value);
        }
        let Some(refresh_token) = &found.value.refresh_token else {
            return self.without_refresh_token(&found.value, need);
        };
        let seen = refresh_token.clone();
        // 2. In the window but still good: whoever holds the lock is refreshing already.
        let can_wait =
            matches!(need, Need::ValidFor(_)) && found.value.is_usable(client.clock.now());
        let guard = if can_wait {
            match client.store.try_lock(key).await? {
                LockAttempt::Locked(guard) => guard,
                LockAttempt::Busy(_) => return hand_out(&found.value),
            }
        } else {
            let timer = client.timer.as_ref();
            client.store.lock(key, LOCK_WAIT, timer).await?
        };
        let done = self.token_under_lock(need, &seen, &guard).await;
        drop(guard);
        match done {
            // The old token is still good: the next call tries again.
            Err(error) if can_wait && matches!(error.kind(), ErrorKind::Unavailable { .. }) => {
                tracing::debug!(%error, "not refreshed; the token is still good");
                hand_out(&found.value)
            }
            done => done,
        }
    }

    /// Steps 3 to 6.
    async fn token_under_lock(
        self,
        need: Need<'_>,
        seen: &Secret<String>,
        _guard: &StoreGuard,
    ) -> Result<AccessToken, Error> {
        let client = self.client;
        // 3. Read again: somebody else may have done the work.
        let mut found = self.load().await?;
        // Somebody whose refresh token is refused looks once more: a write that came late may have
        // brought another.
        for _ in 0..2 {
            let is_changed = found.value.refresh_token.as_ref() != Some(seen);
            let is_done = match need {
                Need::New => is_changed && found.value.is_usable(client.clock.now()),
                Need::ValidFor(_) | Need::OtherThan(_) => self.is_enough(&found.value, need),
            };
            if is_done {
                return hand_out(&found.value);
            }
            let Some(refresh_token) = found.value.refresh_token.clone() else {
                return self.without_refresh_token(&found.value, need);
            };
            let endpoint = Url::parse(&found.value.token_endpoint).map_err(|error| {
                Error::config("the session's token endpoint is malformed").caused_by(error)
            })?;
            // The keys come first: between the answer and the disk, nothing may take time.
            let keys_are_ready = renewal::prepare_keys(client, &found.value).await;
            // 4.
            let sent = (&refresh_token, found.value.resource.as_slice());
            match renewal::ask(client, &endpoint, sent).await {
                // 5.
                Ok(granted) => {
                    let renewed =
                        renewal::renewed(client, &found.value, granted, keys_are_ready).await?;
                    return self.save(found.generation, renewed).await;
                }
                // 6.
                Err(NotGranted::Refused(error)) if error.error == ErrorCode::InvalidGrant => {
                    let again = self.load().await?;
                    if again.value.refresh_token.as_ref() != Some(&refresh_token) {
                        found = again;
                        continue;
                    }
                    self.end(again).await?;
                    return Err(self.session_ended().because_of(&error));
                }
                Err(other) => return Err(other.into_error("the refresh was refused")),
            }
        }
        Err(self.session_ended())
    }

    /// Row C-22: on the disk first, then into the hand of the caller.
    async fn save(
        self,
        generation: Generation,
        renewed: SessionRecord,
    ) -> Result<AccessToken, Error> {
        let token = hand_out(&renewed)?;
        let store = &self.client.store;
        let written = store
            .compare_and_swap(self.key, Some(generation), renewed)
            .await;
        let Err(error) = written else {
            return Ok(token);
        };
        // Somebody signed in anew or out meanwhile: theirs is the session now.
        let found = self.load().await?;
        if found.generation == generation {
            Err(error)
        } else {
            hand_out(&found.value)
        }
    }

    /// Row C-25: the record stays, its secrets go.
    async fn end(self, found: Versioned<SessionRecord>) -> Result<(), Error> {
        let mut ended = found.value;
        ended.end();
        let store = &self.client.store;
        store
            .compare_and_swap(self.key, Some(found.generation), ended)
            .await?;
        Ok(())
    }

    async fn load(self) -> Result<Versioned<SessionRecord>, Error> {
        let found = self.client.store.load(self.key).await?;
        let found = found.ok_or_else(|| {
            let host = self.client.server.host();
            Error::login_required(format!("nobody is signed in to {host}"))
        })?;
        if found.value.reauth_required {
            Err(self.session_ended())
        } else {
            Ok(found)
        }
    }

    fn is_enough(self, record: &SessionRecord, need: Need<'_>) -> bool {
        let now = self.client.clock.now();
        if !record.is_usable(now) {
            return false;
        }
        match need {
            Need::ValidFor(min_validity) => !record.wants_refresh(now, min_validity),
            Need::OtherThan(refused) => record
                .access_token
                .as_ref()
                .is_some_and(|token| !token.matches(refused)),
            Need::New => false,
        }
    }

    /// What can be done for a session that cannot renew itself.
    fn without_refresh_token(
        self,
        record: &SessionRecord,
        need: Need<'_>,
    ) -> Result<AccessToken, Error> {
        if matches!(need, Need::ValidFor(_)) && record.is_usable(self.client.clock.now()) {
            return hand_out(record);
        }
        let text = format!(
            "the session with {} has expired, and it has no refresh token",
            self.client.server.host()
        );
        let hint = if self.client.scopes.contains("offline_access") {
            "sign in again"
        } else {
            "sign in again; ask for the scope `offline_access` to stay signed in"
        };
        Err(Error::login_required(text).hint_to(hint))
    }

    fn session_ended(self) -> Error {
        let host = self.client.server.host();
        Error::login_required(format!("{host} ended the session"))
    }
}

fn hand_out(record: &SessionRecord) -> Result<AccessToken, Error> {
    let token = record.access_token.clone();
    let token = token.ok_or_else(|| Error::login_required("the session has no access token"))?;
    Ok(AccessToken::new(
        token,
        TokenType::Bearer,
        record.local_expiry(),
        record.scope.clone(),
    ))
}
