//! The challenges that a passkey has answered, as hashes, until nobody would take them anyway.
//!
//! In the database on every engine: a server that starts again must know them.
//! WebAuthn §13.4.3: <https://www.w3.org/TR/webauthn-3/#sctn-cryptographic-challenges>

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;

use crate::database::Transaction;
use crate::error::StoreError;

/// Uses a challenge up; whether nobody had. Of two that come together, the second waits for the
/// first to commit.
pub fn take(
    tx: &Transaction<'_>,
    challenge: &SecretHash,
    ends_at: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "INSERT INTO passkey_challenges (hash, ends_at) VALUES ($1, $2) \
         ON CONFLICT (hash) DO NOTHING",
        &[challenge, &ends_at],
    )?;
    Ok(rows == 1)
}

/// Forgets challenges that ended, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM passkey_challenges WHERE hash IN (SELECT hash FROM passkey_challenges \
         WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
        &[&now, &limit],
    )
}
