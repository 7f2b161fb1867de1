//! The authenticator apps of people; what the app shares with the server is sealed.

use hallpass_issuer::factors::totp::{Step, TotpSeed};
use hallpass_protocol::{Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::sealed::Place;

/// A person's authenticator app.
#[derive(Clone, Debug)]
pub struct TotpSecret {
    /// What the app and the server share.
    pub seed: TotpSeed,
    /// The last step whose code was used.
    pub last_step: Step,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it last proved something.
    pub last_used_at: Option<Timestamp>,
}

/// Keeps a person's app, in place of the one before.
pub fn save(tx: &Transaction<'_>, user: &UserId, secret: &TotpSecret) -> Result<(), StoreError> {
    let sealed = tx.seal(place(user), secret.seed.as_bytes())?;
    tx.run(
        "INSERT INTO totp_secrets (user_id, seed, last_step, created_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET \
         seed = excluded.seed, last_step = excluded.last_step, created_at = excluded.created_at, \
         last_used_at = excluded.last_used_at",
        &[
            user,
            &sealed,
            &secret.last_step.number(),
            &secret.created_at,
            &secret.last_used_at,
        ],
    )
}

/// The app of a person. A job that may write has it to itself until it ends: of two that show one
/// code, the second finds it used.
pub fn find(tx: &Transaction<'_>, user: &UserId) -> Result<Option<TotpSecret>, StoreError> {
    tx.find(
        "SELECT seed, last_step, created_at, last_used_at FROM totp_secrets WHERE user_id = $1",
        &[user],
        |row| load(tx, user, row),
    )
}

/// Notes that the code of a step is used up, and with it all codes before.
pub fn note_used(
    tx: &Transaction<'_>,
    user: &UserId,
    step: Step,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE totp_secrets SET last_step = $1, last_used_at = $2 WHERE user_id = $3",
        &[&step.number(), &now, user],
    )
}

/// Removes the app of a person; whether they had one.
pub fn delete(tx: &Transaction<'_>, user: &UserId) -> Result<bool, StoreError> {
    let rows = tx.execute("DELETE FROM totp_secrets WHERE user_id = $1", &[user])?;
    Ok(rows > 0)
}

/// Seals again what another key than the first of the ring sealed.
pub(crate) fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    let first = vec![tx.sealing().minting().id()];
    let others = tx.list(
        "SELECT user_id, seed FROM totp_secrets WHERE substr(seed, 2, 1) <> $1 LIMIT $2",
        &[&first, &batch],
        |row| {
            let user: UserId = row.take()?;
            let sealed: Vec<u8> = row.take()?;
            Ok((user, sealed))
        },
    )?;
    for (user, sealed) in &others {
        let seed = open(tx, user, sealed)?;
        tx.run(
            "UPDATE totp_secrets SET seed = $1 WHERE user_id = $2",
            &[&tx.seal(place(user), seed.as_bytes())?, user],
        )?;
    }
    Ok(u64::try_from(others.len()).unwrap_or(u64::MAX))
}

fn load(tx: &Transaction<'_>, user: &UserId, row: &mut Row<'_>) -> Result<TotpSecret, StoreError> {
    let sealed: Vec<u8> = row.take()?;
    Ok(TotpSecret {
        seed: open(tx, user, &sealed)?,
        last_step: Step::from_number(row.take()?),
        created_at: row.take()?,
        last_used_at: row.take()?,
    })
}

fn open(tx: &Transaction<'_>, user: &UserId, sealed: &[u8]) -> Result<TotpSeed, StoreError> {
    let bytes = tx.open(place(user), sealed)?;
    let bytes = bytes.try_into();
    bytes.map(TotpSeed::from_bytes).map_err(|_: Vec<u8>| {
        StoreError::Corrupt("`totp_secrets.seed` has another length".to_owned())
    })
}

fn place(user: &UserId) -> Place<'_> {
    Place {
        table: "totp_secrets",
        column: "seed",
        row: user.as_str().as_bytes(),
    }
}
