//! Random values that are made once and never rotated, whatever the key ring does (row S-262): what
//! was made with them could not be made again. Each is sealed.

use hallpass_protocol::Secret;

use crate::database::Transaction;
use crate::error::StoreError;
use crate::sealed::Place;

/// The key under whose HMAC recovery codes are stored.
pub const RECOVERY_CODES: &str = "recovery-codes";
/// The seed of the key that signs the ends of the chains of audit events.
pub const AUDIT: &str = "audit";

/// The value of a name. `drawn` becomes it, unless there is one: all who ask have the same.
pub fn load_or_insert(
    tx: &Transaction<'_>,
    name: &'static str,
    drawn: &Secret<[u8; 32]>,
) -> Result<Secret<[u8; 32]>, StoreError> {
    if let Some(found) = find(tx, name)? {
        return Ok(found);
    }
    let sealed = tx.seal(place(name), drawn.expose())?;
    tx.run(
        "INSERT INTO lasting_secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &[&name, &sealed],
    )?;
    // The row is there: this transaction has just written it or met it.
    find(tx, name)?.ok_or(StoreError::Conflict)
}

/// The value of a name, if it was drawn.
pub fn find(tx: &Transaction<'_>, name: &str) -> Result<Option<Secret<[u8; 32]>>, StoreError> {
    tx.find(
        "SELECT value FROM lasting_secrets WHERE name = $1",
        &[&name],
        |row| {
            let sealed: Vec<u8> = row.take()?;
            open(tx, name, &sealed)
        },
    )
}

/// Seals again what another key than the first of the ring sealed. The values stay what they are.
pub(crate) fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    let first = vec![tx.sealing().minting().id()];
    let others = tx.list(
        "SELECT name, value FROM lasting_secrets WHERE substr(value, 2, 1) <> $1 LIMIT $2",
        &[&first, &batch],
        |row| {
            let name: String = row.take()?;
            let sealed: Vec<u8> = row.take()?;
            Ok((name, sealed))
        },
    )?;
    for (name, sealed) in &others {
        let value = open(tx, name, sealed)?;
        tx.run(
            "UPDATE lasting_secrets SET value = $1 WHERE name = $2",
            &[&tx.seal(place(name), value.expose())?, name],
        )?;
    }
    Ok(u64::try_from(others.len()).unwrap_or(u64::MAX))
}

fn open(tx: &Transaction<'_>, name: &str, sealed: &[u8]) -> Result<Secret<[u8; 32]>, StoreError> {
    let bytes = tx.open(place(name), sealed)?;
    let bytes = bytes.try_into();
    bytes.map(Secret::new).map_err(|_: Vec<u8>| {
        StoreError::Corrupt("`lasting_secrets.value` has another length".to_owned())
    })
}

fn place(name: &str) -> Place<'_> {
    Place {
        table: "lasting_secrets",
        column: "value",
        row: name.as_bytes(),
    }
}
