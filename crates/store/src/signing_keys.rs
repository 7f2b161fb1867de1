//! The keys that sign tokens; the private half is sealed.

use hallpass_issuer::tokens::signing_key::SigningKeyRecord;
use hallpass_protocol::{KeyId, Secret, Timestamp};

use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::sealed::Place;

/// Keeps the first key of an issuer and returns it: whoever comes later gets that one, not its own.
pub fn insert(
    tx: &Transaction<'_>,
    key: &SigningKeyRecord,
) -> Result<SigningKeyRecord, StoreError> {
    let sealed = tx.seal(place(&row_id(&key.issuer, &key.kid)), key.pkcs8.expose())?;
    tx.run(
        "INSERT INTO signing_keys (issuer, generation, kid, algorithm, pkcs8, created_at) \
         VALUES ($1, 1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        &[
            &key.issuer,
            &key.kid,
            &key.algorithm,
            &sealed,
            &key.created_at,
        ],
    )?;
    // The row is there: this transaction has just written it or met it.
    find(tx, &key.issuer)?.ok_or(StoreError::Conflict)
}

/// Retires the key that signs for an issuer, and keeps a new one that signs from now on.
///
/// [`StoreError::Conflict`] when the issuer has a key of that name already.
pub fn rotate(
    tx: &Transaction<'_>,
    key: &SigningKeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sealed = tx.seal(place(&row_id(&key.issuer, &key.kid)), key.pkcs8.expose())?;
    tx.run(
        "UPDATE signing_keys SET retired_at = $1 WHERE issuer = $2 AND retired_at IS NULL",
        &[&now, &key.issuer],
    )?;
    let rows = tx.execute(
        "INSERT INTO signing_keys (issuer, generation, kid, algorithm, pkcs8, created_at) \
         VALUES ($1, (SELECT COALESCE(MAX(generation), 0) + 1 FROM signing_keys WHERE issuer = $1), \
         $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        &[
            &key.issuer,
            &key.kid,
            &key.algorithm,
            &sealed,
            &key.created_at,
        ],
    )?;
    if rows == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
}

/// Takes every rotation back: the first key of each issuer signs again, the later ones are gone.
pub fn keep_first(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM signing_keys WHERE generation > 1", &[])?;
    tx.run("UPDATE signing_keys SET retired_at = NULL", &[])
}

/// The key that signs for an issuer.
pub fn find(tx: &Transaction<'_>, issuer: &str) -> Result<Option<SigningKeyRecord>, StoreError> {
    tx.find(
        "SELECT issuer, kid, algorithm, pkcs8, created_at FROM signing_keys \
         WHERE issuer = $1 AND retired_at IS NULL",
        &[&issuer],
        |row| load(tx, row),
    )
}

/// All keys of an issuer: the one that signs, then the retired ones, the latest first.
pub fn list(tx: &Transaction<'_>, issuer: &str) -> Result<Vec<SigningKeyRecord>, StoreError> {
    tx.list(
        "SELECT issuer, kid, algorithm, pkcs8, created_at FROM signing_keys \
         WHERE issuer = $1 ORDER BY generation DESC",
        &[&issuer],
        |row| load(tx, row),
    )
}

/// The keys of all issuers.
pub fn list_all(tx: &Transaction<'_>) -> Result<Vec<SigningKeyRecord>, StoreError> {
    tx.list(
        "SELECT issuer, kid, algorithm, pkcs8, created_at FROM signing_keys \
         ORDER BY issuer, generation DESC",
        &[],
        |row| load(tx, row),
    )
}

fn load(tx: &Transaction<'_>, row: &mut Row<'_>) -> Result<SigningKeyRecord, StoreError> {
    let (issuer, kid): (String, KeyId) = (row.take()?, row.take()?);
    let algorithm = row.take()?;
    let pkcs8 = tx.open(place(&row_id(&issuer, &kid)), &row.take::<Vec<u8>>()?)?;
    let pkcs8 = Secret::new(pkcs8);
    Ok(SigningKeyRecord {
        issuer,
        kid,
        algorithm,
        pkcs8,
        created_at: row.take()?,
    })
}

fn place(row: &[u8]) -> Place<'_> {
    Place {
        table: "signing_keys",
        column: "pkcs8",
        row,
    }
}

/// A `kid` is ours: it holds no line break.
fn row_id(issuer: &str, kid: &KeyId) -> Vec<u8> {
    format!("{kid}\n{issuer}").into_bytes()
}
