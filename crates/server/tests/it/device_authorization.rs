//! The device authorization endpoint: rows S-01 to S-09, S-28, S-29 and S-272.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hallpass_protocol::random::{Random, SystemRandom};
use hallpass_server::Settings;
use hallpass_testing::{Answer, TestServer};

const DEVICE: &str = "/default/device/authorize";
const URN: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `cli` has three scopes, two of them by the device flow; `svc` has a secret; `web` has no device grant.
const CLIENTS: &str = r#"
[[client]]
id = "cli"
grants = ["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
scopes = ["openid", "read", "write"]
device = { scopes = ["openid", "read"] }

[[client]]
id = "svc"
type = "confidential"
secret = "s3cret"
grants = ["urn:ietf:params:oauth:grant-type:device_code"]
scopes = ["openid"]

[[client]]
id = "web"
grants = ["authorization_code"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid"]
"#;

/// Asserts the headers of the short forms `J200`, `J400` and `J401`.
#[track_caller]
fn is_json_that_nobody_keeps(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        answer.refusal(),
        (status, code.to_owned()),
        "{}",
        answer.body
    );
    assert!(!answer.member("error_description").is_empty());
    is_json_that_nobody_keeps(answer);
}

#[tokio::test]
async fn s_01_a_device_request_returns_six_members() {
    let server = TestServer::dev().await;
    let answer = server.start_device("cli", "openid").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    is_json_that_nobody_keeps(&answer);
    let body = answer.json();
    let members: Vec<&str> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let six = [
        "device_code",
        "expires_in",
        "interval",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
    ];
    assert_eq!(members, six);
    assert_eq!(body["expires_in"].as_u64(), Some(600));
    assert_eq!(body["interval"].as_u64(), Some(5));
    assert_eq!(
        answer.member("verification_uri"),
        server.url("/default/device")
    );
    let complete = format!(
        "{}?user_code={}",
        server.url("/default/device"),
        answer.member("user_code")
    );
    assert_eq!(answer.member("verification_uri_complete"), complete);
}

#[tokio::test]
async fn s_02_a_client_has_to_name_itself_and_prove_it() {
    let server = TestServer::strict(CLIENTS).await;
    is_refused(
        &server.post(DEVICE, &[("scope", "openid")]).await,
        400,
        "invalid_request",
    );
    let unknown = server.post(DEVICE, &[("client_id", "nobody")]).await;
    is_refused(&unknown, 401, "invalid_client");
    assert_eq!(unknown.header("www-authenticate"), "");
    let wrong = server.post_basic(DEVICE, ("svc", "wrong"), &[]).await;
    is_refused(&wrong, 401, "invalid_client");
    assert!(
        wrong
            .header("www-authenticate")
            .starts_with("Basic realm=\"")
    );
    is_refused(
        &server.post(DEVICE, &[("client_id", "svc")]).await,
        401,
        "invalid_client",
    );
    assert_eq!(
        server
            .post_basic(DEVICE, ("svc", "s3cret"), &[])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn s_03_s_29_a_12_a_client_without_the_grant_may_not_start() {
    let server = TestServer::strict(CLIENTS).await;
    is_refused(
        &server.start_device("web", "openid").await,
        400,
        "unauthorized_client",
    );
    let polled = server.poll("web", "hpd_anything").await;
    is_refused(&polled, 400, "unauthorized_client");
}

#[tokio::test]
async fn s_04_parameters_are_read_as_everywhere_and_only_from_a_post() {
    let server = TestServer::strict(CLIENTS).await;
    let person = server.person();
    // An empty parameter is an absent one: the client gets its default scopes.
    for form in [
        &[("client_id", "cli"), ("scope", "")][..],
        &[("client_id", "cli"), ("foo", "1")],
    ] {
        let started = server.post(DEVICE, form).await;
        assert_eq!(started.status, 200, "{}", started.body);
        person.approve(&started.member("user_code"), "ada").await;
        let tokens = server.poll("cli", &started.member("device_code")).await;
        assert_eq!(tokens.member("scope"), "openid read", "{}", tokens.body);
    }
    let repeated = server
        .post(DEVICE, &[("client_id", "cli"), ("client_id", "cli")])
        .await;
    is_refused(&repeated, 400, "invalid_request");
    let repeated = server
        .post(DEVICE, &[("client_id", "cli"), ("foo", "1"), ("foo", "2")])
        .await;
    is_refused(&repeated, 400, "invalid_request");
    let got = server.get(&format!("{DEVICE}?client_id=cli")).await;
    assert_eq!((got.status, got.header("allow")), (405, "POST"));
    let body = r#"{"client_id":"cli"}"#;
    let json = server
        .http()
        .post(server.url(DEVICE))
        .header("content-type", "application/json")
        .body(body);
    is_refused(&server.send(json).await, 400, "invalid_request");
}

#[tokio::test]
async fn s_05_s_29_a_12_scopes_are_checked_at_the_request() {
    let server = TestServer::strict(CLIENTS).await;
    assert_eq!(server.start_device("cli", "read").await.status, 200);
    // `write` is the client's, but not by the device flow.
    for scope in ["admin", "openid admin", "write", "re\"ad", "hallpass:admin"] {
        is_refused(
            &server.start_device("cli", scope).await,
            400,
            "invalid_scope",
        );
    }
}

#[tokio::test]
async fn s_29_what_a_device_gets_may_live_shorter_than_what_a_browser_gets() {
    let toml = r#"
[[client]]
id = "cli"
grants = ["authorization_code", "refresh_token", "device_code"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "offline_access"]
device = { access = "2m", refresh_absolute = "1h" }
"#;
    let server = TestServer::strict(toml).await;
    let scope = "openid offline_access";
    let browser = server.sign_in("cli", scope, "ada").await;
    let started = server.start_device("cli", scope).await;
    let user_code = started.member("user_code");
    server.person().approve(&user_code, "ada").await;
    let device = server.poll("cli", &started.member("device_code")).await;
    let lifetime = |tokens: &Answer| tokens.json()["expires_in"].as_u64().unwrap();
    assert_eq!(lifetime(&device), 120, "{}", device.body);
    assert!(lifetime(&browser) > 120, "{}", browser.body);

    server.advance(1800);
    let device = server.refresh("cli", &device.member("refresh_token")).await;
    assert_eq!(lifetime(&device), 120, "{}", device.body);
    server.advance(1801);
    let late = server.refresh("cli", &device.member("refresh_token")).await;
    is_refused(&late, 400, "invalid_grant");
    let later = server
        .refresh("cli", &browser.member("refresh_token"))
        .await;
    assert_eq!(later.status, 200, "{}", later.body);
}

#[tokio::test]
async fn s_06_s_07_codes_have_their_form() {
    let server = TestServer::dev().await;
    let started = server.start_device("cli", "openid").await;
    let (device_code, user_code) = (started.member("device_code"), started.member("user_code"));
    let secret = device_code.strip_prefix("hpd_").unwrap();
    assert!(secret.len() >= 43);
    assert!(
        secret
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    );
    is_user_code(&user_code, 4);
}

#[track_caller]
fn is_user_code(code: &str, half: usize) {
    let (first, second) = code.split_once('-').unwrap();
    assert_eq!((first.len(), second.len()), (half, half), "{code}");
    let known = |letter: char| "BCDFGHJKLMNPQRSTVWXZ".contains(letter);
    assert!(first.chars().chain(second.chars()).all(known), "{code}");
}

/// Dice that fall as they are told, then at random.
#[derive(Debug, Default)]
struct LoadedDice(Mutex<VecDeque<u8>>);

impl LoadedDice {
    /// The next draws consist of these bytes.
    fn load(&self, draws: &[u8]) {
        self.0.lock().unwrap().extend(draws);
    }
}

impl Random for LoadedDice {
    fn fill(&self, out: &mut [u8]) {
        match self.0.lock().unwrap().pop_front() {
            Some(byte) => out.fill(byte),
            None => SystemRandom.fill(out),
        }
    }
}

#[tokio::test]
async fn s_09_a_taken_user_code_is_drawn_again_until_it_was_dead_for_a_day() {
    let dice = Arc::new(LoadedDice::default());
    let same: Arc<LoadedDice> = Arc::clone(&dice);
    let server = TestServer::start_with_dice(Settings::for_tests(), same).await;
    // First the device code is drawn, then the user code.
    let start = async |device_code: u8| {
        dice.load(&[device_code, 1]);
        let started = server.start_device("cli", "openid").await;
        assert_eq!(started.status, 200, "{}", started.body);
        started.member("user_code")
    };
    assert_eq!(start(1).await, "CCCC-CCCC");
    assert_ne!(start(2).await, "CCCC-CCCC");
    // It dies after ten minutes and is remembered for a day.
    server.advance(600 + 24 * 3600 - 1);
    server.clean_up().await;
    assert_ne!(start(3).await, "CCCC-CCCC");
    server.advance(1);
    server.clean_up().await;
    assert_eq!(start(4).await, "CCCC-CCCC");
}

#[tokio::test]
async fn s_28_both_documents_name_the_endpoint_and_the_grant() {
    let server = TestServer::dev().await;
    for document in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = server
            .get(&format!("/default/.well-known/{document}"))
            .await;
        assert_eq!(metadata.status, 200);
        assert_eq!(
            metadata.member("device_authorization_endpoint"),
            server.url(DEVICE)
        );
        let grants = metadata.json()["grant_types_supported"].clone();
        assert!(
            grants.as_array().unwrap().iter().any(|grant| grant == URN),
            "{grants}"
        );
    }
}

#[tokio::test]
async fn s_272_a_103_from_a_thousand_live_codes_on_a_client_gets_ten_letters() {
    let server = TestServer::dev().await;
    for _ in 0..1_000 {
        let started = server.start_device("cli", "openid").await;
        is_user_code(&started.member("user_code"), 4);
    }
    let crowded = server.start_device("cli", "openid").await;
    is_user_code(&crowded.member("user_code"), 5);
    is_user_code(
        &server
            .start_device("another", "openid")
            .await
            .member("user_code"),
        4,
    );
    server
        .person()
        .approve(&crowded.member("user_code"), "ada")
        .await;
    assert_eq!(
        server
            .poll("cli", &crowded.member("device_code"))
            .await
            .status,
        200
    );
    // The crowd is gone when its codes are dead.
    server.advance(600);
    is_user_code(
        &server
            .start_device("cli", "openid")
            .await
            .member("user_code"),
        4,
    );
}

#[tokio::test]
async fn a_14_a_client_id_that_cannot_be_shown_is_unknown() {
    let server = TestServer::dev().await;
    for id in ["cli\u{202e}ten", "cli\u{1b}[31m", "cli\n", &"x".repeat(256)] {
        is_refused(
            &server.start_device(id, "openid").await,
            401,
            "invalid_client",
        );
    }
}

#[tokio::test]
async fn the_aliases_of_hydra_are_the_same_endpoint() {
    let server = TestServer::dev().await;
    let form = [("client_id", "cli"), ("scope", "openid offline_access")];
    for path in [
        "/oauth2/device/auth",
        "/oauth2/device_authorization",
        "/device/authorize",
    ] {
        let started = server.post(path, &form).await;
        assert_eq!(started.status, 200, "{path}: {}", started.body);
        assert_eq!(started.member("verification_uri"), server.url("/device"));
        let user_code = started.member("user_code");
        let person = server.person();
        let page = person.enter_code_at("/device", &user_code, "ada").await;
        person
            .submit(&page, hallpass_testing::person::APPROVE)
            .await;
        let device_code = started.member("device_code");
        let poll = [
            ("grant_type", URN),
            ("client_id", "cli"),
            ("device_code", &device_code),
        ];
        // Every issuer has its own codes.
        is_refused(
            &server.post("/default/token", &poll).await,
            400,
            "invalid_grant",
        );
        let tokens = server.post("/oauth2/token", &poll).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        let refresh_token = tokens.member("refresh_token");
        let refresh = [
            ("grant_type", "refresh_token"),
            ("client_id", "cli"),
            ("refresh_token", &refresh_token),
        ];
        assert_eq!(server.post("/oauth2/token", &refresh).await.status, 200);
    }
}

#[tokio::test]
async fn authkit_takes_json_and_forms_and_names_the_user() {
    let server = TestServer::dev().await;
    let json = async |path: &str, members: &[(&str, &str)]| {
        let object: serde_json::Map<String, serde_json::Value> = members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let body = serde_json::Value::Object(object).to_string();
        let request = server
            .http()
            .post(server.url(path))
            .header("content-type", "application/json");
        server.send(request.body(body)).await
    };
    let person = server.person();
    for as_json in [true, false] {
        let post = async |path: &str, members: &[(&str, &str)]| {
            if as_json {
                json(path, members).await
            } else {
                server.post(path, members).await
            }
        };
        let started = post(
            "/user_management/authorize/device",
            &[("client_id", "client_1")],
        )
        .await;
        assert_eq!(started.status, 200, "{}", started.body);
        is_json_that_nobody_keeps(&started);
        assert_eq!(started.member("verification_uri"), server.url("/device"));
        let device_code = started.member("device_code");
        let poll = [
            ("grant_type", URN),
            ("client_id", "client_1"),
            ("device_code", &*device_code),
        ];
        let path = "/user_management/authenticate";
        is_refused(&post(path, &poll).await, 400, "authorization_pending");
        is_refused(&post(path, &poll).await, 400, "slow_down");
        let complete = started
            .member("verification_uri_complete")
            .replace(&server.url(""), "");
        let page = person
            .enter_code_at(&complete, &started.member("user_code"), "ada")
            .await;
        person
            .submit(&page, hallpass_testing::person::APPROVE)
            .await;
        let answer = post(path, &poll).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        is_json_that_nobody_keeps(&answer);
        assert_eq!(answer.json()["user"]["id"], "ada", "{}", answer.body);
        assert_eq!(answer.json()["user"]["object"], "user");
        assert!(!answer.member("access_token").is_empty());
        // Its programs send no scopes and count on a refresh token.
        let refresh = [
            ("grant_type", "refresh_token"),
            ("client_id", "client_1"),
            ("refresh_token", &*answer.member("refresh_token")),
        ];
        let refreshed = post(path, &refresh).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.body);
        assert_eq!(refreshed.json()["user"]["id"], "ada");
    }
    for body in ["[]", "{", "{\"client_id\":1}", "\"client_id\""] {
        let path = server.url("/user_management/authorize/device");
        let request = server
            .http()
            .post(path)
            .header("content-type", "application/json")
            .body(body);
        is_refused(&server.send(request).await, 400, "invalid_request");
    }
}
