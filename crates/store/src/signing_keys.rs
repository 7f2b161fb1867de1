//! The keys that sign tokens; the private half is sealed.

use hallpass_issuer::tokens::signing_key::{KeyFacts, KeyState, SigningKeyRecord};
use hallpass_protocol::{KeyId, Secret, Timestamp};

use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::sealed::Place;

const NEXT: u32 = 1;
const ACTIVE: u32 = 2;
const RETIRING: u32 = 3;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT issuer, kid, algorithm, pkcs8, created_at, state, changes_at FROM signing_keys ",
            $rest
        )
    };
}

/// Keeps the first key of an issuer and returns it: whoever comes later gets that one, not its own.
pub fn insert(
    tx: &Transaction<'_>,
    key: &SigningKeyRecord,
) -> Result<SigningKeyRecord, StoreError> {
    let sealed = tx.seal(place(&row_id(&key.issuer, &key.kid)), key.pkcs8.expose())?;
    let (state, changes_at) = columns(key.state);
    tx.run(
        "INSERT INTO signing_keys \
         (issuer, generation, kid, algorithm, pkcs8, created_at, state, changes_at) \
         VALUES ($1, 1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            &key.issuer,
            &key.kid,
            &key.algorithm,
            &sealed,
            &key.created_at,
            &state,
            &changes_at,
        ],
    )?;
    // The row is there: this transaction has just written it or met it.
    find(tx, &key.issuer)?.ok_or(StoreError::Conflict)
}

/// Keeps a further key of an issuer.
///
/// [`StoreError::Conflict`] when the issuer has a key of that name, or one of that algorithm in that
/// state.
pub fn add(tx: &Transaction<'_>, key: &SigningKeyRecord) -> Result<(), StoreError> {
    let sealed = tx.seal(place(&row_id(&key.issuer, &key.kid)), key.pkcs8.expose())?;
    let (state, changes_at) = columns(key.state);
    let rows = tx.execute(
        "INSERT INTO signing_keys \
         (issuer, generation, kid, algorithm, pkcs8, created_at, state, changes_at) \
         VALUES ($1, (SELECT COALESCE(MAX(generation), 0) + 1 FROM signing_keys WHERE issuer = $1), \
         $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &[
            &key.issuer,
            &key.kid,
            &key.algorithm,
            &sealed,
            &key.created_at,
            &state,
            &changes_at,
        ],
    )?;
    changed(rows)
}

/// Retires the key that signs for an issuer, and keeps a new one that signs from now on.
///
/// [`StoreError::Conflict`] when the issuer has a key of that name already.
pub fn rotate(
    tx: &Transaction<'_>,
    key: &SigningKeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE signing_keys SET state = 3, retired_at = $1 WHERE issuer = $2 AND state = 2",
        &[&now, &key.issuer],
    )?;
    add(tx, key)
}

/// Changes the state of a key, if it is still in the state it was seen in.
///
/// [`StoreError::Conflict`] when somebody was faster.
pub fn change(
    tx: &Transaction<'_>,
    issuer: &str,
    (kid, from, to): (&KeyId, KeyState, KeyState),
) -> Result<(), StoreError> {
    let (from, _) = columns(from);
    let (state, changes_at) = columns(to);
    changed(tx.execute(
        "UPDATE signing_keys SET state = $1, changes_at = $2 \
         WHERE issuer = $3 AND kid = $4 AND state = $5",
        &[&state, &changes_at, &issuer, kid, &from],
    )?)
}

/// Removes a key, and with it every token that it signed.
///
/// [`StoreError::Conflict`] when it is not there.
pub fn delete(tx: &Transaction<'_>, issuer: &str, kid: &KeyId) -> Result<(), StoreError> {
    changed(tx.execute(
        "DELETE FROM signing_keys WHERE issuer = $1 AND kid = $2",
        &[&issuer, kid],
    )?)
}

/// Takes every rotation back: the first key of each issuer signs again, the later ones are gone.
pub fn keep_first(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM signing_keys WHERE generation > 1", &[])?;
    tx.run("UPDATE signing_keys SET state = 2, retired_at = NULL", &[])
}

/// A key that signs for an issuer.
pub fn find(tx: &Transaction<'_>, issuer: &str) -> Result<Option<SigningKeyRecord>, StoreError> {
    const SQL: &str = select!("WHERE issuer = $1 AND state = 2");
    tx.find(SQL, &[&issuer], |row| load(tx, row))
}

/// All keys of an issuer, the latest first.
pub fn list(tx: &Transaction<'_>, issuer: &str) -> Result<Vec<SigningKeyRecord>, StoreError> {
    const SQL: &str = select!("WHERE issuer = $1 ORDER BY generation DESC");
    tx.list(SQL, &[&issuer], |row| load(tx, row))
}

/// What is public of the keys of an issuer, the latest first.
pub fn facts(tx: &Transaction<'_>, issuer: &str) -> Result<Vec<KeyFacts>, StoreError> {
    tx.list(
        "SELECT kid, algorithm, created_at, state, changes_at FROM signing_keys \
         WHERE issuer = $1 ORDER BY generation DESC",
        &[&issuer],
        |row| {
            Ok(KeyFacts {
                kid: row.take()?,
                algorithm: row.take()?,
                created_at: row.take()?,
                state: state(row)?,
            })
        },
    )
}

/// The keys of all issuers.
pub fn list_all(tx: &Transaction<'_>) -> Result<Vec<SigningKeyRecord>, StoreError> {
    const SQL: &str = select!("ORDER BY issuer, generation DESC");
    tx.list(SQL, &[], |row| load(tx, row))
}

/// Seals again what another key than the first of the ring sealed.
pub(crate) fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    const SQL: &str = select!("WHERE substr(pkcs8, 2, 1) <> $1 LIMIT $2");
    let first = vec![tx.sealing().minting().id()];
    let records = tx.list(SQL, &[&first, &batch], |row| load(tx, row))?;
    for key in &records {
        let sealed = tx.seal(place(&row_id(&key.issuer, &key.kid)), key.pkcs8.expose())?;
        tx.run(
            "UPDATE signing_keys SET pkcs8 = $1 WHERE issuer = $2 AND kid = $3",
            &[&sealed, &key.issuer, &key.kid],
        )?;
    }
    Ok(u64::try_from(records.len()).unwrap_or(u64::MAX))
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
        state: state(row)?,
    })
}

fn state(row: &mut Row<'_>) -> Result<KeyState, StoreError> {
    let (state, changes_at): (u32, Option<Timestamp>) = (row.take()?, row.take()?);
    match (state, changes_at) {
        (NEXT, Some(signs_from)) => Ok(KeyState::Next { signs_from }),
        (ACTIVE, until) => Ok(KeyState::Active { until }),
        (RETIRING, until) => Ok(KeyState::Retiring { until }),
        _ => Err(StoreError::Corrupt("the state of a signing key".to_owned())),
    }
}

fn columns(state: KeyState) -> (u32, Option<Timestamp>) {
    match state {
        KeyState::Next { signs_from } => (NEXT, Some(signs_from)),
        KeyState::Active { until } => (ACTIVE, until),
        KeyState::Retiring { until } => (RETIRING, until),
    }
}

fn changed(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
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
