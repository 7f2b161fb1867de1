//! Ends what a database remembers of people being signed in, all at once: a restored one has
//! forgotten who was signed out since.

use hallpass_protocol::Timestamp;

use crate::database::Transaction;
use crate::error::StoreError;
use crate::revocation_watch::Revoked;

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
