//! The silent refresh: one at a time among all processes, and no reply is lost.
//!
//! RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>, RFC 9700 §4.14 (rotation), OIDC
//! Core §12.2; rows C-21 to C-26, Q-42. The steps are those of the command line's contract,
//! "silent refresh algorithm".

use std::time::Duration;

use hallpass_protocol::id_token::{Expect, IdTokenClaims, VerifiedIdToken};
use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{ErrorCode, Secret};
use url::Url;

use crate::client::Inner;
use crate::credentials::{Generation, LockAttempt, SessionRecord, StoreGuard, Versioned};
use crate::error::{Error, ErrorKind};
use crate::http::never_left;
use crate::issuer_keys::Asked;
use crate::sign_in::scope_text;
use crate::token_endpoint::{self, Granted, NotGranted};
use crate::tokens::{AccessToken, TokenType, lifetime};

/// Longer than any refresh takes, so that who waits gets the token that somebody else fetched.
const LOCK_WAIT: Duration = Duration::from_secs(35);
/// A token is replayed so often at most (row C-23).
const MOST_REPLAYS: u32 = 3;
/// The last replay starts within this time of the first: the server's grace is 30 s, and a replay at
/// its edge would look like theft (row C-72).
const REPLAY_WINDOW: Duration = Duration::from_secs(20);

/// A server that cannot be connected to for this long is not tried again, and its keys are not waited
/// for.
const AWAY: Duration = Duration::from_secs(3);

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

/// Hands out an access token, fresh from the store or from the server.
pub(crate) async fn token(client: &Inner, need: Need<'_>) -> Result<AccessToken, Error> {
    // 1. Read without a lock.
    let found = load(client).await?;
    if is_enough(client, &found.value, need) {
        return hand_out(&found.value);
    }
    let Some(refresh_token) = &found.value.refresh_token else {
        return without_refresh_token(client, &found.value, need);
    };
    let seen = refresh_token.clone();
    // 2. In the window but still good: whoever holds the lock is refreshing already.
    let can_wait = matches!(need, Need::ValidFor(_)) && found.value.is_usable(client.clock.now());
    let guard = if can_wait {
        match client.store.try_lock(&client.key()).await? {
            LockAttempt::Locked(guard) => guard,
            LockAttempt::Busy(_) => return hand_out(&found.value),
        }
    } else {
        client
            .store
            .lock(&client.key(), LOCK_WAIT, client.timer.as_ref())
            .await?
    };
    let done = refresh_locked(client, need, &seen, &guard).await;
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

/// Steps 3 to 6, under the lock.
async fn refresh_locked(
    client: &Inner,
    need: Need<'_>,
    seen: &Secret<String>,
    _guard: &StoreGuard,
) -> Result<AccessToken, Error> {
    // 3. Read again: somebody else may have done the work.
    let mut found = load(client).await?;
    // Somebody whose refresh token is refused looks once more: a write that came late may have
    // brought another.
    for _ in 0..2 {
        let is_changed = found.value.refresh_token.as_ref() != Some(seen);
        let is_done = match need {
            Need::New => is_changed && found.value.is_usable(client.clock.now()),
            Need::ValidFor(_) | Need::OtherThan(_) => is_enough(client, &found.value, need),
        };
        if is_done {
            return hand_out(&found.value);
        }
        let Some(refresh_token) = found.value.refresh_token.clone() else {
            return without_refresh_token(client, &found.value, need);
        };
        let endpoint = Url::parse(&found.value.token_endpoint).map_err(|error| {
            Error::config("the session's token endpoint is malformed").caused_by(error)
        })?;
        // The keys come first: between the answer and the disk, nothing may take time.
        let keys_are_ready = prepare_keys(client, &found.value).await;
        // 4.
        match post(client, &endpoint, (&refresh_token, &found.value.resource)).await {
            // 5.
            Ok(granted) => {
                let renewed = renew(client, &found.value, granted, keys_are_ready).await?;
                return save(client, found.generation, renewed).await;
            }
            // 6.
            Err(NotGranted::Refused(error)) if error.error == ErrorCode::InvalidGrant => {
                let again = load(client).await?;
                if again.value.refresh_token.as_ref() != Some(&refresh_token) {
                    found = again;
                    continue;
                }
                let mut ended = again.value;
                ended.end();
                client
                    .store
                    .compare_and_swap(&client.key(), Some(again.generation), ended)
                    .await?;
                return Err(session_ended(client).because_of(&error));
            }
            Err(other) => return Err(other.into_error("the refresh was refused")),
        }
    }
    Err(session_ended(client))
}

/// Sends the refresh token; replays it when the answer was lost.
async fn post(
    client: &Inner,
    endpoint: &Url,
    (refresh_token, resource): (&Secret<String>, &[String]),
) -> Result<Granted, NotGranted> {
    let request = TokenRequest::RefreshToken {
        refresh_token: refresh_token.clone(),
        // RFC 6749 §6: left out, it is "treated as equal to the scope originally granted".
        scope: None,
        resource: resource.to_vec(),
    };
    let start = client.timer.elapsed();
    let mut pause = Duration::from_millis(500);
    let mut replays = 0;
    loop {
        let answer = token_endpoint::ask(client, endpoint, &request).await;
        let Err(NotGranted::Unanswered { retry_after, cause }) = answer else {
            return answer;
        };
        let wait = retry_after.unwrap_or(pause);
        let spent = client.timer.elapsed().saturating_sub(start);
        let is_away = never_left(&cause) && spent >= AWAY;
        if is_away || replays == MOST_REPLAYS || spent + wait > REPLAY_WINDOW {
            return Err(NotGranted::Unanswered { retry_after, cause });
        }
        replays += 1;
        tracing::debug!(replays, error = %cause, "no answer to the refresh; asking again");
        client.timer.sleep(wait).await;
        pause *= 2;
    }
}

/// The session after an answer. A failed check of its ID token drops the answer (row C-65).
async fn renew(
    client: &Inner,
    old: &SessionRecord,
    granted: Granted,
    keys_are_ready: bool,
) -> Result<SessionRecord, Error> {
    if TokenType::parse(&granted.response.token_type)? != TokenType::Bearer {
        return Err(Error::protocol(
            "the server issued no access token (token_type N_A)",
        ));
    }
    let mut renewed = old.clone();
    let claims = if keys_are_ready {
        verify_id_token(client, old, &granted).await?
    } else {
        None
    };
    if let Some(claims) = claims {
        renewed.claims = Some(claims);
        renewed.id_token.clone_from(&granted.response.id_token);
    }
    let Granted {
        response,
        received_at,
        server_ahead,
    } = granted;
    renewed.server_ahead = server_ahead;
    let server_now = renewed.server_time(received_at);
    renewed.lifetime = lifetime(&response, server_now);
    renewed.expires_at = renewed.lifetime.map(|lifetime| server_now + lifetime);
    renewed.access_token = Some(response.access_token);
    // RFC 6749 §6: "The authorization server MAY issue a new refresh token" (row C-24).
    if let Some(refresh_token) = response.refresh_token {
        renewed.refresh_token = Some(refresh_token);
    }
    if let Some(scope) = response.scope {
        renewed.scope = scope;
    }
    Ok(renewed)
}

async fn verify_id_token(
    client: &Inner,
    old: &SessionRecord,
    granted: &Granted,
) -> Result<Option<IdTokenClaims>, Error> {
    let metadata = client.metadata().await?;
    let asked = Asked {
        nonce: Expect::FromRefresh,
        acr: &[],
        max_age: None,
    };
    let verified = match client.keys.verify(client, &metadata, granted, asked).await {
        Ok(verified) => verified,
        // The tokens are good, only the keys are out of reach: the old ID token stays.
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    if let (Some(new), Some(first)) = (&verified, &old.claims) {
        VerifiedIdToken::continues(new, first)
            .map_err(|error| crate::issuer_keys::refused(&error))?;
    }
    Ok(verified.map(VerifiedIdToken::into_claims))
}

/// Whether an ID token can be checked, if the session has one at all.
async fn prepare_keys(client: &Inner, record: &SessionRecord) -> bool {
    if record.claims.is_none() {
        return false;
    }
    let prepared = async {
        let metadata = client.metadata().await?;
        client.keys.prepare(client, &metadata).await
    };
    matches!(tokio::time::timeout(AWAY, prepared).await, Ok(Ok(())))
}

/// Row C-22: on the disk first, then into the hand of the caller.
async fn save(
    client: &Inner,
    generation: Generation,
    renewed: SessionRecord,
) -> Result<AccessToken, Error> {
    let token = hand_out(&renewed)?;
    let written = client
        .store
        .compare_and_swap(&client.key(), Some(generation), renewed)
        .await;
    let Err(error) = written else {
        return Ok(token);
    };
    // Somebody signed in anew or out meanwhile: theirs is the session now.
    let found = load(client).await?;
    if found.generation == generation {
        Err(error)
    } else {
        hand_out(&found.value)
    }
}

async fn load(client: &Inner) -> Result<Versioned<SessionRecord>, Error> {
    let found = client.store.load(&client.key()).await?;
    let found = found.ok_or_else(|| {
        Error::login_required(format!("nobody is signed in to {}", client.host()))
    })?;
    if found.value.reauth_required {
        Err(session_ended(client))
    } else {
        Ok(found)
    }
}

fn is_enough(client: &Inner, record: &SessionRecord, need: Need<'_>) -> bool {
    let now = client.clock.now();
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
    client: &Inner,
    record: &SessionRecord,
    need: Need<'_>,
) -> Result<AccessToken, Error> {
    if matches!(need, Need::ValidFor(_)) && record.is_usable(client.clock.now()) {
        return hand_out(record);
    }
    let text = format!(
        "the session with {} has expired, and it has no refresh token",
        client.host()
    );
    let offline = "sign in again; ask for the scope `offline_access` to stay signed in";
    let has_asked =
        scope_text(&client.scopes).is_some_and(|scope| scope.contains("offline_access"));
    Err(Error::login_required(text).hint_to(if has_asked { "sign in again" } else { offline }))
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

fn session_ended(client: &Inner) -> Error {
    Error::login_required(format!("{} ended the session", client.host()))
}
