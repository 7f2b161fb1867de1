//! Tries that did not succeed, by the hash of whoever guesses: what they are called may be a secret
//! that was typed into the wrong field.

use std::time::Duration;

use hallpass_issuer::limits::{Failures, Limit};
use hallpass_issuer::lockout::Tries;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;

use crate::database::Transaction;
use crate::error::StoreError;

/// The tries of a guesser. The job has them to itself until it ends, also when there were none.
pub fn load(tx: &Transaction<'_>, bucket: &SecretHash) -> Result<Tries, StoreError> {
    tx.run(
        "INSERT INTO counters (bucket, count) VALUES ($1, 0) ON CONFLICT DO NOTHING",
        &[bucket],
    )?;
    let found = tx.find(
        "SELECT count, last_at, locked_until FROM counters WHERE bucket = $1",
        &[bucket],
        |row| {
            Ok(Tries {
                count: row.take()?,
                last_at: row.take()?,
                locked_until: row.take()?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// Until when nothing of a guesser is looked at, as far as that was ever said.
pub fn find_lock(
    tx: &Transaction<'_>,
    bucket: &SecretHash,
) -> Result<Option<Timestamp>, StoreError> {
    let found = tx.find(
        "SELECT locked_until FROM counters WHERE bucket = $1",
        &[bucket],
        |row| {
            let until: Option<Timestamp> = row.take()?;
            Ok(until)
        },
    )?;
    Ok(found.flatten())
}

/// Counts a failure of a guesser, beside those that other nodes count; what there was before it. One
/// that comes while the guesser is locked adds nothing.
pub fn add_failure(
    tx: &Transaction<'_>,
    bucket: &SecretHash,
    limit: Limit,
    now: Timestamp,
) -> Result<Failures, StoreError> {
    let known = load(tx, bucket)?;
    let before = Failures {
        since: known.last_at,
        count: known.count,
        locked_until: known.locked_until,
    };
    if before.locked_for(now).is_some() {
        return Ok(before);
    }
    let failures = before.add(limit, now);
    let tries = Tries {
        count: failures.count,
        last_at: failures.since,
        locked_until: failures.locked_until,
    };
    save(tx, bucket, tries)?;
    Ok(before)
}

/// Saves what a try came to.
pub fn save(tx: &Transaction<'_>, bucket: &SecretHash, tries: Tries) -> Result<(), StoreError> {
    tx.run(
        "UPDATE counters SET count = $1, last_at = $2, locked_until = $3 WHERE bucket = $4",
        &[&tries.count, &tries.last_at, &tries.locked_until, bucket],
    )
}

/// Forgets the tries of a guesser.
pub fn delete(tx: &Transaction<'_>, bucket: &SecretHash) -> Result<(), StoreError> {
    tx.run("DELETE FROM counters WHERE bucket = $1", &[bucket])
}

/// Forgets guessers that were quiet for `remembered`, `limit` at most; how many they were.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM counters WHERE bucket IN (SELECT bucket FROM counters \
         WHERE last_at <= $1 ORDER BY last_at LIMIT $2)",
        &[&(now - remembered), &limit],
    )
}
