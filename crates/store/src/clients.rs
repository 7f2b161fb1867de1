//! Clients that registered themselves (RFC 7591), by their id.

use hallpass_issuer::registration::RegisteredClient;
use hallpass_protocol::ClientId;

use crate::columns::{Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, issuer, metadata, secret_hash, registration_hash, created_at FROM clients ",
            $condition
        )
    };
}

/// Keeps a new client.
pub fn insert(tx: &Transaction<'_>, client: &RegisteredClient) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO clients (id, issuer, metadata, secret_hash, registration_hash, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &client.id,
            &client.issuer,
            &json(&client.metadata)?,
            &client.secret,
            &client.registration,
            &client.created_at,
        ],
    )
    .map(|_| ())
}

/// The client of an id.
pub fn find(tx: &Transaction<'_>, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError> {
    const SQL: &str = select!("WHERE id = $1");
    tx.find(SQL, &[id], load)
}

/// Every client.
pub fn list(tx: &Transaction<'_>) -> Result<Vec<RegisteredClient>, StoreError> {
    const SQL: &str = select!("ORDER BY id");
    tx.list(SQL, &[], load)
}

/// How many there are.
pub fn count_rows(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM clients", &[])
}

/// Saves what an update changes; whether the client was still there.
pub fn save(tx: &Transaction<'_>, client: &RegisteredClient) -> Result<bool, StoreError> {
    tx.execute(
        "UPDATE clients SET metadata = $1, secret_hash = $2 WHERE id = $3",
        &[&json(&client.metadata)?, &client.secret, &client.id],
    )
    .map(|rows| rows > 0)
}

/// Removes a client.
pub fn delete(tx: &Transaction<'_>, id: &ClientId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM clients WHERE id = $1", &[id])
        .map(|_| ())
}

/// Removes all of them.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM clients", &[]).map(|_| ())
}

fn load(row: &mut Row<'_>) -> Result<RegisteredClient, StoreError> {
    Ok(RegisteredClient {
        id: row.take()?,
        issuer: row.take()?,
        metadata: row.take().map(|Json(metadata)| metadata)?,
        secret: row.take()?,
        registration: row.take()?,
        created_at: row.take()?,
    })
}
