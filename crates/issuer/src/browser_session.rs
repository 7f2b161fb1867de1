//! The sign-in of one person in one browser.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_protocol::random::{self, Random};
use serde::{Deserialize, Serialize};

use crate::tokens::one_time::SecretHash;
use crate::user::{SignIn, User};

/// How long a browser stays signed in without being used.
pub const IDLE: Duration = Duration::from_hours(12);
/// How long it stays signed in however much it is used.
pub const ABSOLUTE: Duration = Duration::from_hours(30 * 24);

/// How long a browser stays signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Unused for so long, it ends.
    pub idle: Duration,
    /// So long after the sign-in it ends whatever happens.
    pub absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: IDLE,
            absolute: ABSOLUTE,
        }
    }
}

/// Names a browser session, whatever its cookie is at the time. It opens nothing: no cookie can be
/// made from it, and no page is asked for by it.
///
/// A `UUIDv7` and 16 zero bytes. It is as long as the hash of a cookie, which stood in its place
/// before (`docs/adr/0019`); a session of that time has that hash as its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BrowserSessionId([u8; 32]);

impl BrowserSessionId {
    /// Draws a new id.
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        let mut id = [0; 32];
        id[..16].copy_from_slice(&random::uuid_v7(now, random));
        Self(id)
    }

    /// The id as it is stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id as it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A signed-in browser. The cookie carries a random value; the record only its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct BrowserSession {
    /// What is granted in this session refers to it by this, from the sign-in to the sign-out.
    pub id: BrowserSessionId,
    /// The hash of the cookie's value, which is another one after each proof.
    pub token_hash: SecretHash,
    /// The issuer that the person signed in to (its path).
    pub issuer: String,
    /// Who signed in.
    pub user: User,
    /// How they did.
    pub sign_in: SignIn,
    /// When the person last proved who they are (`auth_time`).
    pub auth_time: Timestamp,
    /// The browser's address.
    pub address: Option<IpAddr>,
    /// When the session ends unless it is used.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl BrowserSession {
    /// Whether the browser still counts as signed in.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }

    /// The same session under a new cookie. The one before opens nothing any more (row A-78), and what
    /// was granted in the session still hangs from it.
    #[must_use]
    pub fn renew(&self, token_hash: SecretHash) -> Self {
        Self {
            token_hash,
            ..self.clone()
        }
    }

    /// The same session with what its person has proved since, under a new cookie. When they signed
    /// in is not changed: one factor is no new sign-in.
    #[must_use]
    pub fn step_up(&self, token_hash: SecretHash, sign_in: SignIn) -> Self {
        Self {
            sign_in,
            ..self.renew(token_hash)
        }
    }

    /// What becomes of a sign-in in a browser that has this session already. The same person goes on
    /// in it, so that one sign-out ends all that they granted in this browser; somebody else gets
    /// a session of their own, as does whoever signs in after a sign-out.
    #[must_use]
    pub fn take_over(&self, next: Self) -> Self {
        if self.is_continued_by(&next) {
            Self {
                id: self.id,
                ..next
            }
        } else {
            next
        }
    }

    fn is_continued_by(&self, next: &Self) -> bool {
        let is_same_person = self.user.id == next.user.id && self.issuer == next.issuer;
        is_same_person && self.ended_at.is_none()
    }

    /// Notes that a live session is used; whether that is worth writing down. A twenty-fourth of
    /// the idle time is the least that is.
    pub fn touch(&mut self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        let end = (now + lifetimes.idle).min(self.auth_time + lifetimes.absolute);
        let is_worth_it = end >= self.expires_at + lifetimes.idle / 24;
        if is_worth_it {
            self.expires_at = end;
        }
        is_worth_it
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::UserId;
    use hallpass_protocol::random::SystemRandom;
    use serde_json::Map;

    use super::*;

    fn session(user: &str, cookie: &[u8]) -> BrowserSession {
        let start = Timestamp::from_unix_seconds(1_000_000);
        BrowserSession {
            id: BrowserSessionId::generate(start, &SystemRandom),
            token_hash: SecretHash::of(cookie),
            issuer: String::new(),
            user: User {
                id: UserId::new(user),
                claims: Map::new(),
            },
            sign_in: SignIn::default(),
            auth_time: start,
            address: None,
            expires_at: start + IDLE,
            ended_at: None,
        }
    }

    #[test]
    fn a_78_a_proof_changes_the_cookie_and_not_the_session() {
        let before = session("ada", b"before");
        let proved = SignIn::by_password(3);
        let after = before.step_up(SecretHash::of(b"after"), proved.clone());
        assert_eq!(after.id, before.id);
        assert_eq!(after.token_hash, SecretHash::of(b"after"));
        assert_eq!(after.sign_in, proved);
        assert_eq!(after.auth_time, before.auth_time);
        let renewed = after.renew(SecretHash::of(b"renewed"));
        assert_eq!((renewed.id, &renewed.sign_in), (before.id, &proved));
        assert_ne!(renewed.token_hash, after.token_hash);
    }

    #[test]
    fn a_78_only_the_same_person_goes_on_in_a_session() {
        let before = session("ada", b"before");
        let next = |user, issuer: &str| BrowserSession {
            issuer: issuer.to_owned(),
            ..session(user, b"next")
        };
        let again = before.take_over(next("ada", ""));
        assert_eq!(
            (again.id, again.token_hash),
            (before.id, SecretHash::of(b"next"))
        );
        for other in [next("eve", ""), next("ada", "/other")] {
            assert_eq!(before.take_over(other.clone()), other);
        }
        // What was signed out does not come back.
        let ended = BrowserSession {
            ended_at: Some(before.auth_time),
            ..before
        };
        let next = next("ada", "");
        assert_eq!(ended.take_over(next.clone()), next);
    }

    #[test]
    fn an_id_says_nothing_of_a_cookie_and_is_as_long_as_its_hash() {
        let one = session("ada", b"same");
        let other = session("ada", b"same");
        assert_ne!(one.id, other.id);
        assert_eq!(one.id.as_bytes().len(), one.token_hash.as_bytes().len());
        assert_eq!(one.id.as_bytes()[16..], [0; 16]);
        assert_eq!(one.id.as_bytes()[6] >> 4, 7, "a UUIDv7");
        // The version before reads it where it wrote a hash, and this one reads such a hash.
        let json = serde_json::to_string(&one.id).unwrap();
        let hash: SecretHash = serde_json::from_str(&json).unwrap();
        assert_eq!(hash.as_bytes(), one.id.as_bytes());
        let json = serde_json::to_string(&one.token_hash).unwrap();
        let id: BrowserSessionId = serde_json::from_str(&json).unwrap();
        assert_eq!(id.as_bytes(), one.token_hash.as_bytes());
    }

    #[test]
    fn a_session_that_is_used_lives_to_its_absolute_end() {
        let start = Timestamp::from_unix_seconds(1_000_000);
        let lifetimes = Lifetimes::default();
        let mut session = session("ada", b"x");
        assert!(!session.touch(lifetimes, start + Duration::from_mins(29)));
        assert_eq!(session.expires_at, start + IDLE);
        let mut now = start;
        while session.is_live(now + Duration::from_hours(11)) {
            now = now + Duration::from_hours(11);
            session.touch(lifetimes, now);
        }
        assert_eq!(session.expires_at, start + ABSOLUTE);
        assert!(!session.touch(lifetimes, start + ABSOLUTE - Duration::from_secs(1)));
        assert!(!session.is_live(start + ABSOLUTE));
    }
}
