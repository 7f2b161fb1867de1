//! Which keys of the key ring a database needs. A missing or wrong one must be noticed at the start,
//! not when the first sealed value does not open.

use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::database::Transaction;
use crate::error::StoreError;
use crate::{device_grants, email_outbox, signing_keys};

/// A key of the ring, as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingKey {
    /// Its id in the ring.
    pub id: u8,
    /// Tells it from another key of that id.
    pub fingerprint: String,
    /// Since when it was not the first of the ring; `None`: it is.
    pub superseded_at: Option<Timestamp>,
    /// Until when the ring must have it; `None`: as long as something is sealed with it.
    pub needed_until: Option<Timestamp>,
}

/// Refuses a ring that lacks what the database needs, and takes its first key into use.
pub(crate) fn check(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    for known in list(tx)? {
        let Some(given) = tx.sealing().find(known.id) else {
            if known.needed_until.is_some_and(|until| until <= now) {
                tx.run(
                    "DELETE FROM ring_keys WHERE id = $1",
                    &[&u32::from(known.id)],
                )?;
                continue;
            }
            return Err(StoreError::MissingKey { id: known.id });
        };
        if given.fingerprint() != known.fingerprint {
            return Err(StoreError::WrongKey {
                id: known.id,
                expected: known.fingerprint,
                given: given.fingerprint().to_owned(),
            });
        }
    }
    let first = tx.sealing().first();
    let id = u32::from(first.id());
    tx.run(
        "INSERT INTO ring_keys (id, fingerprint, first_used_at) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET superseded_at = NULL, needed_until = NULL",
        &[&id, &first.fingerprint(), &now],
    )?;
    tx.run(
        "UPDATE ring_keys SET superseded_at = $1 WHERE superseded_at IS NULL AND id <> $2",
        &[&now, &id],
    )
}

/// The keys that the database needs or needed, by id.
pub fn list(tx: &Transaction<'_>) -> Result<Vec<RingKey>, StoreError> {
    tx.list(
        "SELECT id, fingerprint, superseded_at, needed_until FROM ring_keys ORDER BY id",
        &[],
        |row| {
            let id: u32 = row.take()?;
            Ok(RingKey {
                id: u8::try_from(id)
                    .map_err(|_| StoreError::Corrupt("the id of a ring key".to_owned()))?,
                fingerprint: row.take()?,
                superseded_at: row.take()?,
                needed_until: row.take()?,
            })
        },
    )
}

/// Seals at most so many values again, with the first key of the ring; how many they were. Zero says
/// that nothing is left.
pub fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    // Every table with a sealed column; what a table is for says nothing about which these are.
    let keys = signing_keys::reseal(tx, batch)?;
    let grants = device_grants::reseal(tx, batch)?;
    Ok(keys + grants + email_outbox::reseal(tx, batch)?)
}

/// Notes that nothing is sealed with the superseded keys any more. Tokens that they made may still
/// be good: the ring must have each for `longest_life` after it was superseded.
pub fn release(tx: &Transaction<'_>, longest_life: Duration) -> Result<(), StoreError> {
    let millis = i64::try_from(longest_life.as_millis()).unwrap_or(i64::MAX);
    tx.run(
        "UPDATE ring_keys SET needed_until = superseded_at + $1 WHERE superseded_at IS NOT NULL",
        &[&millis],
    )
}
