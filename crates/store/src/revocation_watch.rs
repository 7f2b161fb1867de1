//! What this process knows of revocations without asking the database, and since when it knows it.
//!
//! Whoever saw in the database that a token lives may believe it for [`BELIEVED`], as long as two
//! things hold: this process hears of every revocation, and the token is not among those that it
//! heard of. With a file or in memory it makes all revocations itself, and hears of each when it is
//! committed. On a server other nodes revoke too; there the process follows a feed
//! (`revocation_feed.rs`), and what it knows counts only while its last look began less than
//! [`LEASE`] ago. Whatever breaks the thread, a lost connection or a sleep, makes it forget what it
//! believed and not what was revoked.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use hallpass_protocol::AuthorizationId;
use hallpass_protocol::time::since_boot;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::error::StoreError;

/// For so long a look at the feed counts.
pub const LEASE: Duration = Duration::from_secs(1);
/// For so long it is believed that a token lives which was seen to live.
const BELIEVED: Duration = Duration::from_secs(30);
/// A revocation is remembered for longer than anything that was believed before it.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Beyond so many, what was believed is forgotten instead of them.
const MOST: usize = 100_000;
/// A request waits so long for a look that is under way.
const PATIENCE: Duration = Duration::from_millis(250);

/// What this process knows of revocations.
#[derive(Debug)]
pub struct RevocationWatch {
    /// When the last good look at the feed began.
    followed: AtomicU64,
    /// What was seen to live before this, or in this moment, is not believed any more.
    forgotten: AtomicU64,
    ended: RwLock<Ended>,
    /// Asks for a look at the feed.
    pub(crate) wanted: Notify,
    /// Says that there was one.
    renewed: Notify,
}

/// A moment of this process, by a clock that counts suspend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// When something was last seen to live; empty at first.
#[derive(Debug, Default)]
pub struct SeenLive(AtomicU64);

/// A token, by what can be revoked of it.
#[derive(Clone, Copy, Debug)]
pub struct TokenNames<'a> {
    /// The path of its issuer.
    pub issuer: &'a str,
    /// Its id, if it has one.
    pub jti: Option<&'a str>,
    /// What it hangs from, if it does.
    pub authorization: Option<AuthorizationId>,
}

/// Something that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    Authorization(AuthorizationId),
    Token { issuer: String, jti: String },
    Everything,
}

#[derive(Debug, Default)]
struct Ended {
    latest: Batch,
    before: Batch,
    /// When `latest` was begun.
    begun: u64,
}

#[derive(Debug, Default)]
struct Batch {
    authorizations: HashSet<AuthorizationId>,
    /// By issuer.
    tokens: HashMap<String, HashSet<String>>,
    count: usize,
}

impl RevocationWatch {
    /// The watch of a process that makes all revocations itself.
    pub(crate) fn alone() -> Self {
        Self::followed(u64::MAX)
    }

    /// The watch of a process that has yet to look at the feed.
    pub(crate) fn of_feed() -> Self {
        Self::followed(0)
    }

    fn followed(followed: u64) -> Self {
        Self {
            followed: AtomicU64::new(followed),
            forgotten: AtomicU64::new(0),
            ended: RwLock::default(),
            wanted: Notify::new(),
            renewed: Notify::new(),
        }
    }

    /// The present moment, if what this process knows of revocations counts in it. A request that
    /// comes while it does not waits a little, no longer than a quarter of a second.
    pub async fn now(&self) -> Result<Moment, StoreError> {
        if let Some(now) = self.now_at_once() {
            return Ok(now);
        }
        let waited = timeout(PATIENCE, async {
            loop {
                let mut renewed = std::pin::pin!(self.renewed.notified());
                renewed.as_mut().enable();
                self.wanted.notify_one();
                if let Some(now) = self.now_at_once() {
                    return now;
                }
                renewed.await;
            }
        });
        waited.await.map_err(|_| {
            let text = "what was revoked in the last second is not known";
            StoreError::Unavailable(text.to_owned())
        })
    }

    fn now_at_once(&self) -> Option<Moment> {
        let now = clock();
        let counts_until = self
            .followed
            .load(Ordering::Acquire)
            .saturating_add(nanos(LEASE));
        (now < counts_until).then_some(Moment(now))
    }

    /// Whether a token was revoked, as far as this process has heard of it.
    pub fn has_ended(&self, token: TokenNames<'_>) -> bool {
        let ended = self.read();
        ended.latest.has(token) || ended.before.has(token)
    }

    /// Whether what was seen to live is still believed to. Ask [`Self::has_ended`] too.
    pub fn believes(&self, seen: &SeenLive, now: Moment) -> bool {
        let seen = seen.0.load(Ordering::Acquire);
        seen > self.forgotten.load(Ordering::Acquire)
            && now.0 < seen.saturating_add(nanos(BELIEVED))
    }

    /// Takes what ended. It must be called before anybody hears that it did.
    pub(crate) fn learn(&self, revoked: impl IntoIterator<Item = Revoked>) {
        let mut revoked = revoked.into_iter().peekable();
        if revoked.peek().is_none() {
            return;
        }
        let now = clock();
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(ended.begun) > nanos(REMEMBERED) {
            ended.before = std::mem::take(&mut ended.latest);
            ended.begun = now;
        }
        let mut is_too_much = false;
        for one in revoked {
            is_too_much |= !ended.latest.add(one);
        }
        if is_too_much {
            *ended = Ended::default();
            self.forget_beliefs();
        }
    }

    /// Believes nothing that was seen to live until now.
    pub(crate) fn forget_beliefs(&self) {
        self.forgotten.fetch_max(clock(), Ordering::AcqRel);
    }

    /// Notes that a look at the feed which began then was good.
    pub(crate) fn renew(&self, began: Moment) {
        self.followed.fetch_max(began.0, Ordering::AcqRel);
        self.renewed.notify_waiters();
    }

    fn read(&self) -> RwLockReadGuard<'_, Ended> {
        // What the lock guards is whole after a panic too.
        self.ended.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SeenLive {
    /// Notes that it was seen to live, by a look at the database that began in this moment or later.
    pub fn note(&self, at: Moment) {
        self.0.fetch_max(at.0, Ordering::AcqRel);
    }
}

impl Moment {
    /// Now, whatever it counts for.
    pub fn present() -> Self {
        Self(clock())
    }

    /// The time from an earlier moment to this one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Batch {
    fn has(&self, token: TokenNames<'_>) -> bool {
        self.count > 0
            && (token
                .authorization
                .is_some_and(|id| self.authorizations.contains(&id))
                || token.jti.is_some_and(|jti| {
                    let of_issuer = self.tokens.get(token.issuer);
                    of_issuer.is_some_and(|tokens| tokens.contains(jti))
                }))
    }

    /// Whether there was room.
    fn add(&mut self, revoked: Revoked) -> bool {
        self.count += 1;
        match revoked {
            Revoked::Authorization(id) => {
                self.authorizations.insert(id);
            }
            Revoked::Token { issuer, jti } => {
                self.tokens.entry(issuer).or_default().insert(jti);
            }
            Revoked::Everything => return false,
        }
        self.count <= MOST
    }
}

/// Nanoseconds; 580 years fit.
fn clock() -> u64 {
    nanos(since_boot())
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> AuthorizationId {
        AuthorizationId::from_bytes([n; 16])
    }

    fn names(authorization: Option<AuthorizationId>, jti: Option<&str>) -> TokenNames<'_> {
        TokenNames {
            issuer: "/",
            jti,
            authorization,
        }
    }

    fn revoked_token(issuer: &str, jti: &str) -> Revoked {
        let (issuer, jti) = (issuer.to_owned(), jti.to_owned());
        Revoked::Token { issuer, jti }
    }

    #[tokio::test]
    async fn s_152_what_ended_is_known_at_once_and_nothing_else_is() {
        let watch = RevocationWatch::alone();
        let (now, seen) = (watch.now().await.unwrap(), SeenLive::default());
        assert!(!watch.believes(&seen, now), "nobody saw it yet");
        seen.note(now);
        assert!(watch.believes(&seen, now));
        watch.learn([Revoked::Authorization(id(1)), revoked_token("/", "a")]);
        assert!(watch.has_ended(names(Some(id(1)), None)));
        assert!(watch.has_ended(names(Some(id(2)), Some("a"))));
        assert!(watch.has_ended(names(None, Some("a"))));
        assert!(!watch.has_ended(names(Some(id(2)), Some("b"))));
        assert!(!watch.has_ended(names(None, None)));
        let elsewhere = TokenNames {
            issuer: "/other",
            ..names(None, Some("a"))
        };
        assert!(!watch.has_ended(elsewhere));
        assert!(watch.believes(&seen, now), "others are believed still");
    }

    #[tokio::test]
    async fn what_was_seen_is_believed_for_half_a_minute() {
        let watch = RevocationWatch::alone();
        let (now, seen) = (watch.now().await.unwrap(), SeenLive::default());
        seen.note(now);
        let after = |span| Moment(now.0 + nanos(span));
        assert!(watch.believes(&seen, after(Duration::from_millis(29_999))));
        assert!(!watch.believes(&seen, after(BELIEVED)));
        // An older look tells nothing new.
        seen.note(Moment(now.0 - 1));
        assert!(watch.believes(&seen, after(Duration::from_millis(29_999))));
    }

    #[tokio::test]
    async fn what_is_not_kept_apart_ends_every_belief() {
        let (watch, seen) = (RevocationWatch::alone(), SeenLive::default());
        seen.note(watch.now().await.unwrap());
        watch.learn([Revoked::Everything]);
        assert!(!watch.believes(&seen, watch.now().await.unwrap()));
        seen.note(watch.now().await.unwrap());
        let many = (0..=MOST).map(|n| revoked_token("/", &n.to_string()));
        watch.learn(many);
        assert!(!watch.believes(&seen, watch.now().await.unwrap()));
        assert_eq!(watch.read().latest.count, 0, "the memory is bounded");
        seen.note(watch.now().await.unwrap());
        assert!(watch.believes(&seen, watch.now().await.unwrap()));
    }

    #[test]
    fn what_ended_is_remembered_longer_than_anything_was_believed() {
        let watch = RevocationWatch::alone();
        watch.learn([Revoked::Authorization(id(1))]);
        // A minute is over: the next one begins a new batch.
        watch.ended.write().unwrap().begun -= nanos(REMEMBERED) + 1;
        watch.learn([Revoked::Authorization(id(2))]);
        assert!(watch.has_ended(names(Some(id(1)), None)));
        watch.ended.write().unwrap().begun -= nanos(REMEMBERED) + 1;
        watch.learn([Revoked::Authorization(id(3))]);
        assert!(!watch.has_ended(names(Some(id(1)), None)));
        assert!(watch.has_ended(names(Some(id(2)), None)));
    }

    #[tokio::test]
    async fn s_265_without_a_look_of_the_last_second_nothing_counts() {
        let watch = RevocationWatch::of_feed();
        assert!(matches!(watch.now().await, Err(StoreError::Unavailable(_))));
        watch.renew(Moment::present());
        let now = watch.now().await.unwrap();
        let ago = |span: Duration| Moment(now.0 - nanos(span));
        let watch = RevocationWatch::of_feed();
        watch.renew(ago(LEASE));
        assert!(watch.now_at_once().is_none());
        watch.renew(ago(LEASE / 2));
        assert!(watch.now_at_once().is_some());
    }

    #[tokio::test]
    async fn s_265_a_request_waits_for_a_look_that_is_under_way() {
        let watch = RevocationWatch::of_feed();
        let look = async {
            watch.wanted.notified().await;
            watch.renew(Moment::present());
        };
        let (now, ()) = tokio::join!(watch.now(), look);
        assert!(now.is_ok());
    }
}
