//! The device grants that are being polled, and their pace, in memory: a poll that finds nothing
//! decided reads and writes no record.
//!
//! A grant is read again as soon as anything was decided at any grant. The pace of one process is kept
//! here alone: what is forgotten, at a restart or because there are too many, costs one poll that came
//! too early. Several nodes share it in `device_polls` of their database.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use hallpass_issuer::grants::device_poll::PolledGrant;
use hallpass_issuer::tokens::one_time::SecretHash;
use quick_cache::sync::{Cache, EntryAction, EntryResult};

/// As many as there can be device grants (row S-11).
const MOST_GRANTS: usize = 100_000;

/// The grants that somebody polls, by the hash of their device code.
#[derive(Debug)]
pub(crate) struct PolledGrants(Cache<SecretHash, Known>);

/// A grant as it was at so many decisions.
#[derive(Clone, Debug)]
struct Known {
    issuer: String,
    decisions: u64,
    grant: PolledGrant,
}

impl Default for PolledGrants {
    fn default() -> Self {
        Self(Cache::new(MOST_GRANTS))
    }
}

impl PolledGrants {
    /// Answers a poll of one issuer's grant, if it is known as it is after so many decisions. Two
    /// polls of one grant are answered one after the other.
    pub(crate) fn answer<T>(
        &self,
        (issuer, code_hash): (&str, &SecretHash),
        decisions: u64,
        answer: impl FnOnce(&mut PolledGrant) -> T,
    ) -> Option<T> {
        let known = self.0.entry(code_hash, None, |_, known| {
            let holds = known.decisions == decisions && known.issuer == issuer;
            EntryAction::Retain(holds.then(|| answer(&mut known.grant)))
        });
        match known {
            EntryResult::Retained(answer) => answer,
            // A dropped placeholder leaves the place free.
            _ => None,
        }
    }

    /// Takes a grant as it was read from the store after so many decisions; its pace stays.
    pub(crate) fn learn(
        &self,
        (issuer, code_hash): (&str, &SecretHash),
        decisions: u64,
        grant: PolledGrant,
    ) {
        let mut new = Some(Known::new(issuer, decisions, grant));
        let known = self.0.entry(code_hash, None, |_, known| {
            if let Some(new) = new.take() {
                let pace = known.grant.pace;
                *known = new;
                known.grant.pace = pace;
            }
            EntryAction::<()>::Retain(())
        });
        if let (EntryResult::Vacant(place), Some(new)) = (known, new) {
            // Only a cleared cache refuses, and this one is never cleared.
            drop(place.insert(new));
        }
    }
}

impl Known {
    fn new(issuer: &str, decisions: u64, grant: PolledGrant) -> Self {
        Self {
            issuer: issuer.to_owned(),
            decisions,
            grant,
        }
    }
}
