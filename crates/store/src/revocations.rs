//! Access tokens that were revoked one by one (RFC 7009 §2.1); whole authorizations end in
//! [`crate::authorizations`].

use hallpass_protocol::{AuthorizationId, Timestamp};

use crate::database::Transaction;
use crate::error::StoreError;
use crate::revocation_watch::Revoked;

/// Revokes one token. `not_after` is its `exp`: after that nobody accepts it anyway.
pub fn insert_jti(
    tx: &Transaction<'_>,
    issuer: &str,
    jti: &str,
    not_after: Timestamp,
) -> Result<(), StoreError> {
    tx.note_revoked(Revoked::Token {
        issuer: issuer.to_owned(),
        jti: jti.to_owned(),
    });
    tx.run(
        "INSERT INTO revocations (issuer, jti, not_after) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[&issuer, &jti, &not_after],
    )
}

/// Whether a token was revoked.
pub fn is_revoked_jti(tx: &Transaction<'_>, issuer: &str, jti: &str) -> Result<bool, StoreError> {
    tx.find(
        "SELECT not_after FROM revocations WHERE issuer = $1 AND jti = $2",
        &[&issuer, &jti],
        |_| Ok(()),
    )
    .map(|row| row.is_some())
}

/// Whether an authorization is there and live, and this token of it was not revoked: one statement
/// for what nearly every access token is asked.
pub fn is_live(
    tx: &Transaction<'_>,
    issuer: &str,
    jti: &str,
    authorization: AuthorizationId,
) -> Result<bool, StoreError> {
    tx.find(
        "SELECT 1 FROM authorizations WHERE id = $1 AND revoked_at IS NULL AND NOT EXISTS \
         (SELECT 1 FROM revocations WHERE issuer = $2 AND jti = $3)",
        &[&authorization, &issuer, &jti],
        |_| Ok(()),
    )
    .map(|row| row.is_some())
}

/// Forgets tokens that have expired by themselves, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM revocations WHERE (issuer, jti) IN \
         (SELECT issuer, jti FROM revocations WHERE not_after <= $1 ORDER BY not_after LIMIT $2)",
        &[&now, &limit],
    )
}
