//! What programs call beside `sign_in`: silent tokens, accounts, a device code in two steps, the tokens of a
//! service, and all of it without a runtime.

use std::time::Duration;

use hallpass_client::{
    ClientAuthMethod, ErrorKind, MemoryStore, Secret, SignIn, TokenRequest, TokenSource, TokenStore,
};
use serde_json::json;
use std::sync::Arc;

use crate::fake::{Answer, Fake, TestClock, TestTimer};
use crate::person::Person;

#[tokio::test]
async fn a_silent_token_needs_a_session_that_covers_it() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let usual = TokenRequest::new();
    let nobody = client.acquire_token_silent(&usual).await.unwrap_err();
    assert_eq!(nobody.kind(), &ErrorKind::LoginRequired);
    assert!(person.opened().is_empty());

    client.sign_in(SignIn::browser()).await.unwrap();
    assert_eq!(client.token(&usual).await.unwrap().expose(), "at-1");
    let more = TokenRequest::new().scopes(["api:write"]);
    let error = client.acquire_token_silent(&more).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.exit_code()),
        (&ErrorKind::InsufficientScope, 10)
    );
    let elsewhere = TokenRequest::new().resource("https://other.test");
    let error = client.acquire_token_silent(&elsewhere).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
}

#[tokio::test]
async fn accounts_are_the_profiles_of_one_client_and_are_signed_out_one_by_one() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let store: Arc<dyn TokenStore> = Arc::new(MemoryStore::new());
    let client = |profile: &str| {
        let builder = fake.client(&person).store(Arc::clone(&store));
        builder.profile(profile).build().unwrap()
    };
    for profile in ["work", "home"] {
        client(profile).sign_in(SignIn::browser()).await.unwrap();
    }
    let accounts = client("").accounts().await.unwrap();
    let names: Vec<_> = accounts.iter().map(|a| a.profile.as_str()).collect();
    assert_eq!(names, ["home", "work"]);
    assert!(accounts.iter().all(|a| a.subject.as_deref() == Some("ada")));

    let mut foreign = accounts[0].clone();
    foreign.client_id = "another".to_owned();
    assert!(client("").session_of(&foreign).await.unwrap().is_none());
    let report = client("").sign_out_account(&accounts[0]).await.unwrap();
    assert!(report.is_some());
    let left = client("").accounts().await.unwrap();
    assert_eq!(left, accounts[1..]);
}

fn announce_code(fake: &Fake) {
    let at = fake.issuer.clone();
    fake.on("/device_authorization", move |_, _| {
        Answer::Json(
            200,
            json!({
                "device_code": "device-canary", "user_code": "WDJB-MJHT",
                "verification_uri": format!("{at}/device"), "expires_in": 600, "interval": 5,
            }),
        )
    });
}

#[tokio::test]
async fn c_01_a_device_code_in_two_steps_polls_at_the_servers_pace() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    announce_code(&fake);
    fake.answer_tokens(vec![(400, json!({"error": "authorization_pending"}))]);
    let person = Person::without_browser();
    let client = fake.client(&person).timer(timer.clone()).build().unwrap();
    let code = client.start_device_authorization().await.unwrap();
    assert_eq!(code.user_code(), "WDJB-MJHT");
    assert_eq!(code.expires_in(), Duration::from_mins(10));
    assert!(!format!("{code:?}").contains("canary"));
    assert!(fake.seen("/token").is_empty());
    fake.on("/token", {
        let mut polls = 0;
        move |_, signer| {
            polls += 1;
            if polls < 3 {
                Answer::Json(400, json!({"error": "authorization_pending"}))
            } else {
                signer.tokens(&json!({}))
            }
        }
    });
    let session = code.wait().await.unwrap();
    assert_eq!(session.account().subject.as_deref(), Some("ada"));
    assert_eq!(timer.now(), Duration::from_secs(15));
    assert!(client.session().await.unwrap().is_some());
}

#[tokio::test]
async fn a_device_code_that_is_declined_leaves_nothing() {
    let fake = Fake::start().await;
    announce_code(&fake);
    fake.answer_tokens(vec![(400, json!({"error": "access_denied"}))]);
    let person = Person::without_browser();
    let client = fake.client(&person).timer(TestTimer::default());
    let client = client.build().unwrap();
    let code = client.start_device_authorization().await.unwrap();
    let error = code.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Denied, 3));
    assert!(client.session().await.unwrap().is_none());
}

#[tokio::test]
async fn the_tokens_of_a_service_are_asked_for_once_and_before_their_end() {
    let (fake, clock) = (Fake::start().await, TestClock::new());
    let mut count = 0;
    fake.on("/token", move |_, _| {
        count += 1;
        Answer::Json(
            200,
            json!({"access_token": format!("s-{count}"), "token_type": "Bearer", "expires_in": 600}),
        )
    });
    let tokens = fake
        .client(&Person::without_browser())
        .client_auth(ClientAuthMethod::SecretBasic(Secret::from("s3cret")))
        .clock(clock.clone())
        .build()
        .unwrap()
        .service_tokens();
    let usual = TokenRequest::new();
    // Who asks at the same time waits for the same answer.
    let (one, two) = tokio::join!(tokens.token(&usual), tokens.token(&usual));
    assert_eq!(one.unwrap().expose(), "s-1");
    assert_eq!(two.unwrap().expose(), "s-1");
    clock.advance(530);
    assert_eq!(tokens.token(&usual).await.unwrap().expose(), "s-1");
    clock.advance(15);
    assert_eq!(tokens.token(&usual).await.unwrap().expose(), "s-2");

    // The server is away: the token that has not ended yet is still good, then no more.
    fake.on("/token", |_, _| Answer::Raw(503, Vec::new(), String::new()));
    clock.advance(545);
    assert_eq!(tokens.token(&usual).await.unwrap().expose(), "s-2");
    clock.advance(100);
    let error = tokens.token(&usual).await.unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
}

#[test]
fn a_program_without_a_runtime_waits_on_its_own_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (fake, api) = runtime.block_on(async { (Fake::start().await, Fake::start().await) });
    api.on("/me", |_, _| Answer::Json(200, json!({"ok": true})));
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).resource(&api.issuer);
    let client = client.build_blocking().unwrap();
    assert!(client.session().unwrap().is_none());
    let session = client.sign_in(SignIn::browser()).unwrap();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let answer = session.http().get(format!("{}/me", api.issuer)).send();
                let answer = answer.unwrap();
                assert_eq!(answer.status(), 200);
                let body: serde_json::Value = answer.json().unwrap();
                assert_eq!(body, json!({"ok": true}));
            });
        }
    });
    assert_eq!(api.seen("/me").len(), 4);
    assert_eq!(client.accounts().unwrap().len(), 1);
    session.sign_out().unwrap();
    assert!(client.session().unwrap().is_none());
}

#[tokio::test]
async fn inside_of_a_runtime_the_blocking_client_says_so_and_panics_nowhere() {
    let fake = Fake::start().await;
    let client = fake.client(&Person::without_browser());
    let client = client.build_blocking().unwrap();
    let error = client.metadata().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.hint().unwrap().contains(".await"), "{error:?}");
    assert!(fake.all_seen().is_empty());
    // The runtime ends with the last owner, here too.
    drop(client);
}
