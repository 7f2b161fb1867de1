//! One renewal of a session: the refresh token is sent, and the answer is checked.
//!
//! RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>, OIDC Core §12.2; rows C-23, C-24,
//! C-65, C-72, Q-42. Nothing is stored here.

use std::time::Duration;

use hallpass_protocol::id_token::{Expect, IdTokenClaims, VerifiedIdToken};
use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{OAuthError, Secret};
use url::Url;

use crate::authorization_server::{Asked, Granted, NotGranted, refused};
use crate::client::ClientInner;
use crate::credentials::{REPLAY_WINDOW, SessionRecord};
use crate::error::{Error, ErrorKind};
use crate::http::never_left;
use crate::tokens::TokenType;

/// A token is replayed so often at most (row C-23).
const MOST_REPLAYS: u32 = 3;

/// No replay is waited for after this time since the first sending: a node whose clock is some
/// seconds ahead would take one at the edge of the server's 30 s for theft (docs/refresh-families.md).
const REPLAYS_END: Duration = Duration::from_secs(25);

/// A server that cannot be connected to for this long is not tried again, and its keys are not waited
/// for.
const AWAY: Duration = Duration::from_secs(3);

/// Why there are no tokens.
pub(crate) enum NotRenewed {
    /// The server said so.
    Refused(OAuthError),
    /// The refresh token is as good as before.
    Failed(Error),
    /// The server may have answered, and nobody heard it.
    Lost(Error),
}

/// Sends the refresh token; replays it when the answer was lost. `spent` is how long ago it was sent
/// first, by a process that is gone.
pub(crate) async fn ask(
    client: &ClientInner,
    endpoint: &Url,
    (refresh_token, session): (&Secret<String>, &SessionRecord),
    spent: Duration,
) -> Result<Granted, NotRenewed> {
    let request = TokenRequest::RefreshToken {
        refresh_token: refresh_token.clone(),
        // RFC 6749 §6: left out, it is "treated as equal to the scope originally granted".
        scope: None,
        resource: session.resource.clone(),
        audience: session.audience.clone(),
    };
    // One key for every replay; each has a proof of its own (row C-23).
    let key = session.key();
    let start = client.timer.elapsed();
    let mut pause = Duration::from_millis(500);
    let mut replays = 0;
    let mut is_sent = !spent.is_zero();
    loop {
        let tried = client.timer.elapsed().saturating_sub(start);
        let left = REPLAYS_END.saturating_sub(spent + tried);
        let asked = client.server.ask(endpoint, &request, key.as_ref());
        let answer = tokio::time::timeout(left, asked).await;
        let (retry_after, cause) = match answer.unwrap_or_else(|_| Err(too_late())) {
            Ok(granted) => return Ok(granted),
            Err(NotGranted::Refused(error)) => return Err(NotRenewed::Refused(error)),
            Err(NotGranted::Failed(error)) => return Err(NotRenewed::Failed(error)),
            Err(NotGranted::Unanswered { retry_after, cause }) => (retry_after, cause),
        };
        is_sent |= !never_left(&cause);
        let wait = retry_after.unwrap_or(pause);
        let tried = client.timer.elapsed().saturating_sub(start);
        let is_away = never_left(&cause) && tried >= AWAY;
        if is_away || replays == MOST_REPLAYS || spent + tried + wait > REPLAY_WINDOW {
            return Err(if is_sent {
                NotRenewed::Lost(cause)
            } else {
                NotRenewed::Failed(cause)
            });
        }
        replays += 1;
        tracing::debug!(replays, error = %cause, "no answer to the refresh; asking again");
        client.timer.sleep(wait).await;
        pause *= 2;
    }
}

fn too_late() -> NotGranted {
    NotGranted::Unanswered {
        retry_after: None,
        cause: Error::unavailable("the server did not answer in time", None),
    }
}

/// The session after an answer. A failed check of its ID token drops the answer (row C-65).
pub(crate) async fn renewed(
    client: &ClientInner,
    old: &SessionRecord,
    granted: Granted,
    keys_are_ready: bool,
) -> Result<SessionRecord, Error> {
    // What was bound stays so: a Bearer token now would be a step down that nobody asked for.
    let token_type = granted.presented(old.token_type == TokenType::Dpop)?;
    let mut renewed = old.clone();
    let claims = if keys_are_ready {
        verify_id_token(client, old, &granted).await?
    } else {
        None
    };
    let (lifetime, server_now) = (granted.lifetime(), granted.server_now());
    let response = granted.response;
    if let Some(claims) = claims {
        renewed.claims = Some(claims);
        renewed.id_token = response.id_token;
    }
    renewed.intent = None;
    renewed.token_type = token_type;
    renewed.server_ahead = granted.server_ahead;
    renewed.lifetime = lifetime;
    renewed.expires_at = lifetime.map(|lifetime| server_now + lifetime);
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
    client: &ClientInner,
    old: &SessionRecord,
    granted: &Granted,
) -> Result<Option<IdTokenClaims>, Error> {
    let server = &client.server;
    let metadata = server.metadata().await?;
    let asked = Asked {
        nonce: Expect::FromRefresh,
        acr: &[],
        max_age: None,
    };
    let verified = match server.verify_id_token(&metadata, granted, asked).await {
        Ok(verified) => verified,
        // The tokens are good, only the keys are out of reach: the old ID token stays.
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    if let (Some(new), Some(first)) = (&verified, &old.claims) {
        VerifiedIdToken::continues(new, first).map_err(|error| refused(&error))?;
    }
    Ok(verified.map(VerifiedIdToken::into_claims))
}

/// Whether an ID token can be checked, if the session has one at all.
pub(crate) async fn prepare_keys(client: &ClientInner, record: &SessionRecord) -> bool {
    if record.claims.is_none() {
        return false;
    }
    let prepared = client.server.prepare_keys();
    matches!(tokio::time::timeout(AWAY, prepared).await, Ok(Ok(())))
}
