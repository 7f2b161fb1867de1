//! Which keys of the key ring a database needs. A missing or wrong one must be noticed at the start,
//! not when the first sealed value does not open.

use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::database::Transaction;
use crate::error::StoreError;
use crate::nodes::{self, Node};
use crate::{device_grants, email_outbox, lasting_secrets, signing_keys, totp_secrets};

/// A key of the ring, as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingKey {
    /// Its id in the ring.
    pub id: u8,
    /// Tells it from another key of that id.
    pub fingerprint: String,
    /// Since when another key makes what is new; `None`: it does.
    pub superseded_at: Option<Timestamp>,
    /// Until when the ring must have it; `None`: as long as something is sealed with it.
    pub needed_until: Option<Timestamp>,
}

/// Refuses a ring that lacks what the database needs; the key that makes what is new from now on.
/// That is the first of the ring once every other node that lives knows it, else the one that makes
/// it already. `node` is the node that asks, if it is one.
pub(crate) fn check(
    tx: &Transaction<'_>,
    node: Option<&[u8; 16]>,
    now: Timestamp,
) -> Result<u8, StoreError> {
    nodes::take_turns(tx)?;
    let known = list(tx)?;
    for key in &known {
        let Some(given) = tx.sealing().find(key.id) else {
            if key.needed_until.is_some_and(|until| until <= now) {
                tx.run("DELETE FROM ring_keys WHERE id = $1", &[&u32::from(key.id)])?;
                continue;
            }
            return Err(StoreError::MissingKey {
                id: key.id,
                needed_until: key.needed_until,
            });
        };
        if given.fingerprint() != key.fingerprint {
            return Err(StoreError::WrongKey {
                id: key.id,
                expected: key.fingerprint.clone(),
                given: given.fingerprint().to_owned(),
            });
        }
    }
    let mut others = nodes::list_live(tx)?;
    others.retain(|other| Some(&other.id) != node);
    let first = tx.sealing().first();
    let minting = minting_key(&known, (first.id(), first.fingerprint()), &others);
    if minting == first.id() {
        take(tx, (first.id(), first.fingerprint()), now)?;
    }
    Ok(minting)
}

/// Which key makes what is new. A key that was never used may when all know it; to one that was
/// superseded everybody must want to go back, or nodes with other rings would take turns.
fn minting_key(known: &[RingKey], (id, fingerprint): (u8, &str), others: &[Node]) -> u8 {
    let Some(present) = known.iter().find(|key| key.superseded_at.is_none()) else {
        return id;
    };
    let is_new = known.iter().all(|key| key.id != id);
    let agrees = |other: &Node| {
        let wants = other.ring.first().is_some_and(|(first, _)| *first == id);
        other.knows(id, fingerprint) && (is_new || wants)
    };
    if others.iter().all(agrees) {
        id
    } else {
        present.id
    }
}

/// Takes a key into use.
fn take(
    tx: &Transaction<'_>,
    (id, fingerprint): (u8, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = u32::from(id);
    tx.run(
        "INSERT INTO ring_keys (id, fingerprint, first_used_at) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET superseded_at = NULL, needed_until = NULL",
        &[&id, &fingerprint, &now],
    )?;
    tx.run(
        "UPDATE ring_keys SET superseded_at = $1 WHERE superseded_at IS NULL AND id <> $2",
        &[&now, &id],
    )
}

/// The keys that the database needs or needed, by id.
pub fn list(tx: &Transaction<'_>) -> Result<Vec<RingKey>, StoreError> {
    tx.list(
        "SELECT id, fingerprint, superseded_at, needed_until FROM ring_keys ORDER BY id",
        &[],
        |row| {
            let id: u32 = row.take()?;
            Ok(RingKey {
                id: u8::try_from(id)
                    .map_err(|_| StoreError::Corrupt("the id of a ring key".to_owned()))?,
                fingerprint: row.take()?,
                superseded_at: row.take()?,
                needed_until: row.take()?,
            })
        },
    )
}

/// Seals at most so many values again, with the key that makes what is new; how many they were. Zero says
/// that nothing is left.
pub fn reseal(tx: &Transaction<'_>, batch: u32) -> Result<u64, StoreError> {
    // Every table with a sealed column; what a table is for says nothing about which these are.
    let keys = signing_keys::reseal(tx, batch)?;
    let grants = device_grants::reseal(tx, batch)?;
    let mails = email_outbox::reseal(tx, batch)?;
    let factors = totp_secrets::reseal(tx, batch)? + lasting_secrets::reseal(tx, batch)?;
    Ok(keys + grants + mails + factors)
}

/// Notes that nothing is sealed with the superseded keys any more. Tokens that they made may still
/// be good: the ring must have each for `longest_life` after it was superseded.
pub fn release(tx: &Transaction<'_>, longest_life: Duration) -> Result<(), StoreError> {
    let millis = i64::try_from(longest_life.as_millis()).unwrap_or(i64::MAX);
    tx.run(
        "UPDATE ring_keys SET needed_until = superseded_at + $1 WHERE superseded_at IS NOT NULL",
        &[&millis],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(ids: &[u8]) -> Vec<(u8, String)> {
        ids.iter().map(|id| (*id, format!("f{id}"))).collect()
    }

    fn node(ids: &[u8]) -> Node {
        Node {
            id: [0; 16],
            seen_at: Timestamp::UNIX_EPOCH,
            ring: ring(ids),
            kids: Vec::new(),
        }
    }

    /// The present key stands first.
    fn known(ids: &[u8]) -> Vec<RingKey> {
        let present = ids.first().copied();
        let key = |id: &u8| RingKey {
            id: *id,
            fingerprint: format!("f{id}"),
            superseded_at: (Some(*id) != present).then_some(Timestamp::UNIX_EPOCH),
            needed_until: None,
        };
        ids.iter().map(key).collect()
    }

    #[test]
    fn s_261_a_first_key_makes_what_is_new_only_when_every_node_knows_it() {
        for (present, first, others, wanted) in [
            // A new database, and a ring that does not change.
            (&[][..], 1, vec![], 1),
            (&[1], 1, vec![node(&[1])], 1),
            // A new key: nobody else, somebody who does not know it, all know it.
            (&[1], 2, vec![], 2),
            (&[1], 2, vec![node(&[1])], 1),
            (&[1], 2, vec![node(&[1, 2]), node(&[1])], 1),
            (&[1], 2, vec![node(&[1, 2]), node(&[2, 1])], 2),
            // A node with the older order does not turn it back, all of them together do.
            (&[2, 1], 1, vec![node(&[2, 1])], 2),
            (&[2, 1], 1, vec![node(&[1, 2])], 1),
            (&[2, 1], 1, vec![], 1),
        ] {
            let first_key = (first, &*format!("f{first}"));
            let minting = minting_key(&known(present), first_key, &others);
            assert_eq!(minting, wanted, "{present:?} {first} {others:?}");
        }
        // Another key of that id is another key.
        let other = minting_key(&known(&[1]), (2, "another"), &[node(&[1, 2])]);
        assert_eq!(other, 1);
    }
}
