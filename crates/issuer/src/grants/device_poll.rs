//! Polls of a device, as far as they need no record: too early, expired, denied.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>

use std::time::Duration;

use hallpass_protocol::{ClientId, Timestamp};

use super::device_code::{DeviceGrant, LONGEST_INTERVAL, POLL_TOLERANCE, SLOW_DOWN_STEP};
use crate::bound_key;
use crate::client::AuthenticatedClient;
use crate::refusal::{GrantReason, Refusal};

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
        }
    }

    /// Answers a poll as far as nothing has to be written down for it: `Ok` says that the grant was
    /// approved, or redeemed before.
    pub fn answer(
        &mut self,
        (client, dpop_jkt): (&AuthenticatedClient, Option<&str>),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.client_id != *client.id() {
            return Err(Refusal::InvalidGrant(GrantReason::OtherClient));
        }
        bound_key::check(self.dpop_jkt.as_deref(), dpop_jkt)?;
        self.pace.answer(self.stage, self.expires_at, now)
    }
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
        match stage {
            Stage::Pending | Stage::Approved if now >= expires_at => Err(Refusal::ExpiredToken),
            Stage::Pending => {
                // The first poll is free; after it the interval counts from the last one.
                if last_poll.is_some_and(|last| now + POLL_TOLERANCE < last + self.interval) {
                    self.interval = (self.interval + SLOW_DOWN_STEP).min(LONGEST_INTERVAL);
                    return Err(Refusal::SlowDown {
                        interval: self.interval,
                    });
                }
                Err(Refusal::AuthorizationPending)
            }
            Stage::Denied => Err(Refusal::AccessDenied),
            Stage::Approved | Stage::Redeemed => Ok(()),
        }
    }
}
