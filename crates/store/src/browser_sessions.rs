//! Signed-in browsers: found by the hash of their cookie, referred to by their id.

use std::time::Duration;

use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::browser_session::{BrowserSession, BrowserSessionId};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_issuer::user::User;
use hallpass_protocol::{Timestamp, UserId};

use crate::authorizations;
use crate::columns::{Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// Keeps a new session.
pub fn insert(tx: &Transaction<'_>, session: &BrowserSession) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO browser_sessions \
         (id, token_hash, issuer, user_id, user_claims, auth_time, address, expires_at, ended_at, \
         sign_in) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &session.id,
            &session.token_hash,
            &session.issuer,
            &session.user.id,
            &json(&session.user.claims)?,
            &session.auth_time,
            &session.address,
            &session.expires_at,
            &session.ended_at,
            &json(&session.sign_in)?,
        ],
    )
}

/// The session of a cookie at one issuer.
pub fn find(
    tx: &Transaction<'_>,
    issuer: &str,
    token: &SecretHash,
) -> Result<Option<BrowserSession>, StoreError> {
    tx.find(
        "SELECT id, token_hash, issuer, user_id, user_claims, auth_time, address, expires_at, \
         ended_at, sign_in FROM browser_sessions WHERE token_hash = $1 AND issuer = $2",
        &[token, &issuer],
        load,
    )
}

/// The live sessions of a person at one issuer, the newest sign-in first.
pub fn list_live(
    tx: &Transaction<'_>,
    (issuer, user): (&str, &UserId),
    now: Timestamp,
) -> Result<Vec<BrowserSession>, StoreError> {
    tx.list(
        "SELECT id, token_hash, issuer, user_id, user_claims, auth_time, address, expires_at, \
         ended_at, sign_in FROM browser_sessions WHERE issuer = $1 AND user_id = $2 \
         AND ended_at IS NULL AND expires_at > $3 ORDER BY auth_time DESC, id",
        &[&issuer, user, &now],
        load,
    )
}

/// Saves what changes while a session lives. A session that has ended stays so.
pub fn save(tx: &Transaction<'_>, session: &BrowserSession) -> Result<(), StoreError> {
    tx.run(
        "UPDATE browser_sessions SET user_claims = $1, auth_time = $2, address = $3, \
         expires_at = $4, ended_at = COALESCE(ended_at, $5) WHERE token_hash = $6",
        &[
            &json(&session.user.claims)?,
            &session.auth_time,
            &session.address,
            &session.expires_at,
            &session.ended_at,
            &session.token_hash,
        ],
    )
}

/// Lets a session that has not ended go on under the cookie of `next`, with all that it says; whether
/// there was one with the cookie `before`. Of two at once the second finds none.
pub fn replace(
    tx: &Transaction<'_>,
    before: &SecretHash,
    next: &BrowserSession,
) -> Result<bool, StoreError> {
    tx.execute(
        "UPDATE browser_sessions SET token_hash = $1, user_claims = $2, auth_time = $3, \
         address = $4, expires_at = $5, sign_in = $6 \
         WHERE token_hash = $7 AND id = $8 AND ended_at IS NULL",
        &[
            &next.token_hash,
            &json(&next.user.claims)?,
            &next.auth_time,
            &next.address,
            &next.expires_at,
            &json(&next.sign_in)?,
            before,
            &next.id,
        ],
    )
    .map(|rows| rows > 0)
}

/// Ends a session, whatever its cookie is by now; whether it was there and had not ended.
pub fn end(
    tx: &Transaction<'_>,
    id: &BrowserSessionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute(
        "UPDATE browser_sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL",
        &[&now, id],
    )
    .map(|rows| rows > 0)
}

/// Whether a session was ended, by a sign-out or by somebody else who signed in. One that expired, or
/// that a node of the version before names otherwise, was not. A job that may write has it to itself
/// until it ends.
pub fn was_ended(tx: &Transaction<'_>, id: &BrowserSessionId) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT ended_at FROM browser_sessions WHERE id = $1",
        &[id],
        |row| {
            let ended_at: Option<Timestamp> = row.take()?;
            Ok(ended_at.is_some())
        },
    )?;
    Ok(found.unwrap_or(false))
}

/// Ends a session, and what was granted in it for no longer than that (row S-246); whether it had not
/// ended. In this order: what is redeemed at the same time finds the session ended, or is found here.
pub fn sign_out(
    tx: &Transaction<'_>,
    id: &BrowserSessionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_news = end(tx, id, now)?;
    authorizations::revoke_online_by_browser_session(tx, id, RevokeReason::SignedOut, now)?;
    Ok(is_news)
}

/// Ends every session of a person at one issuer, but the one that goes on; how many they were.
pub fn end_by_user(
    tx: &Transaction<'_>,
    (issuer, user): (&str, &UserId),
    goes_on: Option<&BrowserSessionId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    const ALL: &str = "UPDATE browser_sessions SET ended_at = $1 \
         WHERE issuer = $2 AND user_id = $3 AND ended_at IS NULL";
    const OTHERS: &str = "UPDATE browser_sessions SET ended_at = $1 \
         WHERE issuer = $2 AND user_id = $3 AND ended_at IS NULL AND id <> $4";
    match goes_on {
        None => tx.execute(ALL, &[&now, &issuer, user]),
        Some(id) => tx.execute(OTHERS, &[&now, &issuer, user, id]),
    }
}

/// Forgets every session of a person at one issuer.
pub fn delete_by_user(tx: &Transaction<'_>, issuer: &str, user: &UserId) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM browser_sessions WHERE issuer = $1 AND user_id = $2",
        &[&issuer, user],
    )
}

/// Forgets every session.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM browser_sessions", &[])
}

/// Deletes sessions that expired `remembered` ago, `limit` at most; how many they were.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM browser_sessions WHERE token_hash IN (SELECT token_hash \
         FROM browser_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&(now - remembered), &limit],
    )
}

fn load(row: &mut Row<'_>) -> Result<BrowserSession, StoreError> {
    Ok(BrowserSession {
        id: row.take()?,
        token_hash: row.take()?,
        issuer: row.take()?,
        user: User {
            id: row.take()?,
            claims: row.take().map(|Json(claims)| claims)?,
        },
        auth_time: row.take()?,
        address: row.take()?,
        expires_at: row.take()?,
        ended_at: row.take()?,
        sign_in: row.take().map(|Json(sign_in)| sign_in)?,
    })
}
