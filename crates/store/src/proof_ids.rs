//! The ids of DPoP proofs and client assertions that were accepted, as hashes, where several nodes
//! accept them.
//!
//! RFC 9449 §11.1: <https://www.rfc-editor.org/rfc/rfc9449#section-11.1>, OIDC Core §9 (`jti`).

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;

use crate::database::Transaction;
use crate::error::StoreError;

/// Uses an id, which counts until it ends; whether nobody had used it. Of two that come together,
/// the second waits for the first to commit.
pub fn take(
    tx: &Transaction<'_>,
    id: &SecretHash,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "INSERT INTO proof_ids (id, ends_at) VALUES ($1, $2) \
         ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at WHERE proof_ids.ends_at <= $3",
        &[id, &ends_at, &now],
    )?;
    Ok(rows == 1)
}

/// Forgets all of them.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM proof_ids", &[])
}

/// Forgets ids that ended, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM proof_ids WHERE id IN (SELECT id FROM proof_ids \
         WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
        &[&now, &limit],
    )
}
