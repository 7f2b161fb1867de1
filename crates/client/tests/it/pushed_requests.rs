//! Pushed authorization requests: what goes to the server, what the browser is given, and what happens
//! to an address that nobody opens in time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::{
    BoxFuture, Browser as _, ClientAuthMethod, ErrorKind, Prompt, PushedRequests, Secret, SignIn,
    Ui, UiCaps, UiOutcome,
};
use serde_json::json;
use url::Url;

use crate::fake::{Answer, Fake, TestTimer};
use crate::person::Person;

/// A server that takes pushed requests for 90 s, and gives each another number.
async fn fake() -> Fake {
    let fake = Fake::start().await;
    let at = format!("{}/par", fake.issuer);
    fake.announce("pushed_authorization_request_endpoint", json!(at));
    let mut pushed = 0;
    fake.on("/par", move |_, _| {
        pushed += 1;
        let uri = format!("urn:ietf:params:oauth:request_uri:{pushed}");
        Answer::Json(201, json!({"request_uri": uri, "expires_in": 90}))
    });
    fake
}

fn pairs(url: &Url) -> Vec<(String, String)> {
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn c_59_the_browser_gets_a_reference_and_nothing_else() {
    let fake = fake().await;
    let person = Person::who_signs_in(&fake);
    let secret = ClientAuthMethod::SecretBasic(Secret::from("s3cret"));
    let client = fake.client(&person).client_auth(secret).build().unwrap();
    let how = SignIn::browser().login_hint("ada@example.com");
    client.sign_in(how).await.unwrap();
    let opened = person.opened();
    assert_eq!(
        pairs(&opened[0]),
        [
            pair("client_id", "cli"),
            pair("request_uri", "urn:ietf:params:oauth:request_uri:1"),
        ]
    );
    let seen = fake.seen("/par");
    assert_eq!(seen.len(), 1, "a request_uri is used once");
    // RFC 9126 §2.1: the parameters of the request, and the client's authentication.
    assert!(
        seen[0]
            .authorization
            .as_deref()
            .unwrap()
            .starts_with("Basic ")
    );
    for name in ["redirect_uri", "state", "nonce", "code_challenge", "scope"] {
        assert!(seen[0].field(name).is_some(), "{name}");
    }
    let sent = |name: &str| seen[0].field(name).unwrap_or_default();
    assert_eq!(
        (
            sent("response_type"),
            sent("login_hint"),
            sent("request_uri")
        ),
        (
            "code".to_owned(),
            "ada@example.com".to_owned(),
            String::new()
        )
    );
    let redeemed = &fake.seen("/token")[0];
    assert_eq!(
        redeemed.field("redirect_uri"),
        seen[0].field("redirect_uri")
    );
}

#[tokio::test]
async fn c_59_off_means_off_and_required_means_required() {
    let fake = fake().await;
    let person = Person::who_signs_in(&fake);
    let client = |wish| fake.client(&person).pushed_requests(wish).build().unwrap();
    client(PushedRequests::Off)
        .sign_in(SignIn::browser())
        .await
        .unwrap();
    assert!(fake.seen("/par").is_empty());
    assert!(
        pairs(&person.opened()[0])
            .iter()
            .any(|(name, _)| name == "state")
    );

    fake.announce("require_pushed_authorization_requests", json!(true));
    let error = client(PushedRequests::Off)
        .sign_in(SignIn::browser().force())
        .await;
    let error = error.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Config);
    assert_eq!(error.hint(), Some("set `par = \"auto\"`"));
    client(PushedRequests::Auto)
        .sign_in(SignIn::browser())
        .await
        .unwrap();
    assert_eq!(fake.seen("/par").len(), 1);

    fake.announce("require_pushed_authorization_requests", json!(null));
    fake.announce("pushed_authorization_request_endpoint", json!(null));
    let error = client(PushedRequests::Required)
        .sign_in(SignIn::browser())
        .await;
    assert_eq!(*error.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(
        person.opened().len(),
        2,
        "no browser without the request that was wanted"
    );
}

#[tokio::test]
async fn c_59_a_request_that_is_refused_opens_no_browser() {
    for (status, body, kind) in [
        (400, json!({"error": "invalid_scope"}), ErrorKind::Config),
        (401, json!({"error": "invalid_client"}), ErrorKind::Config),
        (
            400,
            json!({"error": "invalid_request"}),
            ErrorKind::Protocol,
        ),
        (503, json!({}), ErrorKind::Unavailable { retry_after: None }),
        (201, json!({"expires_in": 90}), ErrorKind::Protocol),
        (404, json!({}), ErrorKind::Protocol),
    ] {
        let fake = fake().await;
        let said = body.clone();
        fake.on("/par", move |_, _| Answer::Json(status, said.clone()));
        let person = Person::who_signs_in(&fake);
        let client = fake.client(&person).build().unwrap();
        let error = client.sign_in(SignIn::browser()).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{status} {body}");
        assert!(error.hint().is_some() || matches!(kind, ErrorKind::Unavailable { .. }));
        assert!(person.opened().is_empty(), "{status} {body}");
        assert!(client.session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn c_45_a_pushed_request_follows_no_redirect() {
    let fake = fake().await;
    fake.on("/par", |_, _| {
        let to = vec![("location", "https://evil.test/par".to_owned())];
        Answer::Raw(307, to, String::new())
    });
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Security(_)), "{error}");
}

/// Somebody who carries the address to another place and opens only the third one.
#[derive(Clone, Debug)]
struct Late {
    person: Person,
    shown: Arc<Mutex<Vec<Url>>>,
}

impl Ui for Late {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        if let Prompt::OpenUrl { url, .. } | Prompt::NewUrl { url, .. } = prompt {
            let mut shown = self.shown.lock().unwrap();
            shown.push(url.clone());
            if shown.len() == 3 {
                self.person.open(url).unwrap();
            }
        }
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }
}

#[tokio::test]
async fn c_59_an_address_that_nobody_opened_in_time_is_followed_by_another() {
    let fake = fake().await;
    let late = Late {
        person: Person::who_signs_in(&fake),
        shown: Arc::default(),
    };
    let timer = TestTimer::default();
    let client = fake.client(&late.person).ui(late.clone());
    let client = client.timer(timer.clone()).build().unwrap();
    // No limit that the timer, which does not wait, could reach before the browser answers.
    let patient = Duration::from_hours(1_000_000);
    let how = SignIn::browser().no_browser().timeout(patient);
    client.sign_in(how).await.unwrap();
    let shown = late.shown.lock().unwrap().clone();
    assert!(timer.now() >= Duration::from_mins(3));
    let uris: Vec<_> = shown
        .iter()
        .take(3)
        .map(|url| pairs(url)[1].1.clone())
        .collect();
    let uri = |number: usize| format!("urn:ietf:params:oauth:request_uri:{number}");
    assert_eq!(uris, [uri(1), uri(2), uri(3)]);
    // It stays one attempt, with one answer.
    let bodies: Vec<_> = fake
        .seen("/par")
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(fake.seen("/token").len(), 1);
}

#[tokio::test]
async fn c_59_an_address_that_a_browser_opened_is_left_alone() {
    let fake = fake().await;
    // The page stays open for a while: nobody comes back.
    let person = Person::who(&fake, |_| ());
    let client = fake.client(&person).timer(TestTimer::default());
    let client = client.build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut);
    assert_eq!(fake.seen("/par").len(), 1);
}

#[tokio::test]
async fn c_59_where_no_new_address_comes_the_person_is_told_once() {
    let fake = fake().await;
    let mut pushed = 0;
    fake.on("/par", move |_, _| {
        pushed += 1;
        if pushed > 1 {
            return Answer::Json(503, json!({}));
        }
        Answer::Json(201, json!({"request_uri": "urn:x", "expires_in": 90}))
    });
    let person = Person::who(&fake, |_| ());
    let client = fake.client(&person).timer(TestTimer::default());
    let how = SignIn::browser().no_browser();
    let error = client.build().unwrap().sign_in(how).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut);
    let told = person.notices();
    let expired = told.iter().filter(|text| text.contains("has expired"));
    assert_eq!(expired.count(), 1, "{told:?}");
    assert_eq!(fake.seen("/par").len(), 2);
}
