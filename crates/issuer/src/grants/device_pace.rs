//! How a device polls, and where its grant stands: what a poll and a redemption both look at.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use std::time::Duration;

use hallpass_protocol::Timestamp;

use crate::refusal::Refusal;

/// RFC 8628 §3.5: "the interval MUST be increased by 5 seconds".
pub const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);
/// The interval never grows beyond this (row S-18).
pub const LONGEST_INTERVAL: Duration = Duration::from_mins(1);
/// How much too early a poll may come: timers and networks are not exact (row S-18).
pub const POLL_TOLERANCE: Duration = Duration::from_secs(1);

/// How a device polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The wait that it must keep between polls.
    pub interval: Duration,
    /// The last poll, whatever its outcome.
    pub last_poll_at: Option<Timestamp>,
}

/// Where a grant stands, without what it holds there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has decided.
    Pending,
    /// A person said yes.
    Approved,
    /// A person said no.
    Denied,
    /// The tokens were fetched.
    Redeemed,
}

impl Pace {
    /// Answers a poll of the right client, and keeps in mind that it came.
    pub(super) fn answer(
        &mut self,
        stage: Stage,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let last_poll = self.last_poll_at.replace(now);
        // The first poll is free; after it the interval counts from the last one.
        let is_early = last_poll.is_some_and(|last| now + POLL_TOLERANCE < last + self.interval);
        let slowed = (is_early && stage == Stage::Pending).then(|| {
            self.interval = (self.interval + SLOW_DOWN_STEP).min(LONGEST_INTERVAL);
            self.interval
        });
        verdict(stage, expires_at, now, slowed)
    }
}

/// What a poll is told, once it is known whether it was slowed down.
pub(super) fn verdict(
    stage: Stage,
    expires_at: Timestamp,
    now: Timestamp,
    slowed: Option<Duration>,
) -> Result<(), Refusal> {
    match stage {
        Stage::Pending | Stage::Approved if now >= expires_at => Err(Refusal::ExpiredToken),
        Stage::Pending => Err(slowed.map_or(Refusal::AuthorizationPending, |interval| {
            Refusal::SlowDown { interval }
        })),
        Stage::Denied => Err(Refusal::AccessDenied),
        Stage::Approved | Stage::Redeemed => Ok(()),
    }
}
