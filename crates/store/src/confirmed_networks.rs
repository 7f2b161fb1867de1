//! Pairs of networks that people confirmed to be their browser's and their program's.

use hallpass_issuer::network::Confirmed;
use hallpass_protocol::{Timestamp, UserId};

use crate::database::Transaction;
use crate::error::StoreError;

/// Remembers a pair until `until`, also one that is remembered already.
pub fn save(tx: &Transaction<'_>, pair: &Confirmed, until: Timestamp) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO confirmed_networks (issuer, user_id, browser, program, expires_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (issuer, user_id, browser, program) \
         DO UPDATE SET expires_at = excluded.expires_at",
        &[
            &pair.issuer,
            &pair.user,
            &pair.browser,
            &pair.program,
            &until,
        ],
    )
}

/// Whether a pair is remembered.
pub fn is_confirmed(
    tx: &Transaction<'_>,
    pair: &Confirmed,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found = tx.count(
        "SELECT count(*) FROM confirmed_networks WHERE issuer = $1 AND user_id = $2 \
         AND browser = $3 AND program = $4 AND expires_at > $5",
        &[&pair.issuer, &pair.user, &pair.browser, &pair.program, &now],
    )?;
    Ok(found > 0)
}

/// Forgets the pairs of a person.
pub fn delete_by_user(tx: &Transaction<'_>, issuer: &str, user: &UserId) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM confirmed_networks WHERE issuer = $1 AND user_id = $2",
        &[&issuer, user],
    )
}

/// Forgets every pair.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM confirmed_networks", &[])
}

/// Deletes pairs that are over, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM confirmed_networks WHERE (issuer, user_id, browser, program) IN \
         (SELECT issuer, user_id, browser, program FROM confirmed_networks \
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&now, &limit],
    )
}
