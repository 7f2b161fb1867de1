//! Work that one node does at a time, whoever comes first.
//!
//! <https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>

use crate::database::Transaction;
use crate::error::StoreError;

/// Names the lock in the database; any number will do that nothing else uses.
const PURGE: i64 = 7_521_962_890_172_298_100;

/// Whether this transaction may purge: on a server, no other node's transaction does at this moment.
pub fn may_purge(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    if !tx.is_remote() {
        return Ok(true);
    }
    let taken = tx.count(
        "SELECT count(*) FROM (SELECT pg_try_advisory_xact_lock($1) AS is_mine) AS asked WHERE is_mine",
        &[&PURGE],
    )?;
    Ok(taken > 0)
}
