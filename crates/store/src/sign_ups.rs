//! Links with which people make accounts themselves, by the hash of what stands in them.

use hallpass_issuer::account::EmailAddress;
use hallpass_issuer::sign_up::SignUp;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;

use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// Keeps a new link.
pub fn insert(tx: &Transaction<'_>, sign_up: &SignUp) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO sign_ups (token_hash, email, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        &[
            &sign_up.token_hash,
            &sign_up.email.as_str(),
            &sign_up.created_at,
            &sign_up.expires_at,
        ],
    )
}

/// The link of a token. A job that may write has it to itself until it ends.
pub fn find(tx: &Transaction<'_>, token: &SecretHash) -> Result<Option<SignUp>, StoreError> {
    tx.find(
        "SELECT token_hash, email, created_at, expires_at FROM sign_ups WHERE token_hash = $1",
        &[token],
        load,
    )
}

/// Removes a link; whether it was there.
pub fn delete(tx: &Transaction<'_>, token: &SecretHash) -> Result<bool, StoreError> {
    let removed = tx.execute("DELETE FROM sign_ups WHERE token_hash = $1", &[token])?;
    Ok(removed > 0)
}

/// Forgets links that expired, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM sign_ups WHERE token_hash IN (SELECT token_hash FROM sign_ups \
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&now, &limit],
    )
}

fn load(row: &mut Row<'_>) -> Result<SignUp, StoreError> {
    let corrupt = || StoreError::Corrupt("`sign_ups.email` is no address".to_owned());
    let token_hash = row.take()?;
    let email: String = row.take()?;
    Ok(SignUp {
        token_hash,
        email: EmailAddress::parse(&email).ok_or_else(corrupt)?,
        created_at: row.take()?,
        expires_at: row.take()?,
    })
}
