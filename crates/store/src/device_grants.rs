//! Device grants, by the hashes of their two codes. The user code itself is sealed: people are
//! shown it again, and a dump must not hold it.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_issuer::authorization::AuthorizationSeed;
use hallpass_issuer::grants::device_code::{DeviceGrant, DeviceGrantState, Requester};
use hallpass_issuer::grants::device_pace::{Pace, Stage};
use hallpass_issuer::grants::device_poll::PolledGrant;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{AuthorizationId, ClientId, Timestamp};

use crate::columns::{Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::sealed::Place;

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT code_hash, user_code_hash, user_code, issuer, client_id, scopes, resource, \
             address, user_agent, host_label, created_at, expires_at, poll_interval, last_poll_at, \
             status, authorization_seed, authorization_id, dpop_jkt, other_address FROM device_grants ",
            $condition
        )
    };
}

/// Keeps a new grant; [`StoreError::Conflict`] when the issuer still remembers its user code.
pub fn insert(tx: &Transaction<'_>, grant: &DeviceGrant) -> Result<(), StoreError> {
    let (status, seed, authorization) = columns(&grant.state)?;
    let rows = tx.execute(
        "INSERT INTO device_grants \
         (code_hash, user_code_hash, user_code, issuer, client_id, scopes, resource, address, \
         user_agent, host_label, created_at, expires_at, poll_interval, last_poll_at, status, \
         authorization_seed, authorization_id, dpop_jkt) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
         ON CONFLICT DO NOTHING",
        &[
            &grant.code_hash,
            &grant.user_code_hash,
            &tx.seal(user_code(&grant.code_hash), grant.user_code.as_bytes())?,
            &grant.issuer,
            &grant.client_id,
            &grant.scopes,
            &json(&grant.resource)?,
            &grant.requester.address,
            &grant.requester.user_agent,
            &grant.requester.host_label,
            &grant.created_at,
            &grant.expires_at,
            &grant.interval,
            &grant.last_poll_at,
            &status,
            &seed,
            &authorization,
            &grant.dpop_jkt,
        ],
    )?;
    if rows == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
}

/// The grant of a device code of one issuer.
pub fn find_by_code(
    tx: &Transaction<'_>,
    issuer: &str,
    code: &SecretHash,
) -> Result<Option<DeviceGrant>, StoreError> {
    const SQL: &str = select!("WHERE code_hash = $1 AND issuer = $2");
    tx.find(SQL, &[code, &issuer], |row| load(tx, row))
}

/// What a poll of one issuer's device code is answered from, before anything came of it.
pub fn find_polled(
    tx: &Transaction<'_>,
    issuer: &str,
    code: &SecretHash,
) -> Result<Option<PolledGrant>, StoreError> {
    const SQL: &str = "SELECT client_id, resource, expires_at, dpop_jkt, status, poll_interval, last_poll_at, \
        address, other_address FROM device_grants WHERE code_hash = $1 AND issuer = $2";
    tx.find(SQL, &[code, &issuer], load_polled)
}

/// The grant of a user code of one issuer, by the keyed hash of its letters.
pub fn find_by_user_code(
    tx: &Transaction<'_>,
    issuer: &str,
    user_code: &SecretHash,
) -> Result<Option<DeviceGrant>, StoreError> {
    const SQL: &str = select!("WHERE issuer = $1 AND user_code_hash = $2");
    tx.find(SQL, &[&issuer, user_code], |row| load(tx, row))
}

/// The grants of an issuer that wait for a person, the newest first.
pub fn list_pending(
    tx: &Transaction<'_>,
    issuer: &str,
    now: Timestamp,
) -> Result<Vec<DeviceGrant>, StoreError> {
    const SQL: &str =
        select!("WHERE issuer = $1 AND status = 1 AND expires_at > $2 ORDER BY created_at DESC");
    tx.list(SQL, &[&issuer, &now], |row| load(tx, row))
}

/// The grants of a user code at whatever issuer.
pub fn list_by_user_code(
    tx: &Transaction<'_>,
    user_code: &SecretHash,
) -> Result<Vec<DeviceGrant>, StoreError> {
    const SQL: &str = select!("WHERE user_code_hash = $1 ORDER BY issuer");
    tx.list(SQL, &[user_code], |row| load(tx, row))
}

/// The grants of all issuers that wait for a person, the newest first, `limit` at most.
pub fn list_all_pending(
    tx: &Transaction<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DeviceGrant>, StoreError> {
    const SQL: &str =
        select!("WHERE status = 1 AND expires_at > $1 ORDER BY created_at DESC LIMIT $2");
    tx.list(SQL, &[&now, &limit], |row| load(tx, row))
}

/// Seals again what another key than the first of the ring sealed.
pub(crate) fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    const SQL: &str = select!("WHERE substr(user_code, 2, 1) <> $1 LIMIT $2");
    let first = vec![tx.sealing().minting().id()];
    let grants = tx.list(SQL, &[&first, &batch], |row| load(tx, row))?;
    for grant in &grants {
        let sealed = tx.seal(user_code(&grant.code_hash), grant.user_code.as_bytes())?;
        tx.run(
            "UPDATE device_grants SET user_code = $1 WHERE code_hash = $2",
            &[&sealed, &grant.code_hash],
        )?;
    }
    Ok(u64::try_from(grants.len()).unwrap_or(u64::MAX))
}

/// How many grants of a client wait for a person.
pub fn count_live_of_client(
    tx: &Transaction<'_>,
    issuer: &str,
    client: &ClientId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.count(
        "SELECT count(*) FROM device_grants \
         WHERE issuer = $1 AND client_id = $2 AND status = 1 AND expires_at > $3",
        &[&issuer, client, &now],
    )
}

/// How many grants there are, of all issuers and in every state.
pub fn count_rows(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM device_grants", &[])
}

/// Saves what polls and people change.
pub fn save(tx: &Transaction<'_>, grant: &DeviceGrant) -> Result<(), StoreError> {
    tx.note_device_decision();
    let (status, seed, authorization) = columns(&grant.state)?;
    tx.run(
        "UPDATE device_grants SET poll_interval = $1, last_poll_at = $2, status = $3, \
         authorization_seed = $4, authorization_id = $5 WHERE code_hash = $6",
        &[
            &grant.interval,
            &grant.last_poll_at,
            &status,
            &seed,
            &authorization,
            &grant.code_hash,
        ],
    )?;
    match grant.state {
        // A poll may wait for this at another node. Whoever redeems waits no more.
        DeviceGrantState::Approved { .. } | DeviceGrantState::Denied => {
            tx.tell_device_decision(&grant.code_hash)
        }
        DeviceGrantState::Pending | DeviceGrantState::Redeemed { .. } => Ok(()),
    }
}

/// Saves the first address in another network that a grant was polled from.
pub fn save_other_address(
    tx: &Transaction<'_>,
    code: &SecretHash,
    address: IpAddr,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE device_grants SET other_address = $1 \
         WHERE code_hash = $2 AND other_address IS NULL",
        &[&address, code],
    )
}

/// Saves when a grant ends. Only tests change that, so [`save`] leaves it and its index alone.
pub fn save_expiry(tx: &Transaction<'_>, grant: &DeviceGrant) -> Result<(), StoreError> {
    tx.note_device_decision();
    tx.run(
        "UPDATE device_grants SET expires_at = $1 WHERE code_hash = $2",
        &[&grant.expires_at, &grant.code_hash],
    )
}

/// Forgets every grant.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.note_device_decision();
    tx.run("DELETE FROM device_grants", &[])
}

/// Deletes grants that expired `remembered` ago, `limit` at most; how many they were.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.note_device_decision();
    tx.execute(
        "DELETE FROM device_grants WHERE code_hash IN (SELECT code_hash \
         FROM device_grants WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&(now - remembered), &limit],
    )
}

fn load(tx: &Transaction<'_>, row: &mut Row<'_>) -> Result<DeviceGrant, StoreError> {
    let (code_hash, user_code_hash) = (row.take()?, row.take()?);
    let shown = tx.open(user_code(&code_hash), &row.take::<Vec<u8>>()?)?;
    let mut grant = DeviceGrant {
        code_hash,
        user_code_hash,
        user_code: String::from_utf8(shown)
            .map_err(|_| StoreError::Corrupt("`device_grants.user_code` is no text".to_owned()))?,
        issuer: row.take()?,
        client_id: row.take()?,
        scopes: row.take()?,
        resource: row.take().map(|Json(resource)| resource)?,
        requester: Requester {
            address: row.take()?,
            other_address: None,
            user_agent: row.take()?,
            host_label: row.take()?,
        },
        created_at: row.take()?,
        expires_at: row.take()?,
        interval: row.take()?,
        last_poll_at: row.take()?,
        state: state(row)?,
        dpop_jkt: row.take()?,
    };
    grant.requester.other_address = row.take()?;
    Ok(grant)
}

/// Reads the columns of [`find_polled`].
pub(crate) fn load_polled(row: &mut Row<'_>) -> Result<PolledGrant, StoreError> {
    Ok(PolledGrant {
        client_id: row.take()?,
        resource: row.take().map(|Json(resource)| resource)?,
        expires_at: row.take()?,
        dpop_jkt: row.take()?,
        stage: match row.take()? {
            PENDING => Stage::Pending,
            APPROVED => Stage::Approved,
            DENIED => Stage::Denied,
            REDEEMED => Stage::Redeemed,
            _ => return Err(unknown_status()),
        },
        pace: Pace {
            interval: row.take()?,
            last_poll_at: row.take()?,
        },
        address: row.take()?,
        other_address: row.take()?,
    })
}

type StateColumns = (i64, Option<String>, Option<AuthorizationId>);

fn columns(state: &DeviceGrantState) -> Result<StateColumns, StoreError> {
    Ok(match state {
        DeviceGrantState::Pending => (PENDING, None, None),
        DeviceGrantState::Approved { seed } => (APPROVED, Some(json(seed)?), None),
        DeviceGrantState::Denied => (DENIED, None, None),
        DeviceGrantState::Redeemed { authorization } => (REDEEMED, None, Some(*authorization)),
    })
}

fn state(row: &mut Row<'_>) -> Result<DeviceGrantState, StoreError> {
    let status: i64 = row.take()?;
    let seed: Option<Json<AuthorizationSeed>> = row.take()?;
    match (status, seed, row.take()?) {
        (PENDING, None, None) => Ok(DeviceGrantState::Pending),
        (APPROVED, Some(Json(seed)), None) => Ok(DeviceGrantState::Approved {
            seed: Box::new(seed),
        }),
        (DENIED, None, None) => Ok(DeviceGrantState::Denied),
        (REDEEMED, None, Some(authorization)) => Ok(DeviceGrantState::Redeemed { authorization }),
        _ => Err(unknown_status()),
    }
}

fn unknown_status() -> StoreError {
    StoreError::Corrupt("`device_grants.status` is unknown".to_owned())
}

fn user_code(code: &SecretHash) -> Place<'_> {
    Place {
        table: "device_grants",
        column: "user_code",
        row: code.as_bytes(),
    }
}

/// The partial index and the statements above spell it out.
const PENDING: i64 = 1;
const APPROVED: i64 = 2;
const DENIED: i64 = 3;
const REDEEMED: i64 = 4;
