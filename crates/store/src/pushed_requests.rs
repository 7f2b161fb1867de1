//! Pushed authorization requests, by the hash of their `request_uri` (RFC 9126).

use std::time::Duration;

use hallpass_issuer::pushed_request::PushedRequest;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{ClientId, Timestamp};

use crate::columns::{Json, json};
use crate::database::Transaction;
use crate::error::StoreError;

/// Keeps a new request.
pub fn insert(tx: &Transaction<'_>, pushed: &PushedRequest) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO pushed_requests (request_hash, issuer, client_id, parameters, pushed_from, pushed_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &pushed.hash,
            &pushed.issuer,
            &pushed.client_id,
            &json(&pushed.parameters)?,
            &pushed.pushed_from,
            &pushed.pushed_at,
            &pushed.expires_at,
        ],
    )
    .map(|_| ())
}

/// The request of one issuer.
pub fn find(
    tx: &Transaction<'_>,
    issuer: &str,
    hash: &SecretHash,
) -> Result<Option<PushedRequest>, StoreError> {
    tx.find(
        "SELECT request_hash, issuer, client_id, parameters, pushed_from, pushed_at, expires_at \
         FROM pushed_requests WHERE request_hash = $1 AND issuer = $2",
        &[hash, &issuer],
        |row| {
            Ok(PushedRequest {
                hash: row.take()?,
                issuer: row.take()?,
                client_id: row.take()?,
                parameters: row.take().map(|Json(parameters)| parameters)?,
                pushed_from: row.take()?,
                pushed_at: row.take()?,
                expires_at: row.take()?,
            })
        },
    )
}

/// Uses a request up; whether it was there. Of two who ask at once one is told so.
pub fn delete(tx: &Transaction<'_>, hash: &SecretHash) -> Result<bool, StoreError> {
    tx.execute(
        "DELETE FROM pushed_requests WHERE request_hash = $1",
        &[hash],
    )
    .map(|rows| rows > 0)
}

/// Forgets the requests of a client that is gone.
pub fn delete_by_client(tx: &Transaction<'_>, client: &ClientId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM pushed_requests WHERE client_id = $1",
        &[client],
    )
    .map(|_| ())
}

/// How many there are, of all issuers.
pub fn count_rows(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM pushed_requests", &[])
}

/// Forgets every request.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM pushed_requests", &[]).map(|_| ())
}

/// Deletes requests that expired `remembered` ago, `limit` at most; how many they were.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM pushed_requests WHERE request_hash IN (SELECT request_hash \
         FROM pushed_requests WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&(now - remembered), &limit],
    )
}
