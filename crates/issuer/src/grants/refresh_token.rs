//! The refresh grant: rotation, forgiveness and reuse.
//!
//! RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>, RFC 9700 §4.14.2.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::{AuthorizationId, ClientId, Timestamp};

use crate::authorization::{
    Authorization, GraceElsewhere, RefreshFamily, RefreshLifetimes, RevokeReason,
};
use crate::bound_key;
use crate::network::{self, Comparison};
use crate::refusal::{Denied, GrantReason, Refusal};
use crate::tokens::refresh_token::RefreshToken;

/// A row may lie so far in this node's future before its clock counts as wrong (row S-287).
pub const CLOCK_FAULT: Duration = Duration::from_secs(5);

/// What a client brings to a refresh.
#[derive(Clone, Copy, Debug)]
pub struct Brought<'a> {
    /// The client, as it proved itself.
    pub client: &'a ClientId,
    /// `refresh_token`.
    pub token: &'a RefreshToken,
    /// The key that its DPoP proof is by.
    pub dpop_jkt: Option<&'a str>,
    /// The address it comes from, where that is known.
    pub address: Option<IpAddr>,
}

/// How a refresh was answered; every answer carries the token of the row's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The token was the valid one: it is retired and its successor is valid.
    Rotated,
    /// The token stays valid: this family does not rotate (row S-61).
    Kept,
    /// The token was just retired: the same successor again (row S-58).
    Forgiven,
    /// The same, to another network than the rotation's (row S-259).
    ForgivenElsewhere,
    /// The token is ahead of a restored database, which catches up (row S-260).
    Ahead,
}

impl RefreshFamily {
    /// Begins a family with its first token.
    pub fn begin(
        first: &RefreshToken,
        rotates: bool,
        lifetimes: &RefreshLifetimes,
        now: Timestamp,
    ) -> Self {
        Self {
            seed_hash: first.seed_hash(),
            generation: first.generation,
            rotates,
            rotated_at: None,
            previously_rotated_at: None,
            rotated_from: None,
            idle_expires_at: now + lifetimes.idle.min(lifetimes.absolute),
            absolute_expires_at: now + lifetimes.absolute,
        }
    }
}

/// Answers a refresh. What is refused changes nothing (row S-257).
///
/// RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>
pub fn redeem(
    authorization: &mut Authorization,
    brought: Brought<'_>,
    lifetimes: &RefreshLifetimes,
    now: Timestamp,
) -> Result<Refreshed, Denied> {
    let Brought {
        client,
        token,
        dpop_jkt,
        address,
    } = brought;
    let id = authorization.id;
    if !authorization.is_live() {
        return Err(GrantReason::Revoked.into());
    }
    if authorization.client_id != *client {
        return Err(GrantReason::OtherClient.into());
    }
    let Some(family) = authorization.refresh.as_mut() else {
        return Err(GrantReason::Unknown.into());
    };
    if family.seed_hash != token.seed_hash() {
        return Err(GrantReason::Unknown.into());
    }
    // RFC 9449 §5: a stolen refresh token is worth nothing without the key.
    bound_key::check(authorization.dpop_jkt.as_deref(), dpop_jkt)?;
    if family.rotated_at.is_some_and(|at| at > now + CLOCK_FAULT) {
        return Err(Refusal::Busy(CLOCK_FAULT).into());
    }
    if now >= family.idle_expires_at || now >= family.absolute_expires_at {
        return Err(GrantReason::Expired.into());
    }
    let answer = decide(family, token.generation, lifetimes.grace, now)
        .and_then(|answer| place(family, answer, address, lifetimes.grace_elsewhere))
        .map_err(|reason| denied(id, reason))?;
    match answer {
        Refreshed::Rotated | Refreshed::Ahead => {
            family.generation = token.generation.saturating_add(1);
            family.previously_rotated_at = family.rotated_at.replace(now);
            family.rotated_from = address.map(network::of);
        }
        Refreshed::Kept | Refreshed::Forgiven | Refreshed::ForgivenElsewhere => {}
    }
    // Rotation never extends the absolute end (row S-64).
    family.idle_expires_at = (now + lifetimes.idle).min(family.absolute_expires_at);
    Ok(answer)
}

/// When a token ends that a refresh would take now; `None` for one that it would refuse, or only
/// forgive (row S-159).
pub fn valid_until(
    authorization: &Authorization,
    token: &RefreshToken,
    now: Timestamp,
) -> Option<Timestamp> {
    let family = authorization
        .refresh
        .as_ref()
        .filter(|_| authorization.is_live())?;
    let end = family.idle_expires_at.min(family.absolute_expires_at);
    let is_current = family.generation == token.generation && family.seed_hash == token.seed_hash();
    (is_current && now < end).then_some(end)
}

/// Lateness counts from when *that* generation was retired, never from the last rotation: else a
/// thief who rotates every 20 s would never be noticed (row S-258).
fn decide(
    family: &RefreshFamily,
    generation: u32,
    grace: Duration,
    now: Timestamp,
) -> Result<Refreshed, GrantReason> {
    let within = |retired: Option<Timestamp>| retired.is_some_and(|at| now.since(at) <= grace);
    if generation == family.generation {
        return Ok(if family.rotates {
            Refreshed::Rotated
        } else {
            Refreshed::Kept
        });
    }
    if generation > family.generation {
        return Ok(Refreshed::Ahead);
    }
    match family.generation - generation {
        1 if within(family.rotated_at) => Ok(Refreshed::Forgiven),
        2 if within(family.previously_rotated_at) => Err(GrantReason::Late),
        _ => Err(GrantReason::Reused),
    }
}

/// Where a lost answer is asked for again: a thief who is as quick as that is seldom in the network
/// of the program that rotated (row S-259).
fn place(
    family: &RefreshFamily,
    answer: Refreshed,
    address: Option<IpAddr>,
    elsewhere: GraceElsewhere,
) -> Result<Refreshed, GrantReason> {
    let compared = network::compare(family.rotated_from, address);
    match (answer, compared, elsewhere) {
        (Refreshed::Forgiven, Comparison::Different, GraceElsewhere::Told) => {
            Ok(Refreshed::ForgivenElsewhere)
        }
        (Refreshed::Forgiven, Comparison::Different, GraceElsewhere::Ended) => {
            Err(GrantReason::Elsewhere)
        }
        _ => Ok(answer),
    }
}

fn denied(id: AuthorizationId, reason: GrantReason) -> Denied {
    let reused = matches!(reason, GrantReason::Reused | GrantReason::Elsewhere);
    Denied {
        refusal: Refusal::InvalidGrant(reason),
        revokes: reused.then_some((id, RevokeReason::RefreshReused)),
    }
}

#[cfg(test)]
#[path = "refresh_token_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "refresh_token_exploration.rs"]
mod exploration;

#[cfg(test)]
#[path = "refresh_token_world.rs"]
mod world;
