//! Codes on paper, each good for one time. A row keeps the HMAC of its code.

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{Timestamp, UserId};

use crate::database::Transaction;
use crate::error::StoreError;

/// Gives a person new codes, in place of all that they had.
pub fn replace(
    tx: &Transaction<'_>,
    user: &UserId,
    codes: &[SecretHash],
    now: Timestamp,
) -> Result<(), StoreError> {
    delete_by_user(tx, user)?;
    for code in codes {
        tx.run(
            "INSERT INTO recovery_codes (code_mac, user_id, created_at) VALUES ($1, $2, $3)",
            &[code, user, &now],
        )?;
    }
    Ok(())
}

/// Uses a code up; whether it was there and unused. Of two at once one gets it.
pub fn redeem(
    tx: &Transaction<'_>,
    user: &UserId,
    code: &SecretHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE recovery_codes SET used_at = $1 \
         WHERE code_mac = $2 AND user_id = $3 AND used_at IS NULL",
        &[&now, code, user],
    )?;
    Ok(rows > 0)
}

/// How many codes a person has left.
pub fn count_unused(tx: &Transaction<'_>, user: &UserId) -> Result<u64, StoreError> {
    tx.count(
        "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL",
        &[user],
    )
}

/// Removes every code of a person; how many they were.
pub fn delete_by_user(tx: &Transaction<'_>, user: &UserId) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", &[user])
}
