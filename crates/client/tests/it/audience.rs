//! What a token is for: `resource` and `audience` on the wire of every grant, in the session, and beside a preset's own.

use hallpass_client::{ClientAuthMethod, ErrorKind, PushedRequests, Secret, SignIn};
use hallpass_protocol::form::Form;
use hallpass_testing::provider::{Auth0, Double};
use serde_json::json;

use crate::fake::{Answer, Fake, Seen, TestClock, TestTimer};
use crate::person::Person;
use crate::providers::client as client_of;

const API: &str = "https://api.test";
const SECOND: &str = "https://second.test/v1";
const OTHER: &str = "urn:acme:reports & more";

fn audiences(form: &Form) -> Vec<String> {
    form.all("audience").map(str::to_owned).collect()
}

fn resources(form: &Form) -> Vec<String> {
    form.all("resource").map(str::to_owned).collect()
}

/// The requests of one grant at the token endpoint.
fn of_grant(fake: &Fake, grant: &str) -> Vec<Seen> {
    let mut seen = fake.seen("/token");
    seen.retain(|request| request.field("grant_type").as_deref() == Some(grant));
    seen
}

async fn fake() -> Fake {
    let fake = Fake::start().await;
    fake.on("/token", |seen, signer| {
        // OIDC Core §12.2: a refresh needs no ID token.
        let is_refresh = seen.field("grant_type").as_deref() == Some("refresh_token");
        signer.tokens(&if is_refresh {
            json!({"id_token": null, "access_token": "at-2"})
        } else {
            json!({})
        })
    });
    fake
}

#[tokio::test]
async fn a_browser_sign_in_and_its_refreshes_ask_for_the_audiences_of_client_and_sign_in() {
    let fake = fake().await;
    let person = Person::who_signs_in(&fake);
    let clock = TestClock::new();
    let builder = fake.client(&person).clock(clock.clone());
    let client = builder.audience(API).build().unwrap();
    let how = || SignIn::auto().audience(OTHER).audience(API).audience(OTHER);
    let session = client.sign_in(how()).await.unwrap();
    let asked = Form::parse(person.opened()[0].query().unwrap()).unwrap();
    assert_eq!(audiences(&asked), [API, OTHER]);
    assert_eq!(session.audiences(), [API, OTHER]);
    // The code already says what was asked for (RFC 6749 §4.1.3).
    let redeemed = &of_grant(&fake, "authorization_code")[0];
    assert!(!redeemed.form().has("audience"));

    fake.expect_nonce(None);
    clock.advance(590);
    let later = client.session().await.unwrap().unwrap();
    assert_eq!(later.access_token().await.unwrap().expose(), "at-2");
    let refreshes = of_grant(&fake, "refresh_token");
    assert_eq!(refreshes.len(), 1);
    assert_eq!(audiences(&refreshes[0].form()), [API, OTHER]);
    let kept = client.session().await.unwrap().unwrap();
    assert_eq!(kept.audiences(), [API, OTHER], "a refresh forgets nothing");
}

#[tokio::test]
async fn c_58_resources_repeat_in_both_requests() {
    let fake = fake().await;
    let person = Person::who_signs_in(&fake);
    let builder = fake.client(&person).resource(API).resource(SECOND);
    let client = builder.build().unwrap();
    let session = client.sign_in(SignIn::auto()).await.unwrap();
    let asked = Form::parse(person.opened()[0].query().unwrap()).unwrap();
    assert_eq!(resources(&asked), [API, SECOND]);
    let redeemed = &of_grant(&fake, "authorization_code")[0];
    assert_eq!(resources(&redeemed.form()), [API, SECOND]);
    assert_eq!(session.resources(), [API, SECOND]);
    assert_eq!(session.resources(), [API, SECOND]);
}

#[tokio::test]
async fn a_session_that_was_not_asked_for_an_audience_is_not_used_for_it() {
    let fake = fake().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    client.sign_in(SignIn::auto().audience(API)).await.unwrap();
    for how in [SignIn::auto(), SignIn::auto().audience(API)] {
        client.sign_in(how).await.unwrap();
    }
    assert_eq!(person.opened().len(), 1);
    let silent = SignIn::silent_only().audience(OTHER);
    let error = client.sign_in(silent).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRequired);
    let session = client.sign_in(SignIn::auto().audience(OTHER)).await;
    assert_eq!(session.unwrap().audiences(), [OTHER]);
    assert_eq!(person.opened().len(), 2);
}

#[tokio::test]
async fn c_59_a_pushed_request_carries_the_audiences_and_the_browser_none() {
    let fake = fake().await;
    let at = format!("{}/par", fake.issuer);
    fake.announce("pushed_authorization_request_endpoint", json!(at));
    fake.on("/par", |_, _| {
        let uri = "urn:ietf:params:oauth:request_uri:1";
        Answer::Json(201, json!({"request_uri": uri, "expires_in": 90}))
    });
    let person = Person::who_signs_in(&fake);
    let builder = fake
        .client(&person)
        .pushed_requests(PushedRequests::Required);
    let how = SignIn::browser().audience(API).audience(OTHER);
    builder.build().unwrap().sign_in(how).await.unwrap();
    assert_eq!(audiences(&fake.seen("/par")[0].form()), [API, OTHER]);
    let opened = person.opened();
    assert!(!opened[0].query().unwrap().contains("audience"));
}

#[tokio::test]
async fn c_58_a_device_code_is_asked_for_with_resources_and_audiences_in_one_step_and_in_two() {
    let fake = fake().await;
    let at = fake.issuer.clone();
    fake.on("/device_authorization", move |_, _| {
        let body = json!({
            "device_code": "device-canary", "user_code": "WDJB-MJHT",
            "verification_uri": format!("{at}/device"), "expires_in": 600, "interval": 5,
        });
        Answer::Json(200, body)
    });
    let person = Person::without_browser();
    let client = fake.client(&person).timer(TestTimer::default());
    let client = client.audience(API).resource(API).resource(SECOND);
    let client = client.build().unwrap();
    let session = client.sign_in(SignIn::device().audience(OTHER)).await;
    assert_eq!(session.unwrap().audiences(), [API, OTHER]);
    let code = client.start_device_authorization().await.unwrap();
    assert_eq!(code.wait().await.unwrap().audiences(), [API]);
    let asked = fake.seen("/device_authorization");
    assert_eq!(audiences(&asked[0].form()), [API, OTHER]);
    assert_eq!(audiences(&asked[1].form()), [API]);
    assert_eq!(resources(&asked[0].form()), [API, SECOND]);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    for poll in of_grant(&fake, grant) {
        assert!(!poll.form().has("audience"));
        assert_eq!(resources(&poll.form()), [API, SECOND]);
    }
}

#[tokio::test]
async fn a_program_asks_for_the_clients_audiences() {
    let fake = fake().await;
    let client = fake
        .client(&Person::without_browser())
        .client_auth(ClientAuthMethod::SecretBasic(Secret::from("s3cret")))
        .audience(API)
        .audience(OTHER);
    client.build().unwrap().client_credentials().await.unwrap();
    let sent = &of_grant(&fake, "client_credentials")[0];
    assert_eq!(audiences(&sent.form()), [API, OTHER]);
}

#[tokio::test]
async fn c_44_an_audience_that_is_none_is_an_error_before_anything_is_sent() {
    let fake = fake().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    for bad in ["", " \t", "api\u{1b}[2J"] {
        for how in [SignIn::browser(), SignIn::device(), SignIn::silent_only()] {
            let error = client.sign_in(how.audience(bad)).await.unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Config, 5));
            let said = error.to_string();
            assert!(said.contains("is no audience"), "{said}");
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
    }
    assert!(fake.all_seen().is_empty() && person.prompts().is_empty());
    // What looks like more parameters stays one value.
    let how = SignIn::browser().audience("a&scope=admin&audience=b#c");
    client.sign_in(how).await.unwrap();
    let asked = Form::parse(person.opened()[0].query().unwrap()).unwrap();
    assert_eq!(audiences(&asked), ["a&scope=admin&audience=b#c"]);
    assert_eq!(asked.all("scope").count(), 1);
}

#[tokio::test]
async fn q_19_audiences_and_resources_are_one_list_at_auth0() {
    let double = Double::start(Auth0::new).await;
    let name = format!("auth0:{}", double.base);
    let known = || {
        client_of(&name, Auth0::CLIENT, &double)
            .timer(TestTimer::default())
            .resource(API)
            .build()
            .unwrap()
    };
    let how = [SignIn::browser(), SignIn::device()];
    for how in how.map(|how| how.audience(API).audience("reports")) {
        let session = known().sign_in(how).await.unwrap();
        assert_eq!(session.resources(), [API]);
        assert_eq!(session.audiences(), [API, "reports"]);
    }
    for path in ["/authorize", "/oauth/device/code"] {
        let sent = &double.seen(path)[0];
        assert_eq!(audiences(&sent.form), [API, "reports"], "{path}");
        assert!(!sent.form.has("resource"));
    }
}

#[tokio::test]
async fn q_19_a_programs_resource_is_called_audience_too() {
    let double = Double::start(Auth0::new).await;
    let name = format!("auth0:{}", double.base);
    let program = || {
        let secret = ClientAuthMethod::SecretPost(Secret::from("s3cret"));
        client_of(&name, Auth0::CLIENT, &double).client_auth(secret)
    };
    for program in [program().resource(API), program().audience(API)] {
        let set = program.build().unwrap().client_credentials().await.unwrap();
        let claims = hallpass_testing::claims_of(set.access_token.expose());
        assert_eq!(claims["aud"][0], API);
    }
    let error = program().build().unwrap().client_credentials().await;
    assert_eq!(error.unwrap_err().kind(), &ErrorKind::Denied);
}
