//! Authorizations and their refresh families: one row each, whatever the number of tokens.

use std::time::Duration;

use hallpass_issuer::authorization::{
    Authorization, AuthorizationSeed, Origin, RefreshFamily, RefreshLifetimes, RevokeReason,
};
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::grants::refresh_token::{self, Brought};
use hallpass_issuer::network;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::{AuthorizationId, ClientId, Timestamp, UserId};

use crate::columns::{Bind, Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::revocation_watch::Revoked;

macro_rules! columns {
    () => {
        "id, issuer, client_id, user_id, user_claims, scopes, resource, auth_time, \
         nonce, browser_session, origin, address, created_at, rt_seed_hash, rt_generation, \
         rt_rotates, rt_rotated_at, rt_previously_rotated_at, idle_expires_at, \
         absolute_expires_at, rt_rotated_from, revoked_at, revoke_reason, dpop_jkt, sign_in"
    };
}

macro_rules! select {
    ($condition:literal) => {
        concat!("SELECT ", columns!(), " FROM authorizations ", $condition)
    };
}

/// Keeps a new authorization.
pub fn insert(tx: &Transaction<'_>, authorization: &Authorization) -> Result<(), StoreError> {
    let Authorization {
        seed,
        refresh,
        revoked,
        ..
    } = authorization;
    let refresh = refresh.as_ref();
    tx.run(
        "INSERT INTO authorizations \
         (id, issuer, client_id, user_id, user_claims, scopes, resource, auth_time, nonce, \
         browser_session, origin, address, created_at, rt_seed_hash, rt_generation, rt_rotates, \
         rt_rotated_at, rt_previously_rotated_at, idle_expires_at, absolute_expires_at, \
         rt_rotated_from, revoked_at, revoke_reason, dpop_jkt, sign_in) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25)",
        &[
            &authorization.id,
            &authorization.issuer,
            &authorization.client_id,
            &seed.user.id,
            &json(&seed.user.claims)?,
            &seed.scopes,
            &json(&seed.resource)?,
            &seed.auth_time,
            &seed.nonce,
            &seed.browser_session,
            &origin_number(authorization.origin),
            &authorization.address,
            &authorization.created_at,
            &refresh.map(|family| family.seed_hash),
            &refresh.map(|family| family.generation),
            &refresh.map(|family| family.rotates),
            &refresh.and_then(|family| family.rotated_at),
            &refresh.and_then(|family| family.previously_rotated_at),
            &refresh.map(|family| family.idle_expires_at),
            &refresh.map(|family| family.absolute_expires_at),
            &refresh.and_then(|family| family.rotated_from),
            &revoked.map(|(at, _)| at),
            &revoked.map(|(_, reason)| reason_number(reason)),
            &authorization.dpop_jkt,
            &json(&seed.sign_in)?,
        ],
    )
}

/// The authorization of a `sid`. The caller compares its issuer.
pub fn find(
    tx: &Transaction<'_>,
    id: AuthorizationId,
) -> Result<Option<Authorization>, StoreError> {
    const SQL: &str = select!("WHERE id = $1");
    tx.find(SQL, &[&id], load)
}

/// Whether the authorization of a `sid` is there and was not revoked.
pub fn is_live(tx: &Transaction<'_>, id: AuthorizationId) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM authorizations WHERE id = $1 AND revoked_at IS NULL";
    tx.find(SQL, &[&id], |_| Ok(())).map(|row| row.is_some())
}

/// All authorizations of a person at one issuer, the newest first.
pub fn list_by_user(
    tx: &Transaction<'_>,
    issuer: &str,
    user: &UserId,
) -> Result<Vec<Authorization>, StoreError> {
    const SQL: &str = select!(
        "WHERE id IN (SELECT id FROM authorizations_by_user WHERE issuer = $1 AND user_id = $2) \
         ORDER BY created_at DESC, id DESC"
    );
    tx.list(SQL, &[&issuer, user], load)
}

/// What a person calls their authorizations, where they gave them names.
pub fn list_labels(
    tx: &Transaction<'_>,
    issuer: &str,
    user: &UserId,
) -> Result<Vec<(AuthorizationId, String)>, StoreError> {
    tx.list(
        "SELECT id, label FROM authorizations WHERE id IN \
         (SELECT id FROM authorizations_by_user WHERE issuer = $1 AND user_id = $2) \
         AND label IS NOT NULL",
        &[&issuer, user],
        |row| Ok((row.take()?, row.take()?)),
    )
}

/// Names a live authorization of a person; `None` takes the name away. Whether it is theirs.
pub fn rename(
    tx: &Transaction<'_>,
    (issuer, user): (&str, &UserId),
    id: AuthorizationId,
    label: Option<&str>,
) -> Result<bool, StoreError> {
    tx.execute(
        "UPDATE authorizations SET label = $1 \
         WHERE id = $2 AND issuer = $3 AND user_id = $4 AND revoked_at IS NULL",
        &[&label, &id, &issuer, user],
    )
    .map(|rows| rows > 0)
}

/// Forgets what the authorizations of a person say of them. The rows stay, as they say what ended.
pub fn forget_user(tx: &Transaction<'_>, issuer: &str, user: &UserId) -> Result<(), StoreError> {
    tx.run(
        "UPDATE authorizations SET user_claims = '{}', sign_in = '{}', address = NULL, \
         rt_rotated_from = NULL, label = NULL WHERE id IN \
         (SELECT id FROM authorizations_by_user WHERE issuer = $1 AND user_id = $2)",
        &[&issuer, user],
    )
}

/// Saves the refresh family and the revocation. What was revoked stays so, with its first reason.
pub fn save(tx: &Transaction<'_>, authorization: &Authorization) -> Result<(), StoreError> {
    let refresh = authorization.refresh.as_ref();
    tx.run(
        "UPDATE authorizations SET rt_seed_hash = $1, rt_generation = $2, rt_rotates = $3, \
         rt_rotated_at = $4, rt_previously_rotated_at = $5, idle_expires_at = $6, \
         absolute_expires_at = $7, rt_rotated_from = $8 WHERE id = $9",
        &[
            &refresh.map(|family| family.seed_hash),
            &refresh.map(|family| family.generation),
            &refresh.map(|family| family.rotates),
            &refresh.and_then(|family| family.rotated_at),
            &refresh.and_then(|family| family.previously_rotated_at),
            &refresh.map(|family| family.idle_expires_at),
            &refresh.map(|family| family.absolute_expires_at),
            &refresh.and_then(|family| family.rotated_from),
            &authorization.id,
        ],
    )?;
    match authorization.revoked {
        Some((at, reason)) => revoke(tx, authorization.id, reason, at).map(|_| ()),
        None => Ok(()),
    }
}

/// Rotates a family in one statement: the authorization as it is now, or `None` when that takes a
/// closer look. It does what [`refresh_token::redeem`] decides about a token that is the valid one
/// of a live family that rotates; whatever else there is to decide is decided there.
pub fn rotate(
    tx: &Transaction<'_>,
    brought: Brought<'_>,
    lifetimes: &RefreshLifetimes,
    now: Timestamp,
) -> Result<Option<Authorization>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE authorizations SET rt_generation = rt_generation + 1, \
         rt_previously_rotated_at = rt_rotated_at, rt_rotated_at = $1, \
         idle_expires_at = CASE WHEN absolute_expires_at < $2 THEN absolute_expires_at ELSE $2 END, \
         rt_rotated_from = $3 \
         WHERE id = $4 AND client_id = $5 AND rt_seed_hash = $6 AND rt_generation = $7 \
         AND rt_rotates = 1 AND revoked_at IS NULL AND idle_expires_at > $1 \
         AND absolute_expires_at > $1 AND (rt_rotated_at IS NULL OR rt_rotated_at <= $8) \
         AND (dpop_jkt IS NULL OR dpop_jkt = $9) RETURNING ",
        columns!()
    );
    if !tx.is_remote() {
        // Beside the database, a look and an update are faster than an update that answers a row.
        return Ok(None);
    }
    let Brought {
        client,
        token,
        dpop_jkt,
        address,
    } = brought;
    let values: &[&dyn Bind] = &[
        &now,
        &(now + lifetimes.idle),
        &address.map(network::of),
        &token.authorization,
        client,
        &token.seed_hash(),
        &token.generation,
        &(now + refresh_token::CLOCK_FAULT),
        &dpop_jkt,
    ];
    tx.change_at_once(SQL, values, load)
}

/// Ends an authorization; whether it was there and live. The first reason stays.
pub fn revoke(
    tx: &Transaction<'_>,
    id: AuthorizationId,
    reason: RevokeReason,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE authorizations SET revoked_at = $1, revoke_reason = $2 \
         WHERE id = $3 AND revoked_at IS NULL",
        &[&now, &reason_number(reason), &id],
    )?;
    if rows > 0 {
        tx.note_revoked(Revoked::Authorization(id));
    }
    Ok(rows > 0)
}

/// Ends every authorization of a client; how many they were.
pub fn revoke_by_client(
    tx: &Transaction<'_>,
    client: &ClientId,
    reason: RevokeReason,
    now: Timestamp,
) -> Result<u64, StoreError> {
    revoke_all(
        tx,
        "UPDATE authorizations SET revoked_at = $1, revoke_reason = $2 \
         WHERE client_id = $3 AND revoked_at IS NULL RETURNING id",
        &[&now, &reason_number(reason), client],
    )
}

/// Ends every authorization of a person at one issuer; how many they were.
pub fn revoke_by_user(
    tx: &Transaction<'_>,
    (issuer, user): (&str, &UserId),
    reason: RevokeReason,
    now: Timestamp,
) -> Result<u64, StoreError> {
    revoke_all(
        tx,
        "UPDATE authorizations SET revoked_at = $1, revoke_reason = $2 \
         WHERE id IN (SELECT id FROM authorizations_by_user WHERE issuer = $3 AND user_id = $4) \
         AND revoked_at IS NULL RETURNING id",
        &[&now, &reason_number(reason), &issuer, user],
    )
}

/// Ends what was granted in a browser session without `offline_access` (OIDC Core §11); how many
/// they were.
pub fn revoke_online_by_browser_session(
    tx: &Transaction<'_>,
    session: &BrowserSessionId,
    reason: RevokeReason,
    now: Timestamp,
) -> Result<u64, StoreError> {
    revoke_all(
        tx,
        "UPDATE authorizations SET revoked_at = $1, revoke_reason = $2 \
         WHERE id IN (SELECT id FROM authorizations_by_session WHERE browser_session = $3) \
         AND revoked_at IS NULL \
         AND ' ' || scopes || ' ' NOT LIKE '% offline_access %' RETURNING id",
        &[&now, &reason_number(reason), session],
    )
}

/// Runs a statement that ends authorizations and answers their ids.
fn revoke_all(
    tx: &Transaction<'_>,
    sql: &'static str,
    parameters: &[&dyn Bind],
) -> Result<u64, StoreError> {
    let ended = tx.change(sql, parameters, |row| {
        let id: AuthorizationId = row.take()?;
        Ok(id)
    })?;
    let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
    for id in ended {
        tx.note_revoked(Revoked::Authorization(id));
    }
    Ok(count)
}

/// Forgets every authorization, and with it every token.
pub fn delete_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.note_revoked(Revoked::Everything);
    tx.run("DELETE FROM authorizations", &[])
}

/// Deletes authorizations that ended `remembered` ago, `limit` at most; how many they were. One
/// without refresh tokens counts from its birth: `remembered` must outlast its access tokens.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    // By where a row lies: to look each up by its key takes longer than to delete it.
    const SQLITE: &str = "DELETE FROM authorizations WHERE rowid IN (SELECT rowid FROM authorizations \
         WHERE COALESCE(revoked_at, absolute_expires_at, created_at) <= $1 \
         ORDER BY COALESCE(revoked_at, absolute_expires_at, created_at) LIMIT $2)";
    // A row that changed meanwhile lies elsewhere, and is looked at again.
    const POSTGRES: &str = "DELETE FROM authorizations WHERE ctid = ANY (ARRAY(SELECT ctid FROM authorizations \
         WHERE COALESCE(revoked_at, absolute_expires_at, created_at) <= $1 \
         ORDER BY COALESCE(revoked_at, absolute_expires_at, created_at) LIMIT $2)) \
         AND COALESCE(revoked_at, absolute_expires_at, created_at) <= $1";
    let sql = if tx.is_remote() { POSTGRES } else { SQLITE };
    tx.execute(sql, &[&(now - remembered), &limit])
}

fn load(row: &mut Row<'_>) -> Result<Authorization, StoreError> {
    let mut authorization = Authorization {
        id: row.take()?,
        issuer: row.take()?,
        client_id: row.take()?,
        seed: AuthorizationSeed {
            user: User {
                id: row.take()?,
                claims: row.take().map(|Json(claims)| claims)?,
            },
            sign_in: SignIn::default(),
            scopes: row.take()?,
            resource: row.take().map(|Json(resource)| resource)?,
            auth_time: row.take()?,
            nonce: row.take()?,
            browser_session: row.take()?,
            browser_address: None,
        },
        origin: origin(row.take()?)?,
        address: row.take()?,
        created_at: row.take()?,
        refresh: refresh(row)?,
        revoked: revoked(row)?,
        dpop_jkt: row.take()?,
    };
    authorization.seed.sign_in = row.take().map(|Json(sign_in)| sign_in)?;
    Ok(authorization)
}

fn refresh(row: &mut Row<'_>) -> Result<Option<RefreshFamily>, StoreError> {
    let Some(seed_hash) = row.take()? else {
        row.skip(7);
        return Ok(None);
    };
    Ok(Some(RefreshFamily {
        seed_hash,
        generation: row.take()?,
        rotates: row.take()?,
        rotated_at: row.take()?,
        previously_rotated_at: row.take()?,
        idle_expires_at: row.take()?,
        absolute_expires_at: row.take()?,
        rotated_from: row.take()?,
    }))
}

fn revoked(row: &mut Row<'_>) -> Result<Option<(Timestamp, RevokeReason)>, StoreError> {
    let at: Option<Timestamp> = row.take()?;
    let number: Option<i64> = row.take()?;
    at.zip(number)
        .map(|(at, number)| reason(number).map(|reason| (at, reason)))
        .transpose()
}

fn origin_number(origin: Origin) -> i64 {
    match origin {
        Origin::Code => 1,
        Origin::Device => 2,
        Origin::Exchange => 3,
    }
}

fn origin(number: i64) -> Result<Origin, StoreError> {
    match number {
        1 => Ok(Origin::Code),
        2 => Ok(Origin::Device),
        3 => Ok(Origin::Exchange),
        _ => Err(StoreError::Corrupt(
            "`authorizations.origin` is unknown".to_owned(),
        )),
    }
}

fn reason_number(reason: RevokeReason) -> i64 {
    match reason {
        RevokeReason::Client => 1,
        RevokeReason::User => 2,
        RevokeReason::CodeReplayed => 3,
        RevokeReason::RefreshReused => 4,
        RevokeReason::AccountChanged => 5,
        RevokeReason::SignedOut => 6,
    }
}

fn reason(number: i64) -> Result<RevokeReason, StoreError> {
    match number {
        1 => Ok(RevokeReason::Client),
        2 => Ok(RevokeReason::User),
        3 => Ok(RevokeReason::CodeReplayed),
        4 => Ok(RevokeReason::RefreshReused),
        5 => Ok(RevokeReason::AccountChanged),
        6 => Ok(RevokeReason::SignedOut),
        _ => Err(StoreError::Corrupt(
            "`authorizations.revoke_reason` is unknown".to_owned(),
        )),
    }
}
