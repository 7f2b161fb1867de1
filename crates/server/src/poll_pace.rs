//! How each device polls, in memory: a poll that finds nothing decided writes nothing. What is
//! forgotten, at a restart or because there are too many, costs one poll that came too early.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use hallpass_issuer::grants::device_poll::Pace;
use hallpass_issuer::tokens::one_time::SecretHash;
use quick_cache::sync::{Cache, EntryAction, EntryResult};

/// As many as there can be device grants (row S-11).
const MOST_DEVICES: usize = 100_000;

/// The pace of every device that polls.
#[derive(Debug)]
pub(crate) struct PollPaces(Cache<SecretHash, Pace>);

impl Default for PollPaces {
    fn default() -> Self {
        Self(Cache::new(MOST_DEVICES))
    }
}

impl PollPaces {
    /// Answers a poll with the pace of its grant, beginning with the one that was stored; two polls
    /// of one grant come one after the other.
    pub(crate) fn keep<T>(
        &self,
        code_hash: &SecretHash,
        stored: Pace,
        answer: impl Fn(&mut Pace) -> T,
    ) -> T {
        match self
            .0
            .entry(code_hash, None, |_, pace| EntryAction::Retain(answer(pace)))
        {
            EntryResult::Retained(answer) => answer,
            EntryResult::Vacant(place) => {
                let mut pace = stored;
                let answer = answer(&mut pace);
                // Only a cleared cache refuses, and this one is never cleared.
                let _: Result<(), _> = place.insert(pace);
                answer
            }
            // Without a time limit and a removal nothing else comes back.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => {
                answer(&mut stored.clone())
            }
        }
    }
}
