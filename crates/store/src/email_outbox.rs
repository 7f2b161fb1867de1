//! Mail that is due. A row says which mail to whom; text and link are made when it is sent, so that
//! no link lies in the database.

use std::time::Duration;

use hallpass_issuer::mail::{Due, Kind};
use hallpass_protocol::{Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::sealed::Place;

/// Puts a mail into the outbox.
pub fn insert(tx: &Transaction<'_>, due: &Due) -> Result<(), StoreError> {
    let (number, user, typed): (u32, _, _) = match &due.kind {
        Kind::Invitation(user) => (1, Some(user), None),
        Kind::Recovery { typed } => {
            let sealed = tx.seal(place(&due.id), typed.as_bytes())?;
            (2, None, Some(sealed))
        }
        Kind::PasswordChanged(user) => (3, Some(user), None),
        Kind::FactorsChanged(user) => (4, Some(user), None),
        Kind::CodeElsewhere(user) => (7, Some(user), None),
        Kind::SignUp { typed } => {
            let sealed = tx.seal(place(&due.id), typed.as_bytes())?;
            (8, None, Some(sealed))
        }
    };
    tx.run(
        "INSERT INTO email_outbox (id, kind, user_id, typed, locale, created_at, attempts, due_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &due.id,
            &number,
            &user,
            &typed,
            &due.locale,
            &due.created_at,
            &due.attempts,
            &due.due_at,
        ],
    )
}

/// Takes the mail that has waited longest, for `lease`: after that somebody else may take it.
pub fn claim(
    tx: &Transaction<'_>,
    now: Timestamp,
    lease: Duration,
) -> Result<Option<Due>, StoreError> {
    let found = tx.find(
        "SELECT id, kind, user_id, typed, locale, created_at, attempts, due_at FROM email_outbox \
         WHERE due_at <= $1 ORDER BY due_at LIMIT 1",
        &[&now],
        |row| load(tx, row),
    )?;
    if let Some(due) = &found {
        tx.run(
            "UPDATE email_outbox SET due_at = $1 WHERE id = $2",
            &[&(now + lease), &due.id],
        )?;
    }
    Ok(found)
}

/// Tries again later.
pub fn postpone(tx: &Transaction<'_>, due: &Due) -> Result<(), StoreError> {
    tx.run(
        "UPDATE email_outbox SET attempts = $1, due_at = $2 WHERE id = $3",
        &[&due.attempts, &due.due_at, &due.id],
    )
}

/// Removes a mail that was sent, or never will be.
pub fn delete(tx: &Transaction<'_>, id: &[u8; 16]) -> Result<(), StoreError> {
    tx.run("DELETE FROM email_outbox WHERE id = $1", &[id])
}

/// Seals again what another key than the first of the ring sealed.
pub(crate) fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    let first = vec![tx.sealing().minting().id()];
    let waiting = tx.list(
        "SELECT id, kind, user_id, typed, locale, created_at, attempts, due_at FROM email_outbox \
         WHERE typed IS NOT NULL AND substr(typed, 2, 1) <> $1 LIMIT $2",
        &[&first, &batch],
        |row| load(tx, row),
    )?;
    let mut resealed = 0;
    for due in &waiting {
        if let Kind::Recovery { typed } | Kind::SignUp { typed } = &due.kind {
            let sealed = tx.seal(place(&due.id), typed.as_bytes())?;
            tx.run(
                "UPDATE email_outbox SET typed = $1 WHERE id = $2",
                &[&sealed, &due.id],
            )?;
            resealed += 1;
        }
    }
    Ok(resealed)
}

/// How many mails wait.
pub fn count_rows(tx: &Transaction<'_>) -> Result<u64, StoreError> {
    tx.count("SELECT count(*) FROM email_outbox", &[])
}

fn load(tx: &Transaction<'_>, row: &mut Row<'_>) -> Result<Due, StoreError> {
    let id: [u8; 16] = row.take()?;
    let number: i64 = row.take()?;
    let user: Option<UserId> = row.take()?;
    let typed: Option<Vec<u8>> = row.take()?;
    let kind = match (number, user, typed) {
        (1, Some(user), _) => Kind::Invitation(user),
        (2, _, Some(sealed)) => Kind::Recovery {
            typed: open_typed(tx, &id, &sealed)?,
        },
        (8, _, Some(sealed)) => Kind::SignUp {
            typed: open_typed(tx, &id, &sealed)?,
        },
        (3, Some(user), _) => Kind::PasswordChanged(user),
        (4, Some(user), _) => Kind::FactorsChanged(user),
        (7, Some(user), _) => Kind::CodeElsewhere(user),
        _ => {
            return Err(StoreError::Corrupt(
                "`email_outbox.kind` is unknown".to_owned(),
            ));
        }
    };
    Ok(Due {
        id,
        kind,
        locale: row.take()?,
        created_at: row.take()?,
        attempts: row.take()?,
        due_at: row.take()?,
    })
}

fn open_typed(tx: &Transaction<'_>, id: &[u8; 16], sealed: &[u8]) -> Result<String, StoreError> {
    Ok(String::from_utf8_lossy(&tx.open(place(id), sealed)?).into_owned())
}

fn place(id: &[u8; 16]) -> Place<'_> {
    Place {
        table: "email_outbox",
        column: "typed",
        row: id,
    }
}
