//! The nodes that use a database on a server, and the keys that each of them knows.
//!
//! A node says every other second that it lives. One that was silent for [`LIFE`] is gone. Times are
//! those of the database, so that no node's clock counts.

use std::time::Duration;

use hallpass_protocol::{KeyId, Timestamp};

use crate::columns::{Json, json};
use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// How often a node says that it lives.
pub const BEAT: Duration = Duration::from_secs(2);
/// A node that was silent for so long is gone.
pub const LIFE: Duration = Duration::from_secs(30);
/// And is forgotten after this.
const REMEMBERED: Duration = Duration::from_hours(1);

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Drawn at its start.
    pub id: [u8; 16],
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// The keys of its ring, ids and fingerprints; with the first one it would like to make what is
    /// new.
    pub ring: Vec<(u8, String)>,
    /// The signing keys that it publishes.
    pub kids: Vec<KeyId>,
}

impl Node {
    /// Whether its ring has a key.
    pub fn knows(&self, id: u8, fingerprint: &str) -> bool {
        let mut ring = self.ring.iter();
        ring.any(|(known, theirs)| *known == id && theirs == fingerprint)
    }
}

/// Says that a node lives, and what it knows; how many nodes live.
pub(crate) fn beat(tx: &Transaction<'_>, id: &[u8; 16], kids: &[KeyId]) -> Result<u64, StoreError> {
    let kids: Vec<&str> = kids.iter().map(KeyId::as_str).collect();
    tx.run(
        "INSERT INTO nodes (id, seen_at, ring, kids) \
         VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, ring = excluded.ring, \
         kids = excluded.kids",
        &[id, &json(&tx.sealing().names())?, &json(&kids)?],
    )?;
    tx.run(
        "DELETE FROM nodes \
         WHERE seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1",
        &[&REMEMBERED],
    )?;
    tx.count(
        "SELECT count(*) FROM nodes \
         WHERE seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1",
        &[&LIFE],
    )
}

/// Lets nobody come, go or change the key while this transaction looks who is there.
pub(crate) fn take_turns(tx: &Transaction<'_>) -> Result<(), StoreError> {
    if !tx.is_remote() {
        return Ok(());
    }
    tx.run("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE", &[])
}

/// Says that a node is gone.
pub(crate) fn leave(tx: &Transaction<'_>, id: &[u8; 16]) -> Result<(), StoreError> {
    tx.run("DELETE FROM nodes WHERE id = $1", &[id])
}

/// The nodes that live; none of a database that one process has to itself.
pub fn list_live(tx: &Transaction<'_>) -> Result<Vec<Node>, StoreError> {
    if !tx.is_remote() {
        return Ok(Vec::new());
    }
    tx.list(
        "SELECT id, seen_at, ring, kids FROM nodes \
         WHERE seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 ORDER BY id",
        &[&LIFE],
        load,
    )
}

fn load(row: &mut Row<'_>) -> Result<Node, StoreError> {
    Ok(Node {
        id: row.take()?,
        seen_at: row.take()?,
        ring: row.take().map(|Json(ring)| ring)?,
        kids: row.take().map(|Json::<Vec<String>>(kids)| {
            let kid = |kid: String| KeyId::new(&kid);
            kids.into_iter().map(kid).collect()
        })?,
    })
}
