//! People with accounts.

use hallpass_issuer::account::{Account, EmailAddress, Role, Status, Username};
use hallpass_protocol::{Timestamp, UserId};

use crate::database::{Row, Transaction};
use crate::error::StoreError;
use crate::{passkeys, passwords, recovery_codes, totp_secrets};

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, username, display_name, email, email_verified_at, status, role, \
             locale, created_at, last_login_at, security_epoch FROM users ",
            $condition
        )
    };
}

/// Keeps a new account. [`StoreError::Conflict`] when its name is taken, or its proven address.
pub fn insert(tx: &Transaction<'_>, account: &Account) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO users (id, username, username_folded, display_name, email, email_folded, \
         email_verified_at, status, role, locale, created_at, last_login_at, security_epoch) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            &account.id,
            &account.username.as_str(),
            &account.username.folded(),
            &account.display_name,
            &account.email.as_ref().map(EmailAddress::as_str),
            &account.email.as_ref().map(EmailAddress::folded),
            &account.email_verified_at,
            &status_number(account.status),
            &role_number(account.role),
            &account.locale,
            &account.created_at,
            &account.last_login_at,
            &account.security_epoch,
        ],
    )
    .map(|_| ())
}

/// The account of a `sub`. A job that may write has it to itself until it ends.
pub fn find(tx: &Transaction<'_>, id: &UserId) -> Result<Option<Account>, StoreError> {
    const SQL: &str = select!("WHERE id = $1");
    tx.find(SQL, &[id], load)
}

/// The account of a user name, however it is spelled.
pub fn find_by_username(
    tx: &Transaction<'_>,
    username: &Username,
) -> Result<Option<Account>, StoreError> {
    const SQL: &str = select!("WHERE username_folded = $1");
    tx.find(SQL, &[&username.folded()], load)
}

/// The account whose person proved that they read this address.
pub fn find_by_verified_email(
    tx: &Transaction<'_>,
    email: &EmailAddress,
) -> Result<Option<Account>, StoreError> {
    const SQL: &str = select!("WHERE email_folded = $1 AND email_verified_at IS NOT NULL");
    tx.find(SQL, &[&email.folded()], load)
}

/// The account that stands in the way of a new one for an address: whose address it is, proven or not,
/// or whose user name. Of several the one that proved it.
pub fn find_by_address_or_username(
    tx: &Transaction<'_>,
    email: &EmailAddress,
) -> Result<Option<Account>, StoreError> {
    const SQL: &str = select!(
        "WHERE email_folded = $1 OR username_folded = $1 \
         ORDER BY email_verified_at IS NULL, created_at, id"
    );
    let found = tx.list(SQL, &[&email.folded()], load)?;
    Ok(found.into_iter().next())
}

/// Accounts in the order of their names, from after a name on, `limit` at most.
pub fn list(tx: &Transaction<'_>, after: &str, limit: u32) -> Result<Vec<Account>, StoreError> {
    const SQL: &str = select!("WHERE username_folded > $1 ORDER BY username_folded LIMIT $2");
    tx.list(SQL, &[&after, &limit], load)
}

/// Whether anybody but this account may administer and can sign in. A job that may write has those
/// accounts to itself until it ends: of two that would each be the last, the second sees the first.
pub fn has_other_admin(tx: &Transaction<'_>, id: &UserId) -> Result<bool, StoreError> {
    const SQL: &str = select!("WHERE role = $1 ORDER BY id");
    let mut found = false;
    for admin in tx.list(SQL, &[&role_number(Role::Admin)], load)? {
        // Listing locks nothing.
        let account = find(tx, &admin.id)?;
        let is_active = account
            .is_some_and(|account| account.role == Role::Admin && account.status == Status::Active);
        found |= admin.id != *id && is_active && passwords::find(tx, &admin.id)?.is_some();
    }
    Ok(found)
}

/// Saves all but the name. [`StoreError::Conflict`] when another account proved the same address.
pub fn save(tx: &Transaction<'_>, account: &Account) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE users SET display_name = $1, email = $2, email_folded = $3, \
         email_verified_at = $4, status = $5, role = $6, last_login_at = $7, security_epoch = $8 \
         WHERE id = $9",
        &[
            &account.display_name,
            &account.email.as_ref().map(EmailAddress::as_str),
            &account.email.as_ref().map(EmailAddress::folded),
            &account.email_verified_at,
            &status_number(account.status),
            &role_number(account.role),
            &account.last_login_at,
            &account.security_epoch,
            &account.id,
        ],
    )
    .map(|_| ())
}

/// Notes a sign-in, and nothing else: it must not undo a lock that came in between.
pub fn note_login(tx: &Transaction<'_>, id: &UserId, now: Timestamp) -> Result<(), StoreError> {
    tx.run(
        "UPDATE users SET last_login_at = $1 WHERE id = $2",
        &[&now, id],
    )
}

/// Notes the language that a person reads, and nothing else.
pub fn note_locale(tx: &Transaction<'_>, id: &UserId, locale: &str) -> Result<(), StoreError> {
    tx.run("UPDATE users SET locale = $1 WHERE id = $2", &[&locale, id])
}

/// Removes an account and what it signs in with. Its id is never given to another one.
pub fn delete(tx: &Transaction<'_>, id: &UserId) -> Result<(), StoreError> {
    tx.run("DELETE FROM passwords WHERE user_id = $1", &[id])?;
    passkeys::delete_by_user(tx, id)?;
    totp_secrets::delete(tx, id)?;
    recovery_codes::delete_by_user(tx, id)?;
    tx.run("DELETE FROM users WHERE id = $1", &[id])
}

fn load(row: &mut Row<'_>) -> Result<Account, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("`users.{what}` is unknown"));
    let id = row.take()?;
    let username: String = row.take()?;
    let display_name = row.take()?;
    let email: Option<String> = row.take()?;
    Ok(Account {
        id,
        username: Username::parse(&username).ok_or_else(|| corrupt("username"))?,
        display_name,
        email: email
            .map(|text| EmailAddress::parse(&text).ok_or_else(|| corrupt("email")))
            .transpose()?,
        email_verified_at: row.take()?,
        status: status(row.take()?).ok_or_else(|| corrupt("status"))?,
        role: role(row.take()?).ok_or_else(|| corrupt("role"))?,
        locale: row.take()?,
        created_at: row.take()?,
        last_login_at: row.take()?,
        security_epoch: row.take()?,
    })
}

fn status_number(status: Status) -> i64 {
    match status {
        Status::Active => 1,
        Status::Locked => 2,
    }
}

fn status(number: i64) -> Option<Status> {
    match number {
        1 => Some(Status::Active),
        2 => Some(Status::Locked),
        _ => None,
    }
}

fn role_number(role: Role) -> i64 {
    match role {
        Role::User => 1,
        Role::Admin => 2,
        Role::Auditor => 3,
    }
}

fn role(number: i64) -> Option<Role> {
    match number {
        1 => Some(Role::User),
        2 => Some(Role::Admin),
        3 => Some(Role::Auditor),
        _ => None,
    }
}
