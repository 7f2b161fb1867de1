//! The device flow: its pace, its ends, and what a person sees.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::{ErrorKind, Prompt, SignIn, TerminalStyle, TerminalUi};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, TestClock, TestTimer};
use crate::person::Person;

/// What a poll brings.
#[derive(Clone)]
enum Poll {
    Says(u16, Value),
    Silent,
}

/// Answers polls in turn, and notes when each came.
fn polls(fake: &Fake, timer: &TestTimer, answers: Vec<Poll>) -> Arc<Mutex<Vec<u64>>> {
    let polled_at = Arc::new(Mutex::new(Vec::new()));
    let (noted, timer, mut answers) = (Arc::clone(&polled_at), timer.clone(), answers.into_iter());
    fake.on("/token", move |_, signer| {
        noted.lock().unwrap().push(timer.now().as_secs());
        match answers.next() {
            Some(Poll::Says(status, body)) => Answer::Json(status, body),
            Some(Poll::Silent) => Answer::Drop,
            None => signer.tokens(&json!({})),
        }
    });
    polled_at
}

fn refusal(code: &str) -> Poll {
    Poll::Says(400, json!({"error": code}))
}

fn device_answer(fake: &Fake, change: impl Fn(&mut Value) + Send + 'static) {
    let at = fake.issuer.clone();
    fake.on("/device_authorization", move |_, _| {
        let mut answer = json!({
            "device_code": "device-canary", "user_code": "WDJB-MJHT",
            "verification_uri": format!("{at}/device"), "expires_in": 600, "interval": 5,
        });
        change(&mut answer);
        answer
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        Answer::Json(200, answer)
    });
}

async fn sign_in(fake: &Fake, timer: &TestTimer) -> (Person, Result<(), hallpass_client::Error>) {
    let person = Person::without_browser();
    let client = fake.client(&person).timer(timer.clone()).build().unwrap();
    let done = client.sign_in(SignIn::device()).await;
    (person, done.map(|_| ()))
}

#[tokio::test]
async fn c_01_a_missing_interval_is_five_seconds() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    device_answer(&fake, |answer| answer["interval"] = Value::Null);
    let polled_at = polls(&fake, &timer, vec![refusal("authorization_pending"); 2]);
    sign_in(&fake, &timer).await.1.unwrap();
    assert_eq!(*polled_at.lock().unwrap(), [5, 10, 15]);
}

#[tokio::test]
async fn c_02_slow_down_adds_five_seconds_for_good() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    let answers = [
        "slow_down",
        "authorization_pending",
        "authorization_pending",
    ]
    .map(refusal)
    .to_vec();
    let polled_at = polls(&fake, &timer, answers);
    sign_in(&fake, &timer).await.1.unwrap();
    assert_eq!(*polled_at.lock().unwrap(), [5, 15, 25, 35]);
}

#[tokio::test]
async fn c_03_every_other_error_ends_polling_with_its_own_exit_code() {
    for (code, exit) in [
        ("access_denied", 3),
        ("authorization_declined", 3),
        ("expired_token", 6),
        ("token_expired", 6),
        ("invalid_grant", 1),
        ("incorrect_device_code", 1),
        ("invalid_client", 5),
        ("unauthorized_client", 5),
        ("device_flow_disabled", 5),
        ("something_new", 1),
    ] {
        let (fake, timer) = (Fake::start().await, TestTimer::default());
        fake.answer_tokens(vec![(
            400,
            json!({"error": code, "error_description": "a\u{1b}[2Jb"}),
        )]);
        let error = sign_in(&fake, &timer).await.1.unwrap_err();
        assert_eq!(error.exit_code(), exit, "{code}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
        assert_eq!(fake.seen("/token").len(), 1, "{code}");
    }
}

#[tokio::test]
async fn c_04_silence_makes_the_pauses_longer_and_the_sign_in_still_works() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    let busy = Poll::Says(502, json!({}));
    let answers = vec![Poll::Silent, busy, refusal("authorization_pending")];
    let polled_at = polls(&fake, &timer, answers);
    sign_in(&fake, &timer).await.1.unwrap();
    assert_eq!(*polled_at.lock().unwrap(), [5, 15, 35, 40]);
}

#[tokio::test]
async fn c_05_polling_ends_with_the_code_and_no_new_one_is_asked_for() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    device_answer(&fake, |answer| answer["expires_in"] = json!(12));
    let polled_at = polls(&fake, &timer, vec![refusal("authorization_pending"); 20]);
    let error = sign_in(&fake, &timer).await.1.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
    assert!(
        polled_at.lock().unwrap().iter().all(|at| *at <= 12),
        "{polled_at:?}"
    );
    assert_eq!(fake.seen("/device_authorization").len(), 1);
}

#[tokio::test]
async fn c_04_silence_to_the_end_of_the_code_is_the_servers_fault_not_the_persons() {
    let pending = refusal("authorization_pending");
    for (answers, kind) in [
        (
            vec![pending.clone(), Poll::Silent, Poll::Silent],
            ErrorKind::Unavailable { retry_after: None },
        ),
        (
            vec![Poll::Silent, pending.clone(), pending],
            ErrorKind::TimedOut,
        ),
    ] {
        let (fake, timer) = (Fake::start().await, TestTimer::default());
        device_answer(&fake, |answer| {
            answer["expires_in"] = json!(12);
            answer["interval"] = json!(1);
        });
        let last = answers.last().cloned();
        let rest = std::iter::repeat_n(last, 20).flatten();
        polls(&fake, &timer, answers.into_iter().chain(rest).collect());
        let error = sign_in(&fake, &timer).await.1.unwrap_err();
        assert_eq!(error.kind(), &kind, "{error}");
    }
}

#[tokio::test]
async fn c_05_after_a_long_sleep_one_last_poll_is_made() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    let asleep = timer.clone();
    let mut polled = 0;
    fake.on("/token", move |_, signer| {
        polled += 1;
        if polled == 1 {
            asleep.advance(Duration::from_secs(4000));
            return Answer::Json(400, json!({"error": "authorization_pending"}));
        }
        signer.tokens(&json!({}))
    });
    sign_in(&fake, &timer).await.1.unwrap();
    assert_eq!(fake.seen("/token").len(), 2);
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn c_06_address_and_code_are_shown_and_the_device_code_never() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    let captured = Captured::default();
    let style = TerminalStyle {
        interactive: true,
        ..TerminalStyle::PLAIN
    };
    let client = fake
        .client(&Person::without_browser())
        .ui(TerminalUi::new(captured.clone(), style))
        .timer(timer)
        .build()
        .unwrap();
    client.sign_in(SignIn::device()).await.unwrap();
    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("WDJB-MJHT") && text.contains(&format!("{}/device\n", fake.issuer)));
    assert!(text.contains("Signed in as ada@example.com"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn c_07_and_c_83_bad_addresses_and_codes_are_not_shown() {
    for (member, bad) in [
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri", "http://as.test/device"),
        (
            "verification_uri",
            "https://as.test/\u{1b}]8;;http://evil\u{7}",
        ),
        ("verification_uri", "https://as.test/\u{202e}"),
        ("verification_uri_complete", "file:///etc/passwd"),
        ("user_code", ""),
        ("user_code", "AB\u{1b}[2J"),
        ("user_code", "\u{202e}ABCD"),
        ("user_code", &"A".repeat(10_000)),
    ] {
        let (fake, timer) = (Fake::start().await, TestTimer::default());
        let bad_value = bad.to_owned();
        device_answer(&fake, move |answer| answer[member] = json!(bad_value));
        let (person, done) = sign_in(&fake, &timer).await;
        let error = done.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{bad:?}");
        assert!(error.to_string().contains("bad "), "{error}");
        assert!(!format!("{error:?}").contains(['\u{1b}', '\u{7}', '\u{202e}']));
        assert!(
            !person
                .prompts()
                .iter()
                .any(|shown| matches!(shown, Prompt::DeviceCode { .. }))
        );
        assert!(fake.seen("/token").is_empty());
    }
}

#[tokio::test]
async fn c_09_an_expired_session_starts_no_device_request_by_itself() {
    let (fake, clock) = (Fake::start().await, TestClock::new());
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).clock(clock.clone()).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.answer_tokens(vec![(400, json!({"error": "invalid_grant"}))]);
    clock.advance(3600);
    let error = session.access_token().await.unwrap_err();
    assert_eq!(error.exit_code(), 4);
    let error = client.sign_in(SignIn::silent_only()).await.unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(fake.seen("/device_authorization").is_empty());
}

#[tokio::test]
async fn a_server_that_refuses_the_device_request_is_named_with_the_setting_to_change() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    fake.on("/device_authorization", |_, _| {
        Answer::Json(400, json!({"error": "unauthorized_client"}))
    });
    let error = sign_in(&fake, &timer).await.1.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.hint().unwrap().contains("device grant"));
    assert!(error.oauth().is_some());
}
