//! The silent refresh: one at a time among all processes, and no reply is lost.
//!
//! RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>, RFC 9700 §4.14 (rotation); rows
//! C-21 to C-26. The steps are those of the command line's contract, "silent refresh algorithm".

use std::time::Duration;

use hallpass_protocol::{ErrorCode, Secret, Timestamp};
use url::Url;

use crate::clean;
use crate::client::ClientInner;
use crate::credentials::{
    Generation, LockAttempt, SessionKey, SessionRecord, StoreError, StoreGuard, Versioned,
};
use crate::error::{Error, ErrorKind};
use crate::renewal::{self, NotRenewed};
use crate::tokens::AccessToken;

/// Longer than any refresh takes, so that who waits gets the token that somebody else fetched.
const LOCK_WAIT: Duration = Duration::from_secs(35);
/// How often somebody who waits looks again.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// A session that others change more often than this during one refresh is left to them.
const MOST_ROUNDS: u32 = 5;

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

/// Whose turn it is to refresh.
enum Turn {
    Ours(StoreGuard),
    /// It was somebody else's, and this is what came of it.
    Done(AccessToken),
}

/// Why there is no new token.
enum Stopped {
    /// The session is as good as before.
    Unharmed(Error),
    Failed(Error),
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
        // 1. Read without a lock.
        let found = self.load().await?.value;
        if self.is_enough(&found, need) {
            return hand_out(&found);
        }
        let Some(seen) = &found.refresh_token else {
            return self.without_refresh_token(&found, need);
        };
        let can_wait = matches!(need, Need::ValidFor(_)) && found.is_usable(self.now());
        match self.renew((need, seen), can_wait).await {
            // The old token is still good, and nothing was lost: the next call tries again.
            Ok(None) => hand_out(&found),
            Err(Stopped::Unharmed(error)) if can_wait => {
                if *error.kind() == ErrorKind::Store {
                    tracing::warn!(%error, "not refreshed; the token is still good");
                } else {
                    tracing::debug!(%error, "not refreshed; the token is still good");
                }
                hand_out(&found)
            }
            Ok(Some(token)) => Ok(token),
            Err(Stopped::Unharmed(error) | Stopped::Failed(error)) => {
                Err(self.offline(error, &found))
            }
        }
    }

    /// A server that is out of reach takes nothing away: the person hears what is left.
    fn offline(self, error: Error, session: &SessionRecord) -> Error {
        if !matches!(error.kind(), ErrorKind::Unavailable { .. }) {
            return error;
        }
        let since = session.local_expiry().map(|end| self.now().since(end));
        let over = match since.filter(|_| !session.is_usable(self.now())) {
            Some(since) if since < Duration::from_mins(1) => {
                ". Access token expired just now".to_owned()
            }
            Some(since) => format!(". Access token expired {} ago", clean::span(since)),
            None => String::new(),
        };
        error.adding(&format!("; your session is kept{over}"))
    }

    /// Steps 2 to 6; `None` when somebody else is at it and nobody has to wait.
    async fn renew(
        self,
        wanted: (Need<'_>, &Secret<String>),
        can_wait: bool,
    ) -> Result<Option<AccessToken>, Stopped> {
        let turn = if can_wait {
            // In the window but still good: whoever holds the lock is refreshing already.
            match self.client.store.try_lock(self.key).await {
                Ok(LockAttempt::Locked(guard)) => Turn::Ours(guard),
                Ok(LockAttempt::Busy(_)) => return Ok(None),
                Err(error) => return Err(Stopped::Unharmed(error)),
            }
        } else {
            self.wait_for_turn(wanted).await?
        };
        match turn {
            Turn::Ours(guard) => self.renew_under_lock(wanted, &guard).await.map(Some),
            Turn::Done(token) => Ok(Some(token)),
        }
    }

    /// Waits for the lock, or for what its holder brings: nobody queues for work that is done.
    async fn wait_for_turn(self, wanted: (Need<'_>, &Secret<String>)) -> Result<Turn, Error> {
        let Self { client, key } = self;
        let start = client.timer.elapsed();
        loop {
            let holder = match client.store.try_lock(key).await? {
                LockAttempt::Locked(guard) => return Ok(Turn::Ours(guard)),
                LockAttempt::Busy(holder) => holder,
            };
            let found = self.load().await?.value;
            if self.is_done(&found, wanted) {
                return hand_out(&found).map(Turn::Done);
            }
            if client.timer.elapsed().saturating_sub(start) >= LOCK_WAIT {
                return Err(StoreError::Busy { holder }.into());
            }
            client.timer.sleep(LOCK_PAUSE).await;
        }
    }

    /// Steps 3 to 6.
    async fn renew_under_lock(
        self,
        wanted: (Need<'_>, &Secret<String>),
        _guard: &StoreGuard,
    ) -> Result<AccessToken, Stopped> {
        let client = self.client;
        for _ in 0..MOST_ROUNDS {
            // 3. Read again: somebody else may have done the work.
            let found = self.load().await?;
            if self.is_done(&found.value, wanted) {
                return Ok(hand_out(&found.value)?);
            }
            let Some(refresh_token) = found.value.refresh_token.clone() else {
                return Ok(self.without_refresh_token(&found.value, wanted.0)?);
            };
            let endpoint = Url::parse(&found.value.token_endpoint).map_err(|error| {
                Error::config("the session's token endpoint is malformed").caused_by(error)
            })?;
            // The keys come first: between the answer and the disk, nothing may take time.
            let keys_are_ready = renewal::prepare_keys(client, &found.value).await;
            // 4. Written down, then sent.
            let spent = found.value.unanswered_for(self.now()).unwrap_or_default();
            let Some(begun) = self.begin(&found).await? else {
                continue;
            };
            let request = (&refresh_token, &begun.value);
            match renewal::ask(client, &endpoint, request, spent).await {
                // 5.
                Ok(granted) => {
                    let renewed = renewal::renewed(client, &begun.value, granted, keys_are_ready);
                    return Ok(self.save(begun.generation, renewed.await?).await?);
                }
                // 6.
                Err(NotRenewed::Refused(error)) if error.error == ErrorCode::InvalidGrant => {
                    // Whoever is refused looks once more: a write that came late may have brought
                    // another token.
                    let again = self.load().await?;
                    if again.value.refresh_token.as_ref() == Some(&refresh_token) {
                        self.end(again).await?;
                        return Err(self.session_ended().because_of(&error).into());
                    }
                }
                Err(NotRenewed::Refused(error)) => {
                    self.take_back(begun, found.value).await;
                    return Err(Error::from_oauth("the refresh was refused", &error).into());
                }
                Err(NotRenewed::Failed(error)) => {
                    self.take_back(begun, found.value).await;
                    return Err(Stopped::unharmed_by(error));
                }
                // What was written down stays: whoever is next asks for the answer.
                Err(NotRenewed::Lost(error)) => return Err(Stopped::unharmed_by(error)),
            }
        }
        Err(Error::from(StoreError::Conflict).into())
    }

    /// Writes down that the refresh token is about to be sent; `None` when somebody else changed the
    /// session. Where nothing can be written, nothing is sent: the answer could not be kept either.
    async fn begin(
        self,
        found: &Versioned<SessionRecord>,
    ) -> Result<Option<Versioned<SessionRecord>>, Stopped> {
        let mut value = found.value.clone();
        value.begin_refresh(self.now());
        let store = &self.client.store;
        let written = store.compare_and_swap(self.key, Some(found.generation), value.clone());
        match written.await {
            Ok(generation) => Ok(Some(Versioned { generation, value })),
            Err(error) => {
                if self.load().await?.generation == found.generation {
                    Err(Stopped::Unharmed(error))
                } else {
                    Ok(None)
                }
            }
        }
    }

    /// Nothing was consumed: what was written down is taken back, as far as that works.
    async fn take_back(self, begun: Versioned<SessionRecord>, before: SessionRecord) {
        let store = &self.client.store;
        let written = store.compare_and_swap(self.key, Some(begun.generation), before);
        if let Err(error) = written.await {
            tracing::debug!(%error, "the refresh stays written down as begun");
        }
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

    fn now(self) -> Timestamp {
        self.client.clock.now()
    }

    fn is_enough(self, record: &SessionRecord, need: Need<'_>) -> bool {
        let now = self.now();
        match need {
            Need::ValidFor(min_validity) => record.is_good_for(min_validity, now),
            Need::OtherThan(refused) => {
                let token = record.access_token.as_ref();
                record.is_usable(now) && token.is_some_and(|token| !token.matches(refused))
            }
            Need::New => false,
        }
    }

    /// Whether somebody else did the work since the refresh token was seen.
    fn is_done(self, record: &SessionRecord, (need, seen): (Need<'_>, &Secret<String>)) -> bool {
        match need {
            Need::New => {
                record.refresh_token.as_ref() != Some(seen) && record.is_usable(self.now())
            }
            Need::ValidFor(_) | Need::OtherThan(_) => self.is_enough(record, need),
        }
    }

    /// What can be done for a session that cannot renew itself.
    fn without_refresh_token(
        self,
        record: &SessionRecord,
        need: Need<'_>,
    ) -> Result<AccessToken, Error> {
        if matches!(need, Need::ValidFor(_)) && record.is_usable(self.now()) {
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

impl Stopped {
    fn unharmed_by(error: Error) -> Self {
        if matches!(error.kind(), ErrorKind::Unavailable { .. }) {
            Self::Unharmed(error)
        } else {
            Self::Failed(error)
        }
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The access token of a record.
pub(crate) fn hand_out(record: &SessionRecord) -> Result<AccessToken, Error> {
    let token = record.access_token.clone();
    let token = token.ok_or_else(|| Error::login_required("the session has no access token"))?;
    Ok(AccessToken::new(
        token,
        record.token_type.clone(),
        record.local_expiry(),
        record.scope.clone(),
    )
    .bound_by(record.binding()))
}
