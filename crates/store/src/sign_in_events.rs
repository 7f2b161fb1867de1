//! Tries to sign in to an account, for its person to look back at.

use std::time::Duration;

use hallpass_issuer::sign_in_event::{Outcome, SignInEvent};
use hallpass_protocol::{Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// Keeps a try, in place of one with the same id.
pub fn save(tx: &Transaction<'_>, event: &SignInEvent) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO sign_in_events (id, user_id, at, outcome, address, browser) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
         user_id = excluded.user_id, at = excluded.at, outcome = excluded.outcome, \
         address = excluded.address, browser = excluded.browser",
        &[
            &event.id,
            &event.user,
            &event.at,
            &outcome_number(event.outcome),
            &event.address,
            &event.browser,
        ],
    )
}

/// Whether a try of a person waits for its second factor. A job that may write has it to itself.
pub fn is_waiting(
    tx: &Transaction<'_>,
    (id, user): (&[u8; 16], &UserId),
) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT outcome FROM sign_in_events WHERE id = $1 AND user_id = $2",
        &[id, user],
        |row| outcome(row.take()?),
    )?;
    Ok(found == Some(Outcome::Unfinished))
}

/// Finishes a try of a person that waited for its second factor; whether it did wait. That happens
/// once, so that no answer to it counts twice.
pub fn finish(
    tx: &Transaction<'_>,
    (id, user): (&[u8; 16], &UserId),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE sign_in_events SET outcome = $1, at = $2 \
         WHERE id = $3 AND user_id = $4 AND outcome = $5",
        &[
            &outcome_number(Outcome::SignedIn),
            &now,
            id,
            user,
            &outcome_number(Outcome::Unfinished),
        ],
    )?;
    Ok(rows > 0)
}

/// The tries at a person's account, the newest first, `limit` at most.
pub fn list_by_user(
    tx: &Transaction<'_>,
    user: &UserId,
    limit: u32,
) -> Result<Vec<SignInEvent>, StoreError> {
    tx.list(
        "SELECT id, user_id, at, outcome, address, browser FROM sign_in_events \
         WHERE user_id = $1 ORDER BY at DESC, id DESC LIMIT $2",
        &[user, &limit],
        load,
    )
}

/// Forgets the tries at a person's account.
pub fn delete_by_user(tx: &Transaction<'_>, user: &UserId) -> Result<(), StoreError> {
    tx.run("DELETE FROM sign_in_events WHERE user_id = $1", &[user])
}

/// Deletes tries that were made `remembered` ago, `limit` at most; how many they were.
pub fn purge_expired(
    tx: &Transaction<'_>,
    now: Timestamp,
    remembered: Duration,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM sign_in_events WHERE id IN (SELECT id FROM sign_in_events \
         WHERE at <= $1 ORDER BY at LIMIT $2)",
        &[&(now - remembered), &limit],
    )
}

fn load(row: &mut Row<'_>) -> Result<SignInEvent, StoreError> {
    Ok(SignInEvent {
        id: row.take()?,
        user: row.take()?,
        at: row.take()?,
        outcome: outcome(row.take()?)?,
        address: row.take()?,
        browser: row.take()?,
    })
}

fn outcome_number(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::SignedIn => 1,
        Outcome::Refused => 2,
        Outcome::Unfinished => 3,
    }
}

fn outcome(number: i64) -> Result<Outcome, StoreError> {
    match number {
        1 => Ok(Outcome::SignedIn),
        2 => Ok(Outcome::Refused),
        3 => Ok(Outcome::Unfinished),
        _ => Err(StoreError::Corrupt(
            "`sign_in_events.outcome` is unknown".to_owned(),
        )),
    }
}
