//! Failures of one network beyond so many a minute are counted, and not written: whoever guesses without
//! end fills no disk, and hides nobody else's events in the crowd.

use std::time::Duration;

use hallpass_issuer::audit::{Entry, Event, Outcome};
use hallpass_protocol::Timestamp;
use quick_cache::sync::Cache;

use crate::limiter::network_of;

/// So many failures of one kind and network are written a minute.
const MOST: u64 = 30;
const WINDOW: Duration = Duration::from_mins(1);
/// So many networks are remembered; the least used are forgotten first.
const MOST_NETWORKS: usize = 20_000;

/// The failures of the last minute.
#[derive(Debug)]
pub(super) struct Thinning(Cache<(Event, String), Counted>);

#[derive(Clone, Copy, Debug)]
struct Counted {
    since: Timestamp,
    events: u64,
}

impl Default for Thinning {
    fn default() -> Self {
        Self(Cache::new(MOST_NETWORKS))
    }
}

impl Thinning {
    /// The event, if it is to be written; the first of a new minute says how many were not.
    pub(super) fn admit(&self, entry: Entry) -> Option<Entry> {
        let Some(ip) = entry.ip.filter(|_| entry.outcome() == Outcome::Failure) else {
            return Some(entry);
        };
        let key = (entry.event, network_of(ip));
        let fresh = Counted {
            since: entry.at,
            events: 0,
        };
        let known = self.0.get(&key).unwrap_or(fresh);
        let is_over = entry.at.since(known.since) >= WINDOW;
        let mut now = if is_over { fresh } else { known };
        now.events += 1;
        self.0.insert(key, now);
        if now.events > MOST {
            return None;
        }
        let left_out = known.events.saturating_sub(MOST);
        Some(if is_over && left_out > 0 {
            entry.with("left_out_before", left_out)
        } else {
            entry
        })
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    #[test]
    fn who_fails_without_end_is_written_thirty_times_a_minute() {
        let thinning = Thinning::default();
        let now = Timestamp::from_unix_seconds(1_000_000);
        let admitted = |event, ip: &str, at| {
            let entry = Entry::new(event, at).from_place(ip.parse().unwrap(), None);
            thinning.admit(entry)
        };
        let all = (0..100).filter(|_| admitted(Event::LoginLocked, "192.0.2.1", now).is_some());
        assert_eq!(all.count(), 30);
        // Another kind, another network, and what is no failure.
        assert!(admitted(Event::LoginFailure, "192.0.2.1", now).is_some());
        assert!(admitted(Event::LoginLocked, "192.0.2.2", now).is_some());
        for _ in 0..100 {
            assert!(admitted(Event::RefreshReuse, "192.0.2.1", now).is_some());
        }
        // One network is one, whatever its addresses.
        let many = (0..100).filter(|number| {
            let ip = format!("2001:db8::{number:x}");
            admitted(Event::LoginLocked, &ip, now).is_some()
        });
        assert_eq!(many.count(), 30);
        let next = admitted(Event::LoginLocked, "192.0.2.1", now + WINDOW).unwrap();
        let detail = next.veil(&SystemRandom).detail;
        assert_eq!(detail.as_deref(), Some("{\"left_out_before\":70}"));
        let after = admitted(Event::LoginLocked, "192.0.2.1", now + WINDOW).unwrap();
        assert_eq!(after.veil(&SystemRandom).detail, None);
    }
}
