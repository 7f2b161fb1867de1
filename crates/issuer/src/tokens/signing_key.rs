//! The keys that sign an issuer's tokens, and the life of each: published before it signs, kept
//! after it has.
//!
//! OIDC Core §10.1.1: <https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys>

use std::time::Duration;

use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::{KeyId, Secret, Timestamp};

/// A signing key as it is kept; the private half is sealed by whoever stores it.
#[derive(Clone, Debug)]
pub struct SigningKeyRecord {
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// Its `kid`.
    pub kid: KeyId,
    /// Its one algorithm.
    pub algorithm: Algorithm,
    /// The private key, PKCS #8.
    pub pkcs8: Secret<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it is in its life.
    pub state: KeyState,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// In the JWKS, so that verifiers know it before they meet it.
    Next {
        /// It signs no earlier than this.
        signs_from: Timestamp,
    },
    /// It signs.
    Active {
        /// Its successor takes over then; `None`: never by itself (dev mode).
        until: Option<Timestamp>,
    },
    /// In the JWKS, for the tokens that it signed.
    Retiring {
        /// It is deleted then; `None`: never by itself (dev mode).
        until: Option<Timestamp>,
    },
}

/// What is public of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its `kid`.
    pub kid: KeyId,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How long each part of a key's life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySchedule {
    /// Published so long before it signs: longer than anybody caches a JWKS.
    pub published: Duration,
    /// It signs for so long.
    pub active: Duration,
    /// Published so long after it signed: longer than any token lives.
    pub retiring: Duration,
}

impl KeySchedule {
    /// The schedule for tokens that live at most so long.
    pub fn for_tokens(longest_life: Duration) -> Self {
        let day = Duration::from_hours(24);
        Self {
            published: day,
            active: 30 * day,
            retiring: longest_life + day,
        }
    }

    /// A key that is made now and signs as soon as verifiers can know it.
    pub fn next(&self, now: Timestamp) -> KeyState {
        KeyState::Next {
            signs_from: now + self.published,
        }
    }

    fn active(&self, now: Timestamp) -> KeyState {
        KeyState::Active {
            until: Some(now + self.active),
        }
    }

    fn retiring(&self, now: Timestamp) -> KeyState {
        KeyState::Retiring {
            until: Some(now + self.retiring),
        }
    }
}

/// What must be done to the keys of one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a key in this state.
    Create(KeyState),
    /// Change the state of a key.
    Change(KeyId, KeyState),
    /// Delete a key.
    Delete(KeyId),
}

/// Whether the successor waits for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Verifiers learn of each key before it signs.
    Scheduled,
    /// The successor signs at once: the present key may be in foreign hands.
    Now,
}

/// What must be done now to the keys of one algorithm; nothing, most of the time. Doing it and asking
/// again leads to an answer without steps.
pub fn steps(keys: &[KeyFacts], schedule: &KeySchedule, now: Timestamp) -> Vec<Step> {
    let mut steps: Vec<Step> = keys.iter().filter_map(|key| deletion(key, now)).collect();
    match (active(keys), next(keys)) {
        // Nobody has fetched a JWKS without this key.
        (None, None) => steps.push(Step::Create(schedule.active(now))),
        // Whatever took the active key away, tokens must be signed.
        (None, Some((next, _))) => {
            steps.push(Step::Change(next.kid.clone(), schedule.active(now)));
        }
        (Some((_, until)), None) => {
            if until.is_some_and(|until| now + schedule.published >= until) {
                steps.push(Step::Create(schedule.next(now)));
            }
        }
        // The active key's own time does not hold the successor up: whoever made one early wants it.
        (Some((active, _)), Some((next, signs_from))) => {
            if now >= signs_from {
                steps.extend(hand_over(active, next, schedule, now));
            }
        }
    }
    steps
}

/// What rotation by hand takes: a successor, and with [`Urgency::Now`] its start.
pub fn rotation(
    keys: &[KeyFacts],
    urgency: Urgency,
    schedule: &KeySchedule,
    now: Timestamp,
) -> Vec<Step> {
    match (active(keys), next(keys), urgency) {
        (None, ..) => steps(keys, schedule, now),
        (Some(_), Some(_), Urgency::Scheduled) => Vec::new(),
        (Some(_), None, Urgency::Scheduled) => vec![Step::Create(schedule.next(now))],
        (Some((active, _)), Some((next, _)), Urgency::Now) => {
            hand_over(active, next, schedule, now).to_vec()
        }
        (Some((active, _)), None, Urgency::Now) => vec![
            Step::Change(active.kid.clone(), schedule.retiring(now)),
            Step::Create(schedule.active(now)),
        ],
    }
}

fn hand_over(
    active: &KeyFacts,
    next: &KeyFacts,
    schedule: &KeySchedule,
    now: Timestamp,
) -> [Step; 2] {
    [
        Step::Change(active.kid.clone(), schedule.retiring(now)),
        Step::Change(next.kid.clone(), schedule.active(now)),
    ]
}

fn active(keys: &[KeyFacts]) -> Option<(&KeyFacts, Option<Timestamp>)> {
    keys.iter().find_map(|key| match key.state {
        KeyState::Active { until } => Some((key, until)),
        KeyState::Next { .. } | KeyState::Retiring { .. } => None,
    })
}

fn next(keys: &[KeyFacts]) -> Option<(&KeyFacts, Timestamp)> {
    keys.iter().find_map(|key| match key.state {
        KeyState::Next { signs_from } => Some((key, signs_from)),
        KeyState::Active { .. } | KeyState::Retiring { .. } => None,
    })
}

fn deletion(key: &KeyFacts, now: Timestamp) -> Option<Step> {
    match key.state {
        KeyState::Retiring { until: Some(until) } if now >= until => {
            Some(Step::Delete(key.kid.clone()))
        }
        KeyState::Retiring { .. } | KeyState::Next { .. } | KeyState::Active { .. } => None,
    }
}

#[cfg(test)]
#[path = "signing_key_tests.rs"]
mod tests;
