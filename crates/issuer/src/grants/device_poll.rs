//! Polls of a device, as far as they need no record: too early, expired, denied.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use std::net::IpAddr;

use hallpass_protocol::{ClientId, Timestamp};

use super::device_code::DeviceGrant;
use super::device_pace::{Pace, Stage, verdict};
use crate::bound_key;
use crate::client::AuthenticatedClient;
use crate::network;
use crate::refusal::{GrantReason, Refusal};

/// When a poll came, and when it is answered: the same unless it was held (RFC 7240 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollTime {
    /// When it came.
    pub came: Timestamp,
    /// When it is answered.
    pub answered: Timestamp,
}

/// The part of a device grant that answers most polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolledGrant {
    /// The client that asked for it.
    pub client_id: ClientId,
    /// The resources it asked for (RFC 8707 §2).
    pub resource: Vec<String>,
    /// When the code dies.
    pub expires_at: Timestamp,
    /// The DPoP key that asked for it.
    pub dpop_jkt: Option<String>,
    /// Where it stands.
    pub stage: Stage,
    /// How it is polled.
    pub pace: Pace,
    /// Where it was asked for.
    pub address: Option<IpAddr>,
    /// The first address in another network that it was polled from.
    pub other_address: Option<IpAddr>,
}

impl PolledGrant {
    /// The part of a grant that polls are answered from.
    pub fn of(grant: &DeviceGrant) -> Self {
        Self {
            client_id: grant.client_id.clone(),
            resource: grant.resource.clone(),
            expires_at: grant.expires_at,
            dpop_jkt: grant.dpop_jkt.clone(),
            stage: grant.state.stage(),
            pace: Pace {
                interval: grant.interval,
                last_poll_at: grant.last_poll_at,
            },
            address: grant.requester.address,
            other_address: grant.requester.other_address,
        }
    }

    /// Notes where a poll came from; whether that has to be written down.
    pub fn note_address(&mut self, from: IpAddr) -> bool {
        let is_first_elsewhere = self.other_address.is_none()
            && self
                .address
                .is_some_and(|address| !network::is_same(address, from));
        if is_first_elsewhere {
            self.other_address = Some(from);
        }
        is_first_elsewhere
    }

    /// Refuses whoever is not the device that asked for the grant.
    pub fn check_poller(
        &self,
        client: &AuthenticatedClient,
        dpop_jkt: Option<&str>,
    ) -> Result<(), Refusal> {
        if self.client_id != *client.id() {
            return Err(Refusal::InvalidGrant(GrantReason::OtherClient));
        }
        bound_key::check(self.dpop_jkt.as_deref(), dpop_jkt)
    }

    /// Whether a person can still decide it.
    pub fn is_undecided(&self, now: Timestamp) -> bool {
        self.stage == Stage::Pending && now < self.expires_at
    }

    /// Answers a poll of the right device as far as nothing has to be written down for it: `Ok` says
    /// that the grant was approved, or redeemed before.
    ///
    /// A poll that was held is early or not by when it is answered, and the next one counts from
    /// when it came. So a device that asks again as soon as it has its answer is never slowed down,
    /// as long as the answers are an interval apart (row S-271).
    pub fn answer(&mut self, time: PollTime) -> Result<(), Refusal> {
        let answer = self.pace.answer(self.stage, self.expires_at, time.answered);
        self.pace.last_poll_at = Some(time.came);
        answer
    }

    /// Answers a poll that was counted already, by whoever counts for several nodes: whether it came
    /// too early, and the interval after it, are known.
    pub fn answer_counted(&self, is_early: bool, answered: Timestamp) -> Result<(), Refusal> {
        let slowed = is_early.then_some(self.pace.interval);
        verdict(self.stage, self.expires_at, answered, slowed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pending() -> PolledGrant {
        PolledGrant {
            client_id: ClientId::new("cli"),
            resource: Vec::new(),
            expires_at: at(600),
            dpop_jkt: None,
            stage: Stage::Pending,
            pace: Pace {
                interval: Duration::from_secs(5),
                last_poll_at: None,
            },
            address: None,
            other_address: None,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    /// Polls by when they came and were answered, with the interval that each was slowed down to.
    #[track_caller]
    fn check(polls: &[(i64, i64, Option<u64>)]) {
        let mut grant = pending();
        for (came, answered, slowed) in polls.iter().copied() {
            let answer = grant.answer(PollTime {
                came: at(came),
                answered: at(answered),
            });
            let wanted =
                slowed.map_or(Refusal::AuthorizationPending, |seconds| Refusal::SlowDown {
                    interval: Duration::from_secs(seconds),
                });
            assert_eq!(answer, Err(wanted), "{came} to {answered}");
        }
    }

    #[test]
    fn s_271_a_device_that_asks_again_at_once_after_a_held_answer_is_not_slowed_down() {
        // Held again, or not.
        check(&[(0, 25, None), (25, 50, None), (50, 50, None)]);
        // It may even come early, as its answer does not.
        check(&[(0, 0, None), (1, 26, None), (26, 51, None)]);
    }

    #[test]
    fn s_271_to_be_held_shortly_is_no_way_around_the_pace() {
        check(&[(0, 1, None), (1, 2, Some(10)), (2, 3, Some(15))]);
        check(&[(0, 25, None), (25, 25, None), (26, 26, Some(10))]);
    }

    #[test]
    fn s_271_whoever_is_held_past_the_end_hears_of_it() {
        let time = |came, answered| PollTime {
            came: at(came),
            answered: at(answered),
        };
        let mut grant = pending();
        assert!(grant.is_undecided(at(599)) && !grant.is_undecided(at(600)));
        assert_eq!(grant.answer(time(590, 600)), Err(Refusal::ExpiredToken));
        grant.stage = Stage::Approved;
        assert!(!grant.is_undecided(at(1)));
        assert_eq!(grant.answer(time(590, 599)), Ok(()));
    }
}
