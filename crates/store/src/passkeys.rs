//! The public halves of people's passkeys.

use hallpass_issuer::factors::passkey::{OwnPasskey, Passkey};
use hallpass_protocol::webauthn::CosePublicKey;
use hallpass_protocol::{Timestamp, UserId};

use crate::columns::{Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT credential_id, user_id, name, public_key, sign_count, uv_initialized, \
             backup_eligible, backup_state, aaguid, transports, created_at, last_used_at \
             FROM passkeys ",
            $condition
        )
    };
}

/// Keeps a new passkey; whether its id was new. An id belongs to whoever had it first (WebAuthn §7.1
/// step 25).
pub fn insert(tx: &Transaction<'_>, own: &OwnPasskey) -> Result<bool, StoreError> {
    let passkey = &own.passkey;
    let rows = tx.execute(
        "INSERT INTO passkeys (credential_id, user_id, name, public_key, sign_count, \
         uv_initialized, backup_eligible, backup_state, aaguid, transports, created_at, \
         last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (credential_id) DO NOTHING",
        &[
            &passkey.credential_id,
            &own.user,
            &own.name,
            &passkey.public_key.encoded().to_vec(),
            &passkey.sign_count,
            &passkey.uv_initialized,
            &passkey.backup_eligible,
            &passkey.backup_state,
            &passkey.aaguid,
            &json(&own.transports)?,
            &own.created_at,
            &own.last_used_at,
        ],
    )?;
    Ok(rows == 1)
}

/// The passkey of an id. A job that may write has it to itself until it ends: of two answers with
/// one count, the second sees the first.
pub fn find(tx: &Transaction<'_>, id: &[u8]) -> Result<Option<OwnPasskey>, StoreError> {
    const SQL: &str = select!("WHERE credential_id = $1");
    tx.find(SQL, &[&id.to_vec()], load)
}

/// A person's passkeys, the oldest first.
pub fn list_by_user(tx: &Transaction<'_>, user: &UserId) -> Result<Vec<OwnPasskey>, StoreError> {
    const SQL: &str = select!("WHERE user_id = $1 ORDER BY created_at, credential_id");
    tx.list(SQL, &[user], load)
}

/// Notes a use: the counter, and whether it is backed up.
pub fn note_use(tx: &Transaction<'_>, passkey: &Passkey, now: Timestamp) -> Result<(), StoreError> {
    tx.run(
        "UPDATE passkeys SET sign_count = $1, backup_state = $2, last_used_at = $3 \
         WHERE credential_id = $4",
        &[
            &passkey.sign_count,
            &passkey.backup_state,
            &now,
            &passkey.credential_id,
        ],
    )
}

/// Names one of a person's passkeys; whether they have it.
pub fn rename(
    tx: &Transaction<'_>,
    (user, id): (&UserId, &[u8]),
    name: &str,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE passkeys SET name = $1 WHERE user_id = $2 AND credential_id = $3",
        &[&name, user, &id.to_vec()],
    )?;
    Ok(rows == 1)
}

/// Removes one of a person's passkeys; whether they had it.
pub fn delete(tx: &Transaction<'_>, (user, id): (&UserId, &[u8])) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "DELETE FROM passkeys WHERE user_id = $1 AND credential_id = $2",
        &[user, &id.to_vec()],
    )?;
    Ok(rows == 1)
}

/// Removes all that a person has; how many they were.
pub fn delete_by_user(tx: &Transaction<'_>, user: &UserId) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM passkeys WHERE user_id = $1", &[user])
}

fn load(row: &mut Row<'_>) -> Result<OwnPasskey, StoreError> {
    let credential_id = row.take()?;
    let (user, name) = (row.take()?, row.take()?);
    let encoded: Vec<u8> = row.take()?;
    let unreadable =
        |_| StoreError::Corrupt("`passkeys.public_key` is no key of a passkey".to_owned());
    let passkey = Passkey {
        credential_id,
        public_key: CosePublicKey::read(&encoded).map_err(unreadable)?,
        sign_count: row.take()?,
        uv_initialized: row.take()?,
        backup_eligible: row.take()?,
        backup_state: row.take()?,
        aaguid: row.take()?,
    };
    let Json(transports) = row.take()?;
    Ok(OwnPasskey {
        user,
        name,
        passkey,
        transports,
        created_at: row.take()?,
        last_used_at: row.take()?,
    })
}
