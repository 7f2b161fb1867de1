//! Refreshing: once, in time, and without losing a session.

use std::time::Duration;

use hallpass_client::{
    Client, ErrorKind, FileStore, SecurityViolation, Session, SessionStatus, SignIn,
};
use serde_json::json;

use crate::fake::{Answer, Fake, TestClock, TestTimer};
use crate::person::Person;

struct Desk {
    fake: Fake,
    clock: TestClock,
    timer: TestTimer,
    client: Client,
    session: Session,
}

/// Somebody who signed in a moment ago; refreshes wait by a timer that does not.
async fn desk() -> Desk {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let (clock, timer) = (TestClock::new(), TestTimer::default());
    let browser = fake.client(&person).clock(clock.clone()).build().unwrap();
    browser.sign_in(SignIn::browser()).await.unwrap();
    let client = fake
        .client(&person)
        .store(browser.store())
        .clock(clock.clone())
        .timer(timer.clone())
        .build()
        .unwrap();
    let session = client.session().await.unwrap().unwrap();
    fake.expect_nonce(None);
    Desk {
        fake,
        clock,
        timer,
        client,
        session,
    }
}

fn refreshes(fake: &Fake) -> Vec<String> {
    let seen = fake.seen("/token");
    seen.iter()
        .filter_map(|request| request.field("refresh_token"))
        .collect()
}

#[tokio::test]
async fn c_26_the_token_is_refreshed_a_minute_before_its_end() {
    let Desk {
        fake,
        clock,
        session,
        ..
    } = desk().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    clock.advance(538);
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
    assert!(refreshes(&fake).is_empty());
    clock.advance(3);
    assert_eq!(session.access_token().await.unwrap().expose(), "at-2");
    assert_eq!(refreshes(&fake), ["rt-1"]);
}

#[tokio::test]
async fn a_wish_for_longer_validity_and_a_forced_refresh_ask_the_server() {
    let Desk {
        fake,
        clock,
        session,
        ..
    } = desk().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "id_token": null}))
    });
    clock.advance(400);
    session
        .access_token_for(Duration::from_secs(100))
        .await
        .unwrap();
    assert!(refreshes(&fake).is_empty());
    session
        .access_token_for(Duration::from_secs(250))
        .await
        .unwrap();
    assert_eq!(refreshes(&fake).len(), 1);
    session.refresh().await.unwrap();
    assert_eq!(refreshes(&fake).len(), 2);
}

#[tokio::test]
async fn c_24_without_a_new_refresh_token_the_old_one_is_kept() {
    let Desk {
        fake,
        clock,
        session,
        ..
    } = desk().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"refresh_token": null, "id_token": null}))
    });
    for _ in 0..2 {
        clock.advance(600);
        session.access_token().await.unwrap();
    }
    assert_eq!(refreshes(&fake), ["rt-1", "rt-1"]);
}

#[tokio::test]
async fn c_22_the_new_refresh_token_is_on_the_disk_before_the_access_token_is_handed_out() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.json");
    let person = Person::who_signs_in(&fake);
    let client = fake
        .client(&person)
        .store(FileStore::at(&path))
        .build()
        .unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    let token = session.refresh().await.unwrap();
    assert_eq!(token.expose(), "at-2");
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.contains("rt-2") && !kept.contains("rt-1"), "{kept}");

    // Where it cannot be written, it is not handed out.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = session.refresh().await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Store, 9));
}

#[tokio::test]
async fn c_23_and_c_72_a_lost_answer_is_asked_for_again_with_the_same_token() {
    let Desk {
        fake,
        clock,
        session,
        ..
    } = desk().await;
    let mut lost = 0;
    fake.on("/token", move |_, signer| {
        lost += 1;
        if lost < 3 {
            Answer::Drop
        } else {
            signer.tokens(&json!({"refresh_token": "rt-2", "id_token": null}))
        }
    });
    clock.advance(3600);
    session.access_token().await.unwrap();
    assert_eq!(refreshes(&fake), ["rt-1", "rt-1", "rt-1"]);
}

#[tokio::test]
async fn c_23_and_c_72_at_most_three_replays_and_none_after_20_seconds() {
    let Desk {
        fake,
        clock,
        timer,
        session,
        ..
    } = desk().await;
    fake.on("/token", |_, _| Answer::Drop);
    clock.advance(3600);
    let start = timer.now();
    let error = session.access_token().await.unwrap_err();
    assert_eq!((error.exit_code(), refreshes(&fake).len()), (7, 4));
    assert!(timer.now().checked_sub(start).unwrap() <= Duration::from_secs(20));

    // A server that takes its time gets fewer.
    let slow = timer.clone();
    fake.on("/token", move |_, _| {
        slow.advance(Duration::from_secs(10));
        Answer::Drop
    });
    session.access_token().await.unwrap_err();
    assert_eq!(refreshes(&fake).len(), 4 + 2);
}

#[tokio::test]
async fn c_25_invalid_grant_ends_the_session_with_one_request() {
    let Desk {
        fake,
        clock,
        client,
        session,
        ..
    } = desk().await;
    fake.answer_tokens(vec![(400, json!({"error": "invalid_grant"}))]);
    clock.advance(3600);
    for _ in 0..3 {
        let error = session.access_token().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.exit_code()),
            (&ErrorKind::LoginRequired, 4)
        );
    }
    assert_eq!(refreshes(&fake).len(), 1);
    let kept = client.session().await.unwrap().unwrap();
    assert_eq!(kept.status(), SessionStatus::ReauthRequired);
    assert!(!kept.has_refresh_token() && kept.id_token().is_none());
}

#[tokio::test]
async fn q_42_every_other_refusal_and_silence_keep_the_session() {
    for (status, body, exit) in [
        (401, json!({"error": "invalid_client"}), 5),
        (400, json!({"error": "unauthorized_client"}), 5),
        (400, json!({"error": "something_new"}), 1),
        (503, json!({}), 7),
        (429, json!({}), 7),
        (404, json!({}), 7),
    ] {
        let Desk {
            fake,
            clock,
            client,
            session,
            ..
        } = desk().await;
        fake.answer_tokens(vec![(status, body.clone())]);
        clock.advance(3600);
        let error = session.access_token().await.unwrap_err();
        assert_eq!(error.exit_code(), exit, "{status} {body}: {error}");
        assert!(client.session().await.unwrap().unwrap().has_refresh_token());
        fake.on("/token", |_, signer| {
            signer.tokens(&json!({"access_token": "at-2", "id_token": null}))
        });
        assert_eq!(session.access_token().await.unwrap().expose(), "at-2");
    }
}

#[tokio::test]
async fn a_server_that_is_away_does_not_take_a_token_that_is_still_good() {
    let Desk {
        fake,
        clock,
        session,
        ..
    } = desk().await;
    fake.on("/token", |_, _| Answer::Drop);
    clock.advance(570);
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
}

#[tokio::test]
async fn c_65_a_refreshed_id_token_is_about_the_same_sign_in() {
    let Desk {
        fake,
        clock,
        client,
        session,
        ..
    } = desk().await;
    fake.on("/token", |_, signer| {
        let other = signer.id_token(|claims| {
            claims.insert("sub".to_owned(), json!("mallory"));
        });
        signer.tokens(&json!({"access_token": "at-evil", "id_token": other}))
    });
    clock.advance(3600);
    let error = session.access_token().await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Security(SecurityViolation::IdToken(_))
        ),
        "{error}"
    );
    let kept = client.session().await.unwrap().unwrap();
    assert_eq!(kept.claims().unwrap().sub, "ada");

    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2"}))
    });
    assert_eq!(session.access_token().await.unwrap().expose(), "at-2");
}

#[tokio::test]
async fn c_21_twenty_at_once_make_one_refresh() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::in_state_dir(folder.path());
    let person = Person::who_signs_in(&fake);
    let clock = TestClock::new();
    let builder = || {
        fake.client(&person)
            .store(store.clone())
            .clock(clock.clone())
    };
    builder()
        .build()
        .unwrap()
        .sign_in(SignIn::browser())
        .await
        .unwrap();
    let mut count = 1;
    fake.on("/token", move |_, signer| {
        count += 1;
        let (access, refresh) = (format!("at-{count}"), format!("rt-{count}"));
        signer.tokens(&json!({"access_token": access, "refresh_token": refresh, "id_token": null}))
    });
    clock.advance(3600);
    // Each has its own handles on the files, as another process would.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let client = builder().build().unwrap();
        tasks.spawn(async move {
            let session = client.session().await.unwrap().unwrap();
            session.access_token().await.unwrap().expose().to_owned()
        });
    }
    let tokens = tasks.join_all().await;
    assert!(tokens.iter().all(|token| token == "at-2"), "{tokens:?}");
    assert_eq!(refreshes(&fake).len(), 1);
}

#[tokio::test]
async fn a_session_without_a_refresh_token_says_how_to_get_one() {
    let fake = Fake::start().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"refresh_token": null}))
    });
    let person = Person::who_signs_in(&fake);
    let clock = TestClock::new();
    let client = fake
        .client(&person)
        .scopes(["openid"])
        .clock(clock.clone())
        .build()
        .unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
    clock.advance(3600);
    let error = session.access_token().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRequired);
    assert!(refreshes(&fake).is_empty());
}

#[tokio::test]
async fn c_26_a_token_without_a_lifetime_is_used_until_an_api_refuses_it() {
    let fake = Fake::start().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"expires_in": null}))
    });
    let person = Person::who_signs_in(&fake);
    let clock = TestClock::new();
    let client = fake.client(&person).clock(clock.clone()).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    clock.advance(1_000_000);
    assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
    assert!(refreshes(&fake).is_empty());
}

#[tokio::test]
async fn who_signs_in_anew_during_a_refresh_keeps_the_new_session() {
    let Desk {
        fake,
        clock,
        client,
        session,
        ..
    } = desk().await;
    let store = client.store();
    fake.on("/token", move |_, signer| {
        let key = store.list().unwrap().remove(0);
        let found = store.load(&key).unwrap().unwrap();
        let mut newer = found.value;
        newer.access_token = Some(hallpass_client::Secret::from("at-newer"));
        store
            .compare_and_swap(&key, Some(found.generation), &newer)
            .unwrap();
        signer.tokens(&json!({"access_token": "at-2", "id_token": null}))
    });
    clock.advance(550);
    assert_eq!(session.access_token().await.unwrap().expose(), "at-newer");
}

#[tokio::test]
async fn q_42_who_is_offline_hears_that_the_session_is_kept_and_since_when_its_token_is_over() {
    for (later, words) in [
        (610, ". Access token expired just now"),
        (860, ". Access token expired 4 min ago"),
        (600 + 3 * 3600, ". Access token expired 3 h ago"),
        (600 + 3 * 86_400, ". Access token expired 3 days ago"),
    ] {
        let Desk {
            fake,
            clock,
            session,
            ..
        } = desk().await;
        fake.on("/token", |_, _| Answer::Json(503, json!({})));
        clock.advance(later);
        let error = session.access_token().await.unwrap_err();
        assert_eq!(error.exit_code(), 7, "{error}");
        let expected = format!("; your session is kept{words}");
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}
