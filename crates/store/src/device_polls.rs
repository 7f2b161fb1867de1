//! How devices poll, where several nodes answer them. One process keeps that in memory.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use hallpass_issuer::grants::device_pace::{LONGEST_INTERVAL, POLL_TOLERANCE, SLOW_DOWN_STEP};
use hallpass_issuer::grants::device_poll::{PollTime, PolledGrant};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{ClientId, Timestamp};

use crate::database::{Row, Transaction};
use crate::device_grants;
use crate::error::StoreError;

/// Whoever polls: a client, and the DPoP key (its thumbprint) that it showed.
#[derive(Clone, Copy, Debug)]
pub struct Poller<'a> {
    /// The client.
    pub client: &'a ClientId,
    /// Its key.
    pub dpop_jkt: Option<&'a str>,
}

/// Counts a poll of the device that asked for a grant, and answers the grant as it is after it, and
/// whether the poll came too early. A poll of anybody else counts for nothing. It does what
/// [`PolledGrant::answer`] does in memory, in one round trip and a transaction of its own, whose
/// commit waits for no disk.
pub fn count(
    tx: &Transaction<'_>,
    (issuer, code): (&str, &SecretHash),
    poller: Poller<'_>,
    time: PollTime,
) -> Result<Option<(PolledGrant, bool)>, StoreError> {
    const SQL: &str = "WITH polled AS (SELECT client_id, resource, expires_at, dpop_jkt, status, \
         poll_interval, last_poll_at, address, other_address \
         FROM device_grants WHERE code_hash = $1 AND issuer = $2), \
         paced AS (INSERT INTO device_polls AS pace \
         (code_hash, poll_interval, last_poll_at, is_early, expires_at) \
         SELECT $1::bytea, poll_interval, $3::bigint, 0, expires_at FROM polled \
         WHERE client_id = $4 AND (dpop_jkt IS NULL OR dpop_jkt = $5) \
         ON CONFLICT (code_hash) DO UPDATE SET \
         poll_interval = CASE WHEN $6::bigint + $7::bigint < pace.last_poll_at + pace.poll_interval \
         THEN LEAST(pace.poll_interval + $8::bigint, $9::bigint) ELSE pace.poll_interval END, \
         is_early = CASE WHEN $6::bigint + $7::bigint < pace.last_poll_at + pace.poll_interval \
         THEN 1 ELSE 0 END, \
         last_poll_at = excluded.last_poll_at \
         RETURNING poll_interval, last_poll_at, is_early) \
         SELECT client_id, resource, expires_at, dpop_jkt, status, \
         COALESCE(paced.poll_interval, polled.poll_interval), \
         COALESCE(paced.last_poll_at, polled.last_poll_at), address, other_address, \
         COALESCE(paced.is_early, 0) FROM polled LEFT JOIN paced ON true";
    let load = |row: &mut Row<'_>| Ok((device_grants::load_polled(row)?, row.take()?));
    tx.change_at_once(
        SQL,
        &[
            code,
            &issuer,
            &time.came,
            poller.client,
            &poller.dpop_jkt,
            &time.answered,
            &POLL_TOLERANCE,
            &SLOW_DOWN_STEP,
            &LONGEST_INTERVAL,
        ],
        load,
    )
}

/// Forgets how grants were polled that have expired, `limit` at most.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    if !tx.is_remote() {
        return Ok(0);
    }
    tx.execute(
        "DELETE FROM device_polls WHERE code_hash IN (SELECT code_hash FROM device_polls \
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&now, &limit],
    )
}
