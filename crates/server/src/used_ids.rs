//! The ids of DPoP proofs and client assertions that were accepted, until nobody would accept them
//! anyway: in memory, and where there may be other nodes also in their database (`docs/adr/0009`).
//!
//! RFC 9449 §11.1: <https://www.rfc-editor.org/rfc/rfc9449#section-11.1>, OIDC Core §9 (`jti`).

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use hallpass_store::{Store, StoreError, proof_ids};

/// So many ids are known at once: 80 bytes each. Beyond it nothing new is accepted, since to forget
/// an id early would let its proof in again.
const MOST: usize = 500_000;

/// The ids, as hashes.
#[derive(Debug, Default)]
pub(crate) struct UsedIds {
    known: Mutex<Known>,
    /// Whether there may be other nodes.
    is_shared: bool,
}

#[derive(Debug, Default)]
struct Known {
    ids: HashSet<[u8; 32]>,
    /// The same ids in the order in which they end.
    ends: BTreeSet<(Timestamp, [u8; 32])>,
}

/// What became of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstUse {
    /// Nobody used it before.
    Yes,
    /// It was used.
    No,
    /// There is no room: come back when so much time has passed.
    NoRoom(Duration),
}

impl UsedIds {
    /// None yet. `is_shared` says whether there may be other nodes.
    pub(crate) fn new(is_shared: bool) -> Self {
        Self {
            known: Mutex::default(),
            is_shared,
        }
    }

    /// Uses an id, which is remembered until it ends, on all nodes.
    ///
    /// A database that is away is a fault: what another node accepted is unknown then.
    pub(crate) async fn take(
        &self,
        store: &Store,
        id: [u8; 32],
        ends: Timestamp,
        now: Timestamp,
    ) -> Result<FirstUse, StoreError> {
        // First in memory: a replay at the same node costs the database nothing, and is known also
        // when the database has forgotten it in a crash.
        let here = self.take_here(id, ends, now);
        if here != FirstUse::Yes || !self.is_shared {
            return Ok(here);
        }
        let id = SecretHash::from_bytes(id);
        let taken = store.write(move |tx| proof_ids::take(tx, &id, ends, now));
        Ok(if Box::pin(taken).await? {
            FirstUse::Yes
        } else {
            FirstUse::No
        })
    }

    /// Uses an id at this node.
    fn take_here(&self, id: [u8; 32], ends: Timestamp, now: Timestamp) -> FirstUse {
        let mut known = self.known();
        known.forget_ended(now);
        if known.ids.contains(&id) {
            return FirstUse::No;
        }
        if known.ids.len() >= MOST {
            let first = known.ends.first().map_or(ends, |(end, _)| *end);
            return FirstUse::NoRoom(first.since(now));
        }
        known.ids.insert(id);
        known.ends.insert((ends, id));
        FirstUse::Yes
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        *self.known() = Known::default();
    }

    /// What the lock guards is whole after a panic too: nothing between its steps panics.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_ended(&mut self, now: Timestamp) {
        while let Some((_, id)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.ends.pop_first();
            self.ids.remove(&id);
        }
    }
}

/// The hash of an id and of what it is unique in; every field is length-prefixed, so that none can
/// pass for another.
pub(crate) fn id_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut id = [0; 32];
    id.copy_from_slice(context.finish().as_ref());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn s_97_s_186_an_id_is_used_once_until_it_ends() {
        let used = UsedIds::default();
        let (one, two) = (id_of(&[b"a", b"b"]), id_of(&[b"ab", b""]));
        assert_eq!(used.take_here(one, at(60), at(0)), FirstUse::Yes);
        assert_eq!(used.take_here(two, at(30), at(0)), FirstUse::Yes);
        assert_eq!(used.take_here(one, at(60), at(59)), FirstUse::No);
        assert_eq!(used.take_here(two, at(90), at(30)), FirstUse::Yes);
        assert_eq!(used.take_here(one, at(120), at(60)), FirstUse::Yes);
    }

    #[test]
    fn s_140_a_full_memory_forgets_nobody_and_takes_nobody() {
        let used = UsedIds::default();
        for number in 0..MOST as u64 {
            assert_eq!(
                used.take_here(id_of(&[&number.to_be_bytes()]), at(60), at(0)),
                FirstUse::Yes
            );
        }
        assert_eq!(
            used.take_here([1; 32], at(70), at(10)),
            FirstUse::NoRoom(Duration::from_secs(50))
        );
        assert_eq!(
            used.take_here(id_of(&[&7_u64.to_be_bytes()]), at(60), at(10)),
            FirstUse::No
        );
        assert_eq!(used.take_here([1; 32], at(70), at(60)), FirstUse::Yes);
        assert_eq!(used.known().ids.len(), 1);
    }
}
