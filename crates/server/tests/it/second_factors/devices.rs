//! Devices that need a second factor: rows S-270, A-104.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testing::person::APPROVE;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

use super::steps::{App, asks_for_code, enrol, is_sign_in, session_of, show_code};
use crate::accounts::{PASSWORD, is_in, log_in};

const CAREFUL: &str = "[[client]]\nid = \"careful\"\n\
    grants = [\"urn:ietf:params:oauth:grant-type:device_code\"]\nscopes = [\"openid\"]\n\
    device = { require = \"mfa\" }\n";

async fn start_device(server: &TestServer, client: &str) -> Answer {
    let form = [("client_id", client), ("scope", "openid")];
    server.post("/oauth2/device_authorization", &form).await
}

/// Types the code; where the person is signed in, the next page.
async fn enter(person: &Person, started: &Answer) -> Answer {
    let entry = person.open("/device").await;
    person
        .submit(&entry, &[("user_code", &started.member("user_code"))])
        .await
}

fn is_confirmation(page: &Answer) -> bool {
    page.body.contains("I started this on my own device")
}

async fn polled(server: &TestServer, started: &Answer) -> Answer {
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "careful"),
        ("device_code", &started.member("device_code")),
    ];
    server.post("/oauth2/token", &poll).await
}

#[tokio::test]
async fn s_270_a_device_that_needs_a_second_factor_shows_nothing_before_it() {
    let server = TestServer::production(CAREFUL).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    // Nobody has one yet: the password once more, then it is set up, and the device is decided about.
    let started = start_device(&server, "careful").await;
    let page = enter(&person, &started).await;
    assert!(is_sign_in(&page), "{}", page.body);
    assert!(page.body.contains("once more"), "{}", page.body);
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = person.submit(&page, &fields).await;
    let app = App::scan(&page);
    let codes = show_code(&person, &page, &app.code(&server)).await;
    let page = person.submit(&codes, &[("saved", "on")]).await;
    assert!(is_confirmation(&page), "{}", page.body);
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    let tokens = polled(&server, &started).await;
    let payload = tokens.member("id_token");
    let payload = payload.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["acr"], "mfa");
    // Ten minutes later it is asked for again, and until then nothing of the device is shown.
    server.advance(601);
    let started = start_device(&server, "careful").await;
    let page = enter(&person, &started).await;
    assert!(
        asks_for_code(&page) && !is_confirmation(&page),
        "{}",
        page.body
    );
    assert!(!page.body.contains("careful"), "{}", page.body);
    let before = session_of(&person);
    let page = show_code(&person, &page, &app.code(&server)).await;
    assert!(is_confirmation(&page), "{}", page.body);
    assert_ne!(session_of(&person), before);
    // Whoever looks at the page for long is asked once more before it counts.
    server.advance(599);
    let page = enter(&person, &start_device(&server, "careful").await).await;
    assert!(is_confirmation(&page));
    server.advance(2);
    let late = person.submit(&page, APPROVE).await;
    assert!(asks_for_code(&late), "{}", late.body);
}

#[tokio::test]
async fn s_270_a_104_an_unknown_network_asks_for_a_second_factor() {
    let toml = CAREFUL.replace("mfa", "same-network");
    let server = TestServer::production(&toml).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    server.advance(601);
    // Behind a proxy that nobody configured nothing is known of the network.
    let request = server
        .http()
        .post(server.url("/oauth2/device_authorization"))
        .header("x-forwarded-for", "203.0.113.9")
        .form(&[("client_id", "careful"), ("scope", "openid")]);
    let started = server.send(request).await;
    let page = enter(&person, &started).await;
    assert!(asks_for_code(&page), "{}", page.body);
    let page = show_code(&person, &page, &app.code(&server)).await;
    assert!(is_confirmation(&page), "{}", page.body);
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    assert_eq!(polled(&server, &started).await.status, 200);
}
