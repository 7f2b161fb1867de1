//! Invitation and reset links, by the hash of what stands in them.

use hallpass_issuer::account_link::{AccountLink, Purpose};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// Keeps a new link.
pub fn insert(tx: &Transaction<'_>, link: &AccountLink) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO account_links (token_hash, user_id, purpose, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            &link.token_hash,
            &link.user,
            &purpose_number(link.purpose),
            &link.created_at,
            &link.expires_at,
        ],
    )
}

/// The link of a token.
pub fn find(tx: &Transaction<'_>, token: &SecretHash) -> Result<Option<AccountLink>, StoreError> {
    tx.find(
        "SELECT token_hash, user_id, purpose, created_at, expires_at FROM account_links \
         WHERE token_hash = $1",
        &[token],
        load,
    )
}

/// Removes one link.
pub fn delete(tx: &Transaction<'_>, token: &SecretHash) -> Result<(), StoreError> {
    tx.run("DELETE FROM account_links WHERE token_hash = $1", &[token])
}

/// Removes every link of an account; how many they were.
pub fn delete_by_user(tx: &Transaction<'_>, user: &UserId) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM account_links WHERE user_id = $1", &[user])
}

/// Forgets links that expired, `limit` at most; how many they were.
pub fn purge_expired(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM account_links WHERE token_hash IN (SELECT token_hash FROM account_links \
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[&now, &limit],
    )
}

fn load(row: &mut Row<'_>) -> Result<AccountLink, StoreError> {
    Ok(AccountLink {
        token_hash: row.take()?,
        user: row.take()?,
        purpose: purpose(row.take()?)?,
        created_at: row.take()?,
        expires_at: row.take()?,
    })
}

fn purpose_number(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Invitation => 1,
        Purpose::Reset => 2,
    }
}

fn purpose(number: i64) -> Result<Purpose, StoreError> {
    match number {
        1 => Ok(Purpose::Invitation),
        2 => Ok(Purpose::Reset),
        _ => Err(StoreError::Corrupt(
            "`account_links.purpose` is unknown".to_owned(),
        )),
    }
}
