//! What people let clients do, by issuer, person, client and resource.

use hallpass_issuer::consent::Consent;
use hallpass_protocol::{ClientId, Scopes, Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT issuer, user_id, client_id, resource, scopes, granted_at, expires_at \
             FROM consents ",
            $condition
        )
    };
}

/// What a person let a client do, at every resource.
pub fn list(
    tx: &Transaction<'_>,
    (issuer, user): (&str, &UserId),
    client: &ClientId,
) -> Result<Vec<Consent>, StoreError> {
    const SQL: &str =
        select!("WHERE issuer = $1 AND user_id = $2 AND client_id = $3 ORDER BY resource");
    tx.list(SQL, &[&issuer, user, client], load)
}

/// What a person let all clients do, sorted by client and resource.
pub fn list_of_user(
    tx: &Transaction<'_>,
    issuer: &str,
    user: &UserId,
) -> Result<Vec<Consent>, StoreError> {
    const SQL: &str = select!("WHERE issuer = $1 AND user_id = $2 ORDER BY client_id, resource");
    tx.list(SQL, &[&issuer, user], load)
}

/// Keeps a decision about the scopes `asked`, with what earlier ones said of others. Of two that
/// are made at once one may be forgotten: its scopes are asked for again.
pub fn save(tx: &Transaction<'_>, consent: &Consent, asked: &Scopes) -> Result<(), StoreError> {
    let known = list(tx, (&consent.issuer, &consent.user), &consent.client_id)?;
    let earlier = known
        .iter()
        .find(|earlier| earlier.resource == consent.resource);
    let consent = consent.clone().after(earlier, asked);
    tx.run(
        "INSERT INTO consents \
         (issuer, user_id, client_id, resource, scopes, granted_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (issuer, user_id, client_id, resource) DO UPDATE SET \
         scopes = excluded.scopes, granted_at = excluded.granted_at, \
         expires_at = excluded.expires_at",
        &[
            &consent.issuer,
            &consent.user,
            &consent.client_id,
            &consent.resource,
            &consent.scopes,
            &consent.granted_at,
            &consent.expires_at,
        ],
    )
}

/// Forgets what a person let a client do; how many resources that were.
pub fn delete(
    tx: &Transaction<'_>,
    (issuer, user): (&str, &UserId),
    client: &ClientId,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM consents WHERE issuer = $1 AND user_id = $2 AND client_id = $3",
        &[&issuer, user, client],
    )
}

/// Forgets what a person let all clients do.
pub fn delete_by_user(tx: &Transaction<'_>, issuer: &str, user: &UserId) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM consents WHERE issuer = $1 AND user_id = $2",
        &[&issuer, user],
    )
}

/// Forgets every decision about a client: another one may get its name.
pub fn delete_by_client(tx: &Transaction<'_>, client: &ClientId) -> Result<(), StoreError> {
    tx.run("DELETE FROM consents WHERE client_id = $1", &[client])
}

/// Forgets every decision.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.run("DELETE FROM consents", &[])
}

/// Deletes decisions whose time is over, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM consents WHERE (issuer, user_id, client_id, resource) IN \
         (SELECT issuer, user_id, client_id, resource FROM consents \
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&now, &limit],
    )
}

fn load(row: &mut Row<'_>) -> Result<Consent, StoreError> {
    Ok(Consent {
        issuer: row.take()?,
        user: row.take()?,
        client_id: row.take()?,
        resource: row.take()?,
        scopes: row.take()?,
        granted_at: row.take()?,
        expires_at: row.take()?,
    })
}
