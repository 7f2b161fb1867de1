//! What credential helpers need of a session: a refused token is forgotten, an ID token is fresh.

use std::time::Duration;

use hallpass_client::{Client, LockAttempt, Session, SessionKey, SessionStatus, SignIn};
use serde_json::json;

use crate::fake::{Answer, Fake, TestClock, TestTimer};
use crate::person::Person;

/// Somebody who signed in a moment ago; refreshes wait by a timer that does not.
async fn signed_in() -> (Fake, TestClock, Client, Session) {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let clock = TestClock::new();
    let browser = fake.client(&person).clock(clock.clone()).build().unwrap();
    browser.sign_in(SignIn::browser()).await.unwrap();
    let client = fake.client(&person).store(browser.store());
    let client = client.clock(clock.clone()).timer(TestTimer::default());
    let client = client.build().unwrap();
    let session = client.session().await.unwrap().unwrap();
    fake.expect_nonce(None);
    (fake, clock, client, session)
}

#[tokio::test]
async fn a_refused_token_is_forgotten_and_the_session_stays() {
    let (fake, _, client, session) = signed_in().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    // A host that speaks of an older token, or of none that was ever here.
    assert!(!session.forget_access_token(Some("at-0")).unwrap());
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");

    assert!(session.forget_access_token(Some("at-1")).unwrap());
    let kept = client.session().await.unwrap().unwrap();
    assert_eq!(kept.status(), SessionStatus::Refreshable);
    assert!(kept.kept_access_token(Duration::ZERO).is_none());
    assert_eq!(session.access_token().await.unwrap().expose(), "at-2");
    // It is replaced: the refusal that comes late changes nothing.
    assert!(!session.forget_access_token(Some("at-1")).unwrap());
    assert_eq!(session.access_token().await.unwrap().expose(), "at-2");

    assert!(session.forget_access_token(None).unwrap());
    assert!(!session.forget_access_token(None).unwrap());
    client.sign_out().await.unwrap();
    assert!(!session.forget_access_token(None).unwrap());
}

#[tokio::test]
async fn who_refreshes_is_not_disturbed_by_a_refusal() {
    let (fake, _, client, session) = signed_in().await;
    let (store, key) = (client.store(), SessionKey::new(&fake.issuer, "cli"));
    let LockAttempt::Locked(refreshing) = store.try_lock(&key).unwrap() else {
        panic!("nobody else is here");
    };
    let before = store.load(&key).unwrap().unwrap().generation;
    assert!(!session.forget_access_token(Some("at-1")).unwrap());
    assert_eq!(store.load(&key).unwrap().unwrap().generation, before);
    drop(refreshing);
    assert!(session.forget_access_token(Some("at-1")).unwrap());
}

#[tokio::test]
async fn an_id_token_is_renewed_before_its_end() {
    let (fake, clock, _, session) = signed_in().await;
    let first = session.id_token().unwrap().token;
    fake.on("/token", |_, signer| {
        let longer = signer.id_token(|claims| {
            claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 600);
        });
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": longer}))
    });
    clock.advance(500);
    let token = |wished: u64| session.id_token_for(Duration::from_secs(wished));
    assert_eq!(token(0).await.unwrap().unwrap().token, first);
    assert!(fake.seen("/token").len() == 1, "only the sign-in");
    // As far as half of its lifetime allows.
    assert!(session.kept_id_token(Duration::from_secs(200)).is_none());
    clock.advance(41);
    assert!(session.kept_id_token(Duration::ZERO).is_none());
    let renewed = token(0).await.unwrap().unwrap();
    assert_ne!(renewed.token, first);
    assert_eq!(token(0).await.unwrap().unwrap().token, renewed.token);
    assert_eq!(fake.seen("/token").len(), 2);
}

#[tokio::test]
async fn a_server_that_gives_no_new_id_token_leaves_the_old_one() {
    let (fake, clock, _, session) = signed_in().await;
    let first = session.id_token().unwrap();
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    clock.advance(700);
    let found = session.id_token_for(Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(found.token, first.token);
    assert_eq!(fake.seen("/token").len(), 2);
}

#[tokio::test]
async fn a_server_that_is_away_takes_no_id_token_that_is_good() {
    let (fake, clock, _, session) = signed_in().await;
    let first = session.id_token().unwrap();
    fake.on("/token", |_, _| Answer::Json(503, json!({})));
    clock.advance(560);
    let found = session.id_token_for(Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(found.token, first.token);
    clock.advance(60);
    let error = session.id_token_for(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.exit_code(), 7);
}
