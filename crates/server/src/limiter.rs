//! Counts failures per guesser, in memory and bounded, and those that matter to several nodes also in
//! their database.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_issuer::limits::{Failures, Limit};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use hallpass_store::{Store, StoreError, counters};
use quick_cache::sync::Cache;

/// So many guessers are remembered; the least used are forgotten first.
const MOST_GUESSERS: usize = 100_000;

/// The failures of everybody.
#[derive(Debug)]
pub(crate) struct Limiter(Cache<String, Failures>);

impl Default for Limiter {
    fn default() -> Self {
        Self(Cache::new(MOST_GUESSERS))
    }
}

impl Limiter {
    /// How long a guesser is locked, if at all.
    pub(crate) fn locked_for(&self, guesser: &str, now: Timestamp) -> Option<Duration> {
        self.0.get(guesser)?.locked_for(now)
    }

    /// Forgets every failure.
    pub(crate) fn clear(&self) {
        self.0.clear();
    }

    /// Counts one failure.
    pub(crate) fn add(&self, guesser: &str, limit: Limit, now: Timestamp) {
        let failures = self.0.get(guesser).unwrap_or_default();
        self.learn(guesser, failures.add(limit, now));
    }

    /// Takes over what somebody else counted.
    fn learn(&self, guesser: &str, failures: Failures) {
        self.0.insert(guesser.to_owned(), failures);
    }

    /// Counts one request where each node keeps its share of what one address may ask for. No node asks
    /// another, so that plenty of requests costs the database nothing.
    pub(crate) fn add_to_share(&self, store: &Store, asker: &str, limit: Limit, now: Timestamp) {
        let share = limit.share_of(store.live_nodes());
        self.add(asker, share, now);
    }

    /// How long the first of these guessers that is locked at any node is locked, if one is. Whatever
    /// this node knows by itself costs no look at the database.
    pub(crate) async fn locked_at_any_node(
        &self,
        store: &Store,
        guessers: &[&str],
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        let here = guessers.iter();
        let here = here.filter_map(|guesser| self.locked_for(guesser, now));
        let here = here.max();
        if here.is_some() || !store.has_other_nodes() {
            return Ok(here);
        }
        let buckets: Vec<_> = guessers.iter().map(|guesser| bucket(guesser)).collect();
        let found = store.read(move |tx| {
            let locks = buckets.iter().map(|bucket| counters::find_lock(tx, bucket));
            locks.collect::<Result<Vec<_>, _>>()
        });
        let until = found.await?.into_iter().flatten().max();
        Ok(until
            .filter(|until| now < *until)
            .map(|until| until.since(now)))
    }

    /// Counts one failure of each of these guessers, for all nodes together. How long one of them is
    /// locked already, of which this node may not have known.
    pub(crate) async fn add_for_all_nodes(
        &self,
        store: &Store,
        guessers: &[(&str, Limit)],
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        for (guesser, limit) in guessers {
            self.add(guesser, *limit, now);
        }
        if !store.has_other_nodes() {
            return Ok(None);
        }
        let mut counted: Vec<_> = guessers
            .iter()
            .map(|(guesser, limit)| (bucket(guesser), *guesser, *limit))
            .collect();
        // In one order at all nodes: nobody waits for somebody who waits for them.
        counted.sort_unstable_by_key(|(bucket, ..)| *bucket.as_bytes());
        let buckets: Vec<_> = counted
            .iter()
            .map(|(bucket, _, limit)| (*bucket, *limit))
            .collect();
        let before = store.write(move |tx| {
            let buckets = buckets.iter();
            let counted =
                buckets.map(|(bucket, limit)| counters::add_failure(tx, bucket, *limit, now));
            counted.collect::<Result<Vec<_>, _>>()
        });
        let mut locked = None;
        for (before, (_, guesser, limit)) in before.await?.into_iter().zip(counted) {
            let known = before.locked_for(now);
            // From now on this node needs nobody to tell.
            let all = known.map_or_else(|| before.add(limit, now), |_| before);
            self.learn(guesser, all);
            locked = locked.max(known);
        }
        Ok(locked)
    }
}

fn bucket(guesser: &str) -> SecretHash {
    SecretHash::of(format!("failures|{guesser}").as_bytes())
}

/// A guesser at one address. It is asked about at every request, so nothing is formatted.
pub(crate) fn guesser_at(address: IpAddr, parts: &[&str]) -> String {
    let mut guesser =
        String::with_capacity(parts.iter().map(|part| part.len() + 1).sum::<usize>() + 16);
    for part in parts {
        guesser.push_str(part);
        guesser.push('|');
    }
    let digits = |guesser: &mut String, octets: &[u8]| {
        let halves = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
        guesser.extend(halves.filter_map(|half| char::from_digit(u32::from(half), 16)));
    };
    match address.to_canonical() {
        IpAddr::V4(v4) => digits(&mut guesser, &v4.octets()),
        IpAddr::V6(v6) => {
            let [network @ .., _, _, _, _, _, _, _, _] = v6.octets();
            let network: [u8; 8] = network;
            digits(&mut guesser, &network);
        }
    }
    guesser
}

/// What counts as one address: an IPv6 host owns its whole /64.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(
            || {
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            },
            |v4| v4.to_string(),
        ),
    }
}
