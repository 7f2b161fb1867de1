//! How many device grants there are, without counting all of them at each new one.
//!
//! A count is taken from the store when the last one is a second old or a quarter more grants have
//! begun; in between each beginning adds one. So it is too high only by what ended meanwhile, too low
//! only by what began while it was taken, for a second at most, and exact while there are few.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hallpass_protocol::{ClientId, Timestamp};
use hallpass_store::{Store, StoreError, device_grants};
use quick_cache::sync::{Cache, EntryAction, EntryResult};

/// So many clients have a count of their own; a forgotten one is counted again.
const MOST_CLIENTS: usize = 10_000;
/// A count older than this is taken again.
const OLDEST: Duration = Duration::from_secs(1);
/// And one that grew by more than this part.
const GROWTH: u64 = 4;

/// The counts.
#[derive(Debug)]
pub(crate) struct DeviceCounts {
    live: Cache<(String, ClientId), Count>,
    rows: Mutex<Option<Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    counted: u64,
    begun_since: u64,
    at: Timestamp,
}

impl Default for DeviceCounts {
    fn default() -> Self {
        Self {
            live: Cache::new(MOST_CLIENTS),
            rows: Mutex::default(),
        }
    }
}

impl DeviceCounts {
    /// The grants of a client that wait for a person, and the grants of everybody, before one more
    /// begins.
    pub(crate) async fn before_next(
        &self,
        store: &Store,
        (issuer, client): (&str, &ClientId),
        now: Timestamp,
    ) -> Result<(u64, u64), StoreError> {
        let key = (issuer.to_owned(), client.clone());
        let live = if let Some(live) = self.known_live(&key, now) {
            live
        } else {
            let (issuer, client) = key.clone();
            let counted = store
                .read(move |tx| device_grants::count_live_of_client(tx, &issuer, &client, now));
            let counted = counted.await?;
            self.live.insert(key, Count::taken(counted, now));
            counted
        };
        let rows = if let Some(rows) = self.known_rows(now) {
            rows
        } else {
            let counted = store.read(device_grants::count_rows).await?;
            *self.rows.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Count::taken(counted, now));
            counted
        };
        Ok((live, rows))
    }

    fn known_live(&self, key: &(String, ClientId), now: Timestamp) -> Option<u64> {
        let known = self.live.entry(key, None, |_, count| {
            EntryAction::Retain(count.one_more(now))
        });
        match known {
            EntryResult::Retained(live) => live,
            // A dropped guard leaves the place free.
            _ => None,
        }
    }

    fn known_rows(&self, now: Timestamp) -> Option<u64> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.as_mut()?.one_more(now)
    }
}

impl Count {
    /// A fresh count; whoever asked for it begins a grant.
    fn taken(counted: u64, at: Timestamp) -> Self {
        Self {
            counted,
            begun_since: 1,
            at,
        }
    }

    /// The number before one more begins, while it is good enough.
    fn one_more(&mut self, now: Timestamp) -> Option<u64> {
        let is_stale = now.since(self.at) >= OLDEST || now < self.at;
        if is_stale || self.begun_since > self.counted / GROWTH {
            return None;
        }
        let number = self.counted + self.begun_since;
        self.begun_since += 1;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_272_a_small_count_is_never_kept() {
        let now = Timestamp::from_unix_seconds(1_000);
        for counted in 0..GROWTH {
            assert_eq!(Count::taken(counted, now).one_more(now), None);
        }
    }

    #[test]
    fn s_11_a_large_count_grows_with_each_beginning_and_does_not_grow_old() {
        let now = Timestamp::from_unix_seconds(1_000);
        let mut count = Count::taken(160, now);
        for begun in 1..=40 {
            assert_eq!(count.one_more(now), Some(160 + begun));
        }
        assert_eq!(count.one_more(now), None, "a quarter more");
        assert_eq!(Count::taken(160, now).one_more(now + OLDEST), None);
        assert_eq!(Count::taken(160, now + OLDEST).one_more(now), None);
    }
}
