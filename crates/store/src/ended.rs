//! Ends what a database remembers of people being signed in: a restored one has forgotten who was
//! signed out since.

use hallpass_protocol::{AuthorizationId, ClientId, Timestamp, UserId};

use crate::database::Transaction;
use crate::error::StoreError;
use crate::revocation_watch::Revoked;

/// What ended in a database, and lives in the copy of it from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// One sign-in.
    SignIn(AuthorizationId),
    /// All that a person had at a time, in browsers and in programs.
    OfUser(UserId, Timestamp),
    /// What a person had at a time in browsers, and what programs got without `offline_access`.
    InBrowsers(UserId, Timestamp),
    /// All that a client had at a time.
    OfClient(ClientId, Timestamp),
}

/// Ends every sign-in, also those that are not finished; how many authorizations ended.
pub fn end_all_sessions(tx: &Transaction<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.run("DELETE FROM authorization_codes", &[])?;
    tx.run("DELETE FROM pushed_requests", &[])?;
    tx.run("DELETE FROM device_grants", &[])?;
    tx.run("DELETE FROM browser_sessions", &[])?;
    tx.note_revoked(Revoked::Everything);
    // 2: as if the person had done it.
    tx.execute(
        "UPDATE authorizations SET revoked_at = $1, revoke_reason = 2 WHERE revoked_at IS NULL",
        &[&now],
    )
}

/// Ends again what ended since the copy was made; how many authorizations that were (row S-269). What
/// began later than an end stays, so it does not matter which of them the copy knew.
pub fn end_again(
    tx: &Transaction<'_>,
    ended: &[Forgotten],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut count = 0;
    for one in ended {
        count += match one {
            Forgotten::SignIn(id) => tx.execute(
                "UPDATE authorizations SET revoked_at = $1, revoke_reason = 2 \
                 WHERE id = $2 AND revoked_at IS NULL",
                &[&now, id],
            )?,
            Forgotten::OfUser(user, at) => {
                end_in_browsers(tx, (user, *at), now)?;
                tx.execute(
                    "UPDATE authorizations SET revoked_at = $1, revoke_reason = 2 \
                     WHERE user_id = $2 AND created_at <= $3 AND revoked_at IS NULL",
                    &[&now, user, at],
                )?
            }
            Forgotten::InBrowsers(user, at) => {
                end_in_browsers(tx, (user, *at), now)?;
                tx.execute(
                    "UPDATE authorizations SET revoked_at = $1, revoke_reason = 2 \
                     WHERE user_id = $2 AND created_at <= $3 AND revoked_at IS NULL \
                     AND ' ' || scopes || ' ' NOT LIKE '% offline_access %'",
                    &[&now, user, at],
                )?
            }
            Forgotten::OfClient(client, at) => tx.execute(
                "UPDATE authorizations SET revoked_at = $1, revoke_reason = 2 \
                 WHERE client_id = $2 AND created_at <= $3 AND revoked_at IS NULL",
                &[&now, client, at],
            )?,
        };
    }
    Ok(count)
}

fn end_in_browsers(
    tx: &Transaction<'_>,
    (user, at): (&UserId, Timestamp),
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE browser_sessions SET ended_at = $1 \
         WHERE user_id = $2 AND auth_time <= $3 AND ended_at IS NULL",
        &[&now, user, &at],
    )
}
