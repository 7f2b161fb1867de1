//! The hashed passwords of accounts.

use hallpass_issuer::factors::password::PasswordHash;
use hallpass_protocol::{Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// The hash of an account's password, if it has one.
pub fn find(tx: &Transaction<'_>, user: &UserId) -> Result<Option<PasswordHash>, StoreError> {
    let load = |row: &mut Row<'_>| row.take::<String>();
    let text = tx.find(
        "SELECT hash FROM passwords WHERE user_id = $1",
        &[user],
        load,
    )?;
    let unreadable = |()| StoreError::Corrupt("`passwords.hash` is no argon2id hash".to_owned());
    text.map(|text| text.parse().map_err(unreadable))
        .transpose()
}

/// Sets the password of an account, in place of the one before.
pub fn save(
    tx: &Transaction<'_>,
    user: &UserId,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO passwords (user_id, hash, set_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET hash = $2, set_at = $3",
        &[user, &hash.to_string(), &now],
    )
}

/// Hashes the same password anew, for another cost. A password that was changed in between stays.
pub fn rehash(
    tx: &Transaction<'_>,
    user: &UserId,
    (old, new): (&PasswordHash, &PasswordHash),
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE passwords SET hash = $1 WHERE user_id = $2 AND hash = $3",
        &[&new.to_string(), user, &old.to_string()],
    )
}
