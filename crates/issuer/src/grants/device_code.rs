//! The device authorization grant, from the request to the tokens.
//!
//! RFC 8628: <https://www.rfc-editor.org/rfc/rfc8628>

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::user_code::{Length, UserCode};
use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Timestamp};

use super::device_pace::{Pace, Stage};
use super::refresh_token::CLOCK_FAULT;
use crate::authorization::{Authorization, AuthorizationSeed, RevokeReason};
use crate::bound_key;
use crate::client::AuthenticatedClient;
use crate::refusal::{Denied, GrantReason, Refusal};
use crate::tokens::one_time::SecretHash;

/// How long a finished grant is remembered, so that its answer stays the same and its code is not
/// given out again (rows S-09, S-21).
pub const REMEMBERED: Duration = Duration::from_hours(24);
/// How long the device that a code is bound to is given the same tokens' authorization again: its
/// answer may have been lost.
pub const ANSWERED_AGAIN: Duration = Duration::from_secs(10);
/// So many rows are the end: 503 (row S-11).
pub const MOST_ROWS: u64 = 100_000;

/// One device authorization in flight.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceGrant {
    /// The hash of the device code.
    pub code_hash: SecretHash,
    /// A keyed hash of the user code's letters, unique among the remembered ones.
    pub user_code_hash: SecretHash,
    /// The user code, sealed by whoever stores it: the confirmation page shows it.
    pub user_code: String,
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// The client that asked.
    pub client_id: ClientId,
    /// What it asked for.
    pub scopes: Scopes,
    /// The resources it asked for (RFC 8707 §2).
    pub resource: Vec<String>,
    /// Who asked, for the person to recognise.
    pub requester: Requester,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the code dies.
    pub expires_at: Timestamp,
    /// The wait that the device must keep between polls.
    pub interval: Duration,
    /// The last poll, whatever its outcome.
    pub last_poll_at: Option<Timestamp>,
    /// Where it stands.
    pub state: DeviceGrantState,
    /// The DPoP key that asked for it: nobody else gets tokens for it.
    pub dpop_jkt: Option<String>,
}

/// What is known of the device that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// Its address.
    pub address: Option<IpAddr>,
    /// The first address in another network that it polled from.
    pub other_address: Option<IpAddr>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// What it says of itself; cleaned (row S-276).
    pub host_label: Option<String>,
}

impl Requester {
    /// Where it was seen.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.address.into_iter().chain(self.other_address)
    }
}

/// Where a device grant stands.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceGrantState {
    /// Nobody has decided.
    Pending,
    /// A person said yes.
    Approved {
        /// What they granted.
        seed: Box<AuthorizationSeed>,
    },
    /// A person said no.
    Denied,
    /// The tokens were fetched.
    Redeemed {
        /// The authorization they hang from.
        authorization: AuthorizationId,
    },
}

/// How device grants are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRules {
    /// How long a code lives.
    pub lifetime: Duration,
    /// The first interval.
    pub interval: Duration,
    /// Whether there are links that bring their code along (RFC 8628 §3.3.1).
    pub prefill: bool,
    /// From so many live codes of one client on, new ones have ten letters (row S-272): a stranger who
    /// begins many makes them no easier to guess, and stops nobody.
    pub max_pending_per_client: u64,
}

impl Default for DeviceRules {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_mins(10),
            interval: Duration::from_secs(5),
            prefill: true,
            max_pending_per_client: 1_000,
        }
    }
}

impl DeviceRules {
    /// How long the next user code has to be, or that there is no room for one.
    pub fn code_length(&self, live_of_client: u64, rows: u64) -> Result<Length, Refusal> {
        if rows >= MOST_ROWS {
            return Err(Refusal::Busy(Duration::from_secs(30)));
        }
        Ok(if live_of_client >= self.max_pending_per_client {
            Length::Ten
        } else {
            Length::Eight
        })
    }
}

/// Keeps of a device's own words what cannot pose as ours: 40 letters, digits, space, `._-`
/// (row S-276).
pub fn clean_label(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-'))
        .take(40)
        .collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

impl DeviceGrantState {
    /// Where that is, without what it holds.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Pending => Stage::Pending,
            Self::Approved { .. } => Stage::Approved,
            Self::Denied => Stage::Denied,
            Self::Redeemed { .. } => Stage::Redeemed,
        }
    }
}

impl DeviceGrant {
    /// Whether a person can still decide it.
    pub fn is_undecided(&self, now: Timestamp) -> bool {
        self.state == DeviceGrantState::Pending && now < self.expires_at
    }

    /// The user code as people read it.
    pub fn shown_user_code(&self) -> String {
        UserCode::from_input(&self.user_code).map_or_else(String::new, |code| code.to_string())
    }

    /// A person says yes. A decided or expired grant stays as it is (row S-16).
    pub fn approve(&mut self, seed: AuthorizationSeed, now: Timestamp) -> Result<(), Refusal> {
        self.decide(
            DeviceGrantState::Approved {
                seed: Box::new(seed),
            },
            now,
        )
    }

    /// A person says no.
    pub fn deny(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.decide(DeviceGrantState::Denied, now)
    }

    /// Ends a code before its time, as if the time had come.
    pub fn expire(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let waits = matches!(
            self.state,
            DeviceGrantState::Pending | DeviceGrantState::Approved { .. }
        );
        if !waits || now >= self.expires_at {
            return Err(Refusal::InvalidGrant(GrantReason::UsedTwice));
        }
        self.expires_at = now;
        Ok(())
    }

    fn decide(&mut self, state: DeviceGrantState, now: Timestamp) -> Result<(), Refusal> {
        if !self.is_undecided(now) {
            return Err(Refusal::InvalidGrant(GrantReason::UsedTwice));
        }
        self.state = state;
        Ok(())
    }

    /// Answers one poll of the token endpoint; `authorization` is the id that the tokens will hang
    /// from when there are any.
    ///
    /// RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>
    pub fn redeem(
        &mut self,
        (client, dpop_jkt): (&AuthenticatedClient, Option<&str>),
        authorization: AuthorizationId,
        now: Timestamp,
    ) -> Result<AuthorizationSeed, Denied> {
        if self.client_id != *client.id() {
            return Err(GrantReason::OtherClient.into());
        }
        // Refused before it counts as a poll: the code is untouched.
        bound_key::check(self.dpop_jkt.as_deref(), dpop_jkt)?;
        let mut pace = Pace {
            interval: self.interval,
            last_poll_at: self.last_poll_at,
        };
        let answer = pace.answer(self.state.stage(), self.expires_at, now);
        (self.interval, self.last_poll_at) = (pace.interval, pace.last_poll_at);
        answer?;
        match &self.state {
            DeviceGrantState::Pending => Err(Refusal::AuthorizationPending.into()),
            DeviceGrantState::Denied => Err(Refusal::AccessDenied.into()),
            DeviceGrantState::Redeemed { authorization } => Err(Denied {
                refusal: Refusal::InvalidGrant(GrantReason::UsedTwice),
                revokes: Some((*authorization, RevokeReason::CodeReplayed)),
            }),
            DeviceGrantState::Approved { seed } => {
                let seed = seed.as_ref().clone();
                self.state = DeviceGrantState::Redeemed { authorization };
                Ok(seed)
            }
        }
    }

    /// The authorization that its tokens hang from, once they were fetched.
    pub fn authorization(&self) -> Option<AuthorizationId> {
        match self.state {
            DeviceGrantState::Redeemed { authorization } => Some(authorization),
            DeviceGrantState::Pending
            | DeviceGrantState::Approved { .. }
            | DeviceGrantState::Denied => None,
        }
    }

    /// Whether a poll after the redemption is the device's own, which did not hear the answer: it is
    /// given its authorization, with the first refresh token, once more. What the family was used
    /// for meanwhile is judged when that token comes. Only the key that the code is bound to tells
    /// the device from a thief with a copy of the code, so an unbound code counts once, and so does
    /// a bound one after [`ANSWERED_AGAIN`] (rows S-22 and S-23).
    pub fn answers_again(
        &self,
        (client, dpop_jkt): (&AuthenticatedClient, Option<&str>),
        authorization: &Authorization,
        now: Timestamp,
    ) -> bool {
        let is_fresh = authorization.created_at <= now + CLOCK_FAULT
            && now < authorization.created_at + ANSWERED_AGAIN;
        self.client_id == *client.id()
            && self.dpop_jkt.is_some()
            && bound_key::check(self.dpop_jkt.as_deref(), dpop_jkt).is_ok()
            && self.authorization() == Some(authorization.id)
            && authorization.is_live()
            && is_fresh
    }

    /// The client no longer needs the code (row S-273).
    pub fn withdraw(&mut self, now: Timestamp) {
        if self.is_undecided(now) || matches!(self.state, DeviceGrantState::Approved { .. }) {
            self.state = DeviceGrantState::Denied;
        }
    }
}

#[cfg(test)]
#[path = "device_code_tests.rs"]
mod tests;
