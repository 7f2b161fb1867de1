//! How each device polls, in memory: a poll that finds nothing decided writes nothing. What is
//! forgotten, at a restart or because there are too many, costs one poll that came too early.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use std::time::Duration;

use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use quick_cache::sync::{Cache, EntryAction, EntryResult};

/// As many as there can be device grants (row S-11).
const MOST_DEVICES: usize = 100_000;

/// The pace of every device that polls.
#[derive(Debug)]
pub(crate) struct PollPaces(Cache<SecretHash, Pace>);

#[derive(Clone, Copy, Debug)]
struct Pace {
    interval: Duration,
    last_poll_at: Option<Timestamp>,
}

impl Default for PollPaces {
    fn default() -> Self {
        Self(Cache::new(MOST_DEVICES))
    }
}

impl PollPaces {
    /// Answers a poll with the pace of its grant; two polls of one grant come one after the other.
    pub(crate) fn keep<T>(
        &self,
        grant: &mut DeviceGrant,
        answer: impl Fn(&mut DeviceGrant) -> T,
    ) -> T {
        let code_hash = grant.code_hash;
        let known = self.0.entry(&code_hash, None, |_, pace| {
            grant.interval = pace.interval;
            grant.last_poll_at = pace.last_poll_at;
            let answer = answer(grant);
            *pace = Pace::of(grant);
            EntryAction::Retain(answer)
        });
        if let EntryResult::Retained(answer) = known {
            return answer;
        }
        let answer = answer(grant);
        if let EntryResult::Vacant(place) = known {
            // Only a cleared cache refuses, and this one is never cleared.
            let _: Result<(), _> = place.insert(Pace::of(grant));
        }
        answer
    }
}

impl Pace {
    fn of(grant: &DeviceGrant) -> Self {
        Self {
            interval: grant.interval,
            last_poll_at: grant.last_poll_at,
        }
    }
}
