//! Authorization codes, by their hash.

use std::time::Duration;

use hallpass_issuer::grants::authorization_code::{AuthorizationCode, CodeState};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{AuthorizationId, Timestamp};

use crate::columns::{Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// Keeps a new code.
pub fn insert(tx: &Transaction<'_>, code: &AuthorizationCode) -> Result<(), StoreError> {
    let (status, authorization) = columns(code.state);
    tx.run(
        "INSERT INTO authorization_codes \
         (code_hash, issuer, client_id, redirect_uri, challenge, authorization_seed, expires_at, \
         status, authorization_id, dpop_jkt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &code.code_hash,
            &code.issuer,
            &code.client_id,
            &code.redirect_uri,
            &code.challenge,
            &json(&code.seed)?,
            &code.expires_at,
            &status,
            &authorization,
            &code.dpop_jkt,
        ],
    )
}

/// The code of one issuer.
pub fn find(
    tx: &Transaction<'_>,
    issuer: &str,
    code: &SecretHash,
) -> Result<Option<AuthorizationCode>, StoreError> {
    tx.find(
        "SELECT code_hash, issuer, client_id, redirect_uri, challenge, authorization_seed, \
         expires_at, status, authorization_id, dpop_jkt \
         FROM authorization_codes WHERE code_hash = $1 AND issuer = $2",
        &[code, &issuer],
        load,
    )
}

/// Saves where a code stands; nothing else of it ever changes.
pub fn save(tx: &Transaction<'_>, code: &AuthorizationCode) -> Result<(), StoreError> {
    let (status, authorization) = columns(code.state);
    tx.run(
        "UPDATE authorization_codes SET status = $1, authorization_id = $2 WHERE code_hash = $3",
        &[&status, &authorization, &code.code_hash],
    )
}

/// Forgets every code.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM authorization_codes", &[])
}

/// Deletes codes that expired `remembered` ago, `limit` at most; how many they were.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM authorization_codes WHERE code_hash IN (SELECT code_hash \
         FROM authorization_codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&(now - remembered), &limit],
    )
}

fn load(row: &mut Row<'_>) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        code_hash: row.take()?,
        issuer: row.take()?,
        client_id: row.take()?,
        redirect_uri: row.take()?,
        challenge: row.take()?,
        seed: row.take().map(|Json(seed)| seed)?,
        expires_at: row.take()?,
        state: state(row.take()?, row.take()?)?,
        dpop_jkt: row.take()?,
    })
}

fn columns(state: CodeState) -> (i64, Option<AuthorizationId>) {
    match state {
        CodeState::Issued => (ISSUED, None),
        CodeState::Redeemed { authorization } => (REDEEMED, Some(authorization)),
        CodeState::Burnt => (BURNT, None),
    }
}

fn state(status: i64, authorization: Option<AuthorizationId>) -> Result<CodeState, StoreError> {
    match (status, authorization) {
        (ISSUED, None) => Ok(CodeState::Issued),
        (REDEEMED, Some(authorization)) => Ok(CodeState::Redeemed { authorization }),
        (BURNT, None) => Ok(CodeState::Burnt),
        _ => Err(StoreError::Corrupt(
            "`authorization_codes.status` is unknown".to_owned(),
        )),
    }
}

const ISSUED: i64 = 1;
const REDEEMED: i64 = 2;
const BURNT: i64 = 3;
