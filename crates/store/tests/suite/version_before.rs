//! Nodes of the version before write and read the tables of this one while they are replaced: what
//! they do is done here in their own statements (migration 0032).

use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_protocol::hex;
use hallpass_store::{Store, authorizations, browser_sessions};
use hallpass_testing::TestPostgres;

use crate::postgres::{database, keep, open};
use crate::records::{ISSUER, authorization, browser_session, hash, id, now, session_id};

/// A node of the version before.
struct Before {
    database: String,
}

impl Before {
    fn sql(&self, statement: &str) -> String {
        TestPostgres::shared().sql(&self.database, statement)
    }

    fn sign_in(&self, cookie: &str) {
        self.sql(&format!(
            "INSERT INTO browser_sessions (token_hash, issuer, user_id, user_claims, auth_time, \
             address, expires_at, ended_at, sign_in) \
             VALUES ({}, '{ISSUER}', 'ada', '{{}}', 0, NULL, 99, NULL, '{{}}')",
            bytes(cookie)
        ));
    }

    fn step_up(&self, from: &str, to: &str) {
        let (old, new) = (bytes(from), bytes(to));
        self.sql(&format!(
            "UPDATE browser_sessions SET ended_at = 5 WHERE token_hash = {old}"
        ));
        self.sign_in(to);
        self.sql(&format!(
            "UPDATE authorizations SET browser_session = {new} WHERE id IN \
             (SELECT id FROM authorizations_by_browser WHERE browser_session = {old}) \
             AND revoked_at IS NULL"
        ));
    }

    /// How many authorizations it ended.
    fn sign_out(&self, cookie: &str) -> usize {
        let ended = self.sql(&format!(
            "UPDATE authorizations SET revoked_at = 5, revoke_reason = 6 WHERE id IN \
             (SELECT id FROM authorizations_by_browser WHERE browser_session = {}) \
             AND revoked_at IS NULL RETURNING 1",
            bytes(cookie)
        ));
        ended.lines().count()
    }
}

/// The hash of a cookie in SQL.
fn bytes(cookie: &str) -> String {
    format!("'\\x{}'::bytea", hex::encode(hash(cookie).as_bytes()))
}

async fn nodes() -> (Store, Before) {
    let address = TestPostgres::shared().database();
    let store = open(&address).await;
    let before = Before {
        database: database(&address).to_owned(),
    };
    (store, before)
}

/// A program is granted something in this session.
async fn grant(store: &Store, session: BrowserSessionId) {
    let mut granted = authorization();
    granted.id = id();
    granted.seed.browser_session = Some(session);
    keep(store, granted).await;
}

async fn sign_in(store: &Store, cookie: &'static str) {
    let insert = store.write(move |tx| browser_sessions::insert(tx, &browser_session(cookie)));
    insert.await.unwrap();
}

async fn step_up(store: &Store, from: &'static str, to: &'static str) {
    let replaced = store.write(move |tx| {
        let found = browser_sessions::find(tx, ISSUER, &hash(from))?.unwrap();
        browser_sessions::replace(tx, &hash(from), &found.renew(hash(to)))
    });
    assert_eq!(replaced.await, Ok(true));
}

/// How many authorizations it ended.
async fn sign_out(store: &Store, cookie: &'static str) -> u64 {
    let ended = store.write(move |tx| {
        let session = browser_sessions::find(tx, ISSUER, &hash(cookie))?
            .unwrap()
            .id;
        let reason = RevokeReason::SignedOut;
        browser_sessions::end(tx, &session, now())?;
        authorizations::revoke_online_by_browser_session(tx, &session, reason, now())
    });
    ended.await.unwrap()
}

/// What the version before refers to a session by: the hash of the cookie.
fn by_cookie(cookie: &str) -> BrowserSessionId {
    BrowserSessionId::from_bytes(*hash(cookie).as_bytes())
}

#[tokio::test]
async fn s_246_a_session_of_the_version_before_is_signed_out_by_this_one() {
    let (store, before) = nodes().await;
    before.sign_in("one");
    // Each version grants something in it, and this one lets it step up.
    grant(&store, by_cookie("one")).await;
    step_up(&store, "one", "two").await;
    grant(&store, by_cookie("one")).await;
    assert_eq!(sign_out(&store, "two").await, 2);
}

#[tokio::test]
async fn s_246_a_session_of_this_version_is_signed_out_by_the_one_before() {
    let (store, before) = nodes().await;
    sign_in(&store, "one").await;
    grant(&store, session_id("one")).await;
    step_up(&store, "one", "two").await;
    grant(&store, session_id("one")).await;
    sign_in(&store, "another").await;
    grant(&store, session_id("another")).await;
    assert_eq!(before.sign_out("one"), 0, "that cookie is nobody's");
    assert_eq!(before.sign_out("two"), 2);
}

#[tokio::test]
async fn s_246_a_step_up_at_either_version_loses_nothing_that_was_redeemed() {
    let (store, before) = nodes().await;
    sign_in(&store, "one").await;
    grant(&store, session_id("one")).await;
    before.step_up("one", "two");
    grant(&store, by_cookie("two")).await;
    step_up(&store, "two", "three").await;
    grant(&store, by_cookie("two")).await;
    before.step_up("three", "four");
    assert_eq!(sign_out(&store, "four").await, 3);
}

#[tokio::test]
async fn what_this_version_writes_is_as_long_as_the_one_before_expects() {
    let (store, before) = nodes().await;
    let session = BrowserSessionId::generate(now(), &hallpass_protocol::random::SystemRandom);
    grant(&store, session).await;
    let lengths = before.sql("SELECT length(browser_session) FROM authorizations");
    assert_eq!(lengths, "32");
}
