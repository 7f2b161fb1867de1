//! Polls of devices that wait for a person: one for each device code, so many from one address, so
//! many on this node.
//!
//! Whoever polls again takes over: the poll before it is answered at once and redeems nothing, so
//! that a connection that died without a word uses up no code (row S-271). Nothing is queued: a poll
//! that finds no place is answered as if it had not asked to be held.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use tokio::sync::Notify;

/// So many polls of one address wait at once; an IPv6 host is its /64.
const MOST_OF_ADDRESS: usize = 20;
/// Each further poll that waits makes the looks that much rarer, so that there are never more than
/// 500 a second.
const LOOK_SHARE: Duration = Duration::from_millis(2);

/// The polls that wait on this node.
#[derive(Debug, Default)]
pub(crate) struct HeldPolls(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    by_code: HashMap<SecretHash, Place>,
    /// How many there are of each address.
    of_address: HashMap<String, usize>,
    /// Whether the server stops: nobody waits any more.
    is_closed: bool,
}

#[derive(Debug)]
struct Place {
    address: String,
    came: Timestamp,
    poll: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    news: Notify,
    is_over: AtomicBool,
}

/// The place of one poll; it is free again when this is dropped, with the connection or before.
#[derive(Debug)]
pub(crate) struct HeldPoll<'a> {
    polls: &'a HeldPolls,
    code_hash: SecretHash,
    poll: Arc<Waiting>,
}

impl HeldPolls {
    /// Takes a place for a poll that came from an address at a time: none when all are taken, of the
    /// address or of the node. Either way the poll of the same code that waited is answered, now that
    /// this one has its place: when it came.
    pub(crate) fn hold(
        &self,
        code_hash: SecretHash,
        (address, came): (String, Timestamp),
        most: usize,
    ) -> (Option<HeldPoll<'_>>, Option<Timestamp>) {
        let mut places = self.lock();
        let taken_over = places.release(&code_hash);
        let here = places.of_address.get(&address).copied().unwrap_or_default();
        if places.is_closed || here >= MOST_OF_ADDRESS || places.by_code.len() >= most {
            return (None, taken_over);
        }
        let poll = Arc::<Waiting>::default();
        let place = Place {
            address: address.clone(),
            came,
            poll: Arc::clone(&poll),
        };
        places.of_address.insert(address, here + 1);
        places.by_code.insert(code_hash, place);
        let held = HeldPoll {
            polls: self,
            code_hash,
            poll,
        };
        (Some(held), taken_over)
    }

    /// Whether a poll of a code waits.
    pub(crate) fn has(&self, code_hash: &SecretHash) -> bool {
        self.lock().by_code.contains_key(code_hash)
    }

    /// Answers the poll of a code that waits, if one does: another of the same device has come. When
    /// it came.
    pub(crate) fn take_over(&self, code_hash: &SecretHash) -> Option<Timestamp> {
        self.lock().release(code_hash)
    }

    /// Says that a code was decided, here or on another node: its poll looks at once.
    pub(crate) fn wake(&self, code_hash: &SecretHash) {
        if let Some(place) = self.lock().by_code.get(code_hash) {
            place.poll.news.notify_one();
        }
    }

    /// Answers everybody who waits.
    pub(crate) fn release_all(&self) {
        self.lock().release_all();
    }

    /// Answers everybody who waits, and holds nobody from now on.
    pub(crate) fn close(&self) {
        let mut places = self.lock();
        places.is_closed = true;
        places.release_all();
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.lock().by_code.len()
    }

    /// After how long a poll should look whether another node has decided its code and nobody here
    /// heard of it; `soonest` where few wait.
    pub(crate) fn look_again_after(&self, soonest: Duration) -> Duration {
        let waiting = u32::try_from(self.count()).unwrap_or(u32::MAX);
        soonest + LOOK_SHARE.saturating_mul(waiting)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Ends the wait of a code's poll.
    fn release(&mut self, code_hash: &SecretHash) -> Option<Timestamp> {
        let place = self.by_code.remove(code_hash)?;
        if let Entry::Occupied(mut count) = self.of_address.entry(place.address) {
            // Who is quiet takes no memory.
            match count.get_mut() {
                0 | 1 => drop(count.remove()),
                many => *many -= 1,
            }
        }
        place.poll.is_over.store(true, Ordering::Release);
        place.poll.news.notify_one();
        Some(place.came)
    }

    fn release_all(&mut self) {
        self.of_address.clear();
        for (_, place) in self.by_code.drain() {
            place.poll.is_over.store(true, Ordering::Release);
            place.poll.news.notify_one();
        }
    }
}

impl HeldPoll<'_> {
    /// Waits for news of the code, or of the wait's end.
    pub(crate) async fn news(&self) {
        self.poll.news.notified().await;
    }

    /// Whether it must not wait any more: another poll took over, or the server stops.
    pub(crate) fn is_over(&self) -> bool {
        self.poll.is_over.load(Ordering::Acquire)
    }

    /// Gives the place back; whether this poll had it to the end, and so may redeem.
    pub(crate) fn leave(self) -> bool {
        self.free()
    }

    fn free(&self) -> bool {
        let mut places = self.polls.lock();
        let held = places.by_code.get(&self.code_hash);
        let is_ours = held.is_some_and(|place| Arc::ptr_eq(&place.poll, &self.poll));
        if is_ours {
            places.release(&self.code_hash);
        }
        is_ours
    }
}

impl Drop for HeldPoll<'_> {
    fn drop(&mut self) {
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 50;

    fn code(n: u8) -> SecretHash {
        SecretHash::from_bytes([n; 32])
    }

    fn at(address: &str) -> (String, Timestamp) {
        (address.to_owned(), Timestamp::from_unix_seconds(7))
    }

    fn hold(
        polls: &HeldPolls,
        code: SecretHash,
        from: (String, Timestamp),
        most: usize,
    ) -> Option<HeldPoll<'_>> {
        polls.hold(code, from, most).0
    }

    #[test]
    fn s_271_the_newer_poll_of_a_code_takes_over() {
        let polls = HeldPolls::default();
        let old = hold(&polls, code(1), at("a"), MOST).unwrap();
        let (new, taken_over) = polls.hold(code(1), at("b"), MOST);
        let new = new.unwrap();
        assert_eq!(taken_over, Some(at("a").1));
        assert!(old.is_over() && !new.is_over());
        assert!(!old.leave(), "it may not redeem");
        assert!(polls.has(&code(1)), "and frees no place but its own");
        assert_eq!(polls.take_over(&code(1)), Some(at("b").1));
        assert!(new.is_over() && !new.leave());
        assert_eq!(polls.take_over(&code(1)), None);
        let last = hold(&polls, code(1), at("b"), MOST).unwrap();
        assert!(last.leave() && !polls.has(&code(1)));
    }

    #[test]
    fn s_271_a_105_an_address_and_a_node_hold_so_many_polls_and_no_memory_afterwards() {
        let polls = HeldPolls::default();
        let held: Vec<_> = (0..20)
            .map(|n| hold(&polls, code(n), at("a"), MOST).unwrap())
            .collect();
        for n in 20..255 {
            assert!(hold(&polls, code(n), at("a"), MOST).is_none());
        }
        // A code that has a place keeps one, and another address has its own.
        let again = hold(&polls, code(0), at("a"), MOST).unwrap();
        let others: Vec<_> = (100..120)
            .map(|n| hold(&polls, code(n), at("b"), MOST).unwrap())
            .collect();
        assert!(
            hold(&polls, code(200), at("c"), 40).is_none(),
            "the node is full"
        );
        assert!(hold(&polls, code(200), at("c"), 41).is_some());
        drop((held, again, others));
        let places = polls.lock();
        assert!(places.by_code.is_empty() && places.of_address.is_empty());
    }

    #[test]
    fn s_271_nobody_waits_when_the_server_stops() {
        let polls = HeldPolls::default();
        let held = hold(&polls, code(1), at("a"), MOST).unwrap();
        polls.release_all();
        assert!(held.is_over());
        let held = hold(&polls, code(2), at("a"), MOST).unwrap();
        polls.close();
        assert!(held.is_over() && hold(&polls, code(3), at("a"), MOST).is_none());
        drop(held);
        assert!(polls.lock().of_address.is_empty());
    }

    #[test]
    fn many_polls_together_look_at_most_500_times_a_second() {
        let polls = HeldPolls::default();
        let soonest = Duration::from_secs(1);
        assert_eq!(polls.look_again_after(soonest), soonest);
        let held: Vec<_> = (0..200)
            .map(|n| hold(&polls, code(n), at(&n.to_string()), 1_000))
            .collect();
        assert_eq!(
            polls.look_again_after(soonest),
            Duration::from_millis(1_400)
        );
        drop(held);
    }
}
