//! Strangers fill the server with device codes, and codes are left over: rows.

use std::sync::Arc;

use hallpass_testing::person::APPROVE;
use hallpass_testing::{Answer, Person, TestServer};
use tokio::task::JoinSet;

use crate::accounts::{PASSWORD, code, is_active, is_in, log_in, redeem};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn start_at(server: &TestServer, from: &str) -> Answer {
    let request = server
        .http()
        .post(server.url("/oauth2/device_authorization"));
    let request = request.header("x-forwarded-for", from);
    let form = [("client_id", "cli"), ("scope", "openid")];
    server.send(request.form(&form)).await
}

async fn poll(server: &TestServer, device_code: &str) -> Answer {
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", device_code),
    ];
    server.post("/oauth2/token", &form).await
}

/// The page on which a person who is signed in decides.
async fn enter(person: &Person, user_code: &str) -> Answer {
    let entry = person.open("/device").await;
    person.submit(&entry, &[("user_code", user_code)]).await
}

/// How many browsers, devices and programs of a person are signed in, as their account page says.
async fn signed_in(person: &Person) -> usize {
    let page = person.open("/account").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let rows = page.body.matches("name=\"sid\"").count();
    assert!(rows > 0, "{}", page.body);
    rows
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_11_a_13_a_full_table_takes_no_more_and_ends_nothing() {
    use hallpass_testing::TestPostgres;
    use hallpass_testing::server::{CLIENTS, production_settings};

    let folder = tempfile::tempdir().unwrap();
    let address = TestPostgres::shared().database();
    let database = address
        .split('?')
        .next()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let mut settings = production_settings(CLIENTS, folder.path(), &address);
    settings.consent = None;
    let server = TestServer::start(settings).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let before = start_at(&server, "127.0.0.1").await;
    assert_eq!(before.status, 200, "{}", before.body);
    let filler = "INSERT INTO device_grants (code_hash, user_code_hash, user_code, issuer, \
        client_id, scopes, resource, created_at, expires_at, poll_interval, status) \
        SELECT sha256(('c' || n)::bytea), sha256(('u' || n)::bytea), user_code, issuer, 'crowd', \
        scopes, resource, created_at, expires_at, poll_interval, status \
        FROM device_grants, generate_series(1, 100000) n";
    TestPostgres::shared().sql(database, filler);
    server.advance(2);
    let full = start_at(&server, "127.0.0.1").await;
    assert_eq!(full.refusal(), (503, "temporarily_unavailable".to_owned()));
    assert_eq!(full.header("retry-after"), "30");
    // Who came before is served to the end.
    let pending = poll(&server, &before.member("device_code")).await;
    assert_eq!(pending.refusal().1, "authorization_pending");
    let page = enter(&person, &before.member("user_code")).await;
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    server.advance(6);
    let tokens = poll(&server, &before.member("device_code")).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(is_active(&server, &tokens.member("access_token")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_272_a_103_ten_addresses_fill_a_client_and_an_honest_person_signs_in() {
    let server = TestServer::production("trusted_proxies = [\"127.0.0.0/8\"]").await;
    let server = Arc::new(server);
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    // As fast as the limit of one address lets them.
    for minute in 0..10 {
        let mut asked = JoinSet::new();
        for address in 1..=10 {
            let server = Arc::clone(&server);
            asked.spawn(async move {
                for _ in 0..10 {
                    let started = start_at(&server, &format!("192.0.2.{address}")).await;
                    assert_eq!(started.status, 200, "{}", started.body);
                }
                let refused = start_at(&server, &format!("192.0.2.{address}")).await;
                assert_eq!(refused.status, 429, "{}", refused.body);
            });
        }
        asked.join_all().await;
        if minute < 9 {
            server.advance(60);
        }
    }
    // Starts at the very same moment are counted a second later.
    server.advance(1);
    let honest = start_at(&server, "198.51.100.7").await;
    let user_code = honest.member("user_code");
    let is_long = user_code
        .split_once('-')
        .is_some_and(|(a, b)| (a.len(), b.len()) == (5, 5));
    assert!(honest.status == 200 && is_long, "{}", honest.body);
    let page = enter(&person, &user_code).await;
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    let tokens = poll(&server, &honest.member("device_code")).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
}

#[tokio::test]
async fn s_273_a_106_a_code_that_the_loopback_sign_in_left_over_approves_nothing() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    // One program offers both ways at once; a page of the device way is open already.
    let device = start_at(&server, "127.0.0.1").await;
    let (device_code, user_code) = (device.member("device_code"), device.member("user_code"));
    let tokens = redeem(&server, &code(&person, "ada").await).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let open_page = enter(&person, &user_code).await;
    let before = signed_in(&person).await;
    let withdrawn = [("client_id", "cli"), ("token", device_code.as_str())];
    let withdrawn = server.post("/oauth2/revoke", &withdrawn).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.body);
    // It was the victim's browser, or whoever was sent the code.
    let stranger = server.person_with_account("eve", PASSWORD).await;
    assert!(is_in(&log_in(&stranger, "eve", PASSWORD).await));
    for page in [
        person.submit(&open_page, APPROVE).await,
        enter(&person, &user_code).await,
        enter(&stranger, &user_code).await,
    ] {
        assert_eq!(page.status, 422, "{}", page.body);
        assert!(page.body.contains("valid any more"), "{}", page.body);
    }
    let polled = poll(&server, &device_code).await;
    assert_eq!(polled.refusal(), (400, "access_denied".to_owned()));
    // No sign-in but the one that won.
    assert_eq!(signed_in(&person).await, before);
    assert!(is_active(&server, &tokens.member("access_token")).await);
}
