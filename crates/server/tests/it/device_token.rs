//! The token endpoint as a device polls it: rows S-17 to S-26, S-273 and their attacks.

use std::time::Duration;

use hallpass_protocol::Secret;
use hallpass_testing::{Answer, TestServer};

const PENDING: &str = "authorization_pending";
const SCOPE: &str = "openid offline_access";

#[track_caller]
fn is_refused(answer: &Answer, code: &str) {
    assert_eq!(answer.refusal(), (400, code.to_owned()), "{}", answer.body);
    assert!(!answer.member("error_description").is_empty());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
}

#[track_caller]
fn is_slowed_down(answer: &Answer, interval: u64) {
    is_refused(answer, "slow_down");
    assert_eq!(answer.json()["interval"].as_u64(), Some(interval));
}

/// A started device: its device code and its user code.
async fn start(server: &TestServer) -> (String, String) {
    let started = server.start_device("cli", SCOPE).await;
    assert_eq!(started.status, 200, "{}", started.body);
    (started.member("device_code"), started.member("user_code"))
}

#[tokio::test]
async fn s_17_an_undecided_code_is_pending() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.advance(5);
    is_refused(&server.poll("cli", &device_code).await, PENDING);
}

#[tokio::test]
async fn s_18_slow_down_adds_five() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    let (other, _) = start(&server).await;
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.advance(1);
    is_slowed_down(&server.poll("cli", &device_code).await, 10);
    is_refused(&server.poll("cli", &other).await, PENDING);
    server.advance(6);
    is_slowed_down(&server.poll("cli", &device_code).await, 15);
    server.advance(15);
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    // The tolerance is one second.
    server.clock.advance(Duration::from_millis(13_999));
    is_slowed_down(&server.poll("cli", &device_code).await, 20);
    server.advance(19);
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.advance(4);
    is_refused(&server.poll("cli", &other).await, PENDING);
}

#[tokio::test]
async fn a_04_a_hammering_device_is_only_told_to_slow_down() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    for n in 1..300 {
        server.clock.advance(Duration::from_millis(100));
        is_slowed_down(&server.poll("cli", &device_code).await, (5 + 5 * n).min(60));
    }
    server.advance(60);
    is_refused(&server.poll("cli", &device_code).await, PENDING);
}

#[tokio::test]
async fn s_19_tokens_come_even_when_the_poll_is_early() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.person().approve(&user_code, "ada").await;
    server.clock.advance(Duration::from_millis(100));
    let tokens = server.poll("cli", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.header("content-type"), "application/json");
    assert_eq!(tokens.header("cache-control"), "no-store");
    assert_eq!(tokens.header("pragma"), "no-cache");
    assert_eq!(tokens.member("token_type"), "Bearer");
    assert!(tokens.json()["expires_in"].is_u64());
}

#[tokio::test]
async fn s_19_s_20_a_denied_code_stays_denied() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.person().deny(&user_code, "ada").await;
    is_refused(&server.poll("cli", &device_code).await, "access_denied");
    is_refused(&server.poll("cli", &device_code).await, "access_denied");
    server.advance(600);
    is_refused(&server.poll("cli", &device_code).await, "access_denied");
    server.advance(24 * 3600);
    server.clean_up().await;
    is_refused(&server.poll("cli", &device_code).await, "invalid_grant");
}

#[tokio::test]
async fn s_19_s_21_an_expired_code_stays_expired_for_a_day() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    server.advance(599);
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.advance(1);
    is_refused(&server.poll("cli", &device_code).await, "expired_token");
    is_refused(&server.poll("cli", &device_code).await, "expired_token");
    server.advance(24 * 3600 - 1);
    server.clean_up().await;
    is_refused(&server.poll("cli", &device_code).await, "expired_token");
    server.advance(1);
    server.clean_up().await;
    is_refused(&server.poll("cli", &device_code).await, "invalid_grant");
}

#[tokio::test]
async fn s_21_an_approval_does_not_outlive_the_code() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    server.person().approve(&user_code, "ada").await;
    server.advance(601);
    is_refused(&server.poll("cli", &device_code).await, "expired_token");
}

/// S-22 wants one winner, S-23 and A-11 want a second redemption to end what the first gave. Nothing
/// tells a racing duplicate from a thief's copy, so the losers of the race end it too: a device sends
/// one poll at a time, and one that does not signs in again (`server.md` section 9: "an unbound code
/// stays strictly one-use").
#[tokio::test]
async fn s_22_s_23_a_11_fifty_parallel_polls_have_one_winner_and_the_losers_end_its_tokens() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    server.person().approve(&user_code, "ada").await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", device_code.as_str()),
    ];
    let polls: Vec<_> = (0..50)
        .map(|_| {
            let request = server.http().post(server.url("/default/token")).form(&form);
            tokio::spawn(async move { Answer::read(request.send().await.unwrap()).await })
        })
        .collect();
    let mut winners = Vec::new();
    for poll in polls {
        let answer = poll.await.unwrap();
        if answer.status == 200 {
            winners.push(answer);
        } else {
            is_refused(&answer, "invalid_grant");
        }
    }
    assert_eq!(winners.len(), 1);
    is_refused(&server.poll("cli", &device_code).await, "invalid_grant");
    assert!(!server.is_active(&winners[0].member("access_token")).await);
    is_refused(
        &server
            .refresh("cli", &winners[0].member("refresh_token"))
            .await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn s_23_a_second_redemption_ends_the_tokens_of_the_first() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    server.person().approve(&user_code, "ada").await;
    let tokens = server.poll("cli", &device_code).await;
    assert!(server.is_active(&tokens.member("access_token")).await);
    // Also hours later, when the code would have expired.
    server.advance(1_800);
    let refreshed = server.refresh("cli", &tokens.member("refresh_token")).await;
    assert!(server.is_active(&refreshed.member("access_token")).await);
    is_refused(&server.poll("cli", &device_code).await, "invalid_grant");
    assert!(!server.is_active(&tokens.member("access_token")).await);
    assert!(!server.is_active(&refreshed.member("access_token")).await);
    is_refused(
        &server
            .refresh("cli", &refreshed.member("refresh_token"))
            .await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn s_24_a_10_a_code_belongs_to_the_client_that_asked() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.advance(5);
    // The thief's polls do not count as the device's.
    is_refused(&server.poll("thief", &device_code).await, "invalid_grant");
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.person().approve(&user_code, "ada").await;
    is_refused(&server.poll("thief", &device_code).await, "invalid_grant");
    let tokens = server.poll("cli", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    is_refused(&server.poll("thief", &device_code).await, "invalid_grant");
    assert!(server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn s_24_an_unknown_code_is_an_invalid_grant_and_a_missing_one_an_invalid_request() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    for code in [
        "x",
        "hpd_",
        device_code.get(..device_code.len() - 1).unwrap(),
        &format!("{device_code}A"),
    ] {
        is_refused(&server.poll("cli", code).await, "invalid_grant");
    }
    is_refused(&server.poll("cli", "").await, "invalid_request");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
    ];
    is_refused(
        &server.post("/default/token", &form).await,
        "invalid_request",
    );
    let twice = [
        form[0],
        form[1],
        ("device_code", device_code.as_str()),
        ("device_code", device_code.as_str()),
    ];
    is_refused(
        &server.post("/default/token", &twice).await,
        "invalid_request",
    );
    is_refused(&server.poll("cli", &device_code).await, PENDING);
}

#[tokio::test]
async fn a_03_a_thousand_random_codes_end_in_429_and_lock_no_device_out() {
    use hallpass_issuer::tokens::one_time::Kind;
    use hallpass_protocol::random::SystemRandom;
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    let random = || {
        let (code, _): (Secret<String>, _) = Kind::DeviceCode.generate(&SystemRandom);
        code.expose().clone()
    };
    for n in 0..1_000 {
        let answer = server.poll("cli", &random()).await;
        if n < 30 {
            is_refused(&answer, "invalid_grant");
        } else {
            assert_eq!(
                (answer.status, answer.header("retry-after")),
                (429, "60"),
                "try {n}"
            );
        }
    }
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    server.advance(60);
    is_refused(&server.poll("cli", &random()).await, "invalid_grant");
}

#[tokio::test]
async fn s_26_the_answer_names_the_granted_scopes() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    server.person().approve(&user_code, "ada").await;
    assert_eq!(
        server.poll("cli", &device_code).await.member("scope"),
        SCOPE
    );
}

#[tokio::test]
async fn s_273_a_106_a_client_withdraws_its_code() {
    let server = TestServer::dev().await;
    for approved in [false, true] {
        let (device_code, user_code) = start(&server).await;
        if approved {
            server.person().approve(&user_code, "ada").await;
        }
        let form = [("client_id", "cli"), ("token", device_code.as_str())];
        let withdrawn = server.post("/default/revoke", &form).await;
        assert_eq!(withdrawn.status, 200, "{}", withdrawn.body);
        let page = server.person().try_code(&user_code).await;
        assert_eq!(page.status, 422);
        assert!(page.body.contains("valid any more"), "{}", page.body);
        is_refused(&server.poll("cli", &device_code).await, "access_denied");
    }
}

#[tokio::test]
async fn s_273_a_74_another_clients_code_is_left_alone() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let form = [("client_id", "thief"), ("token", device_code.as_str())];
    assert_eq!(server.post("/default/revoke", &form).await.status, 200);
    is_refused(&server.poll("cli", &device_code).await, PENDING);
    // Nor does a device code pass for a token.
    assert!(!server.is_active(&device_code).await);
    let anonymous = server
        .post("/default/introspect", &[("token", &device_code)])
        .await;
    assert_eq!(anonymous.refusal(), (401, "invalid_client".to_owned()));
    let nobody = server
        .post("/default/revoke", &[("token", &device_code)])
        .await;
    assert_eq!(nobody.refusal(), (401, "invalid_client".to_owned()));
    server.person().approve(&user_code, "ada").await;
    let tokens = server.poll("cli", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    // A used code is no handle on the tokens.
    let form = [("client_id", "cli"), ("token", device_code.as_str())];
    assert_eq!(server.post("/default/revoke", &form).await.status, 200);
    assert!(server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn rfc_8707_the_resource_travels_from_the_request_to_the_token() {
    let server = TestServer::dev().await;
    let form = [
        ("client_id", "cli"),
        ("resource", "https://api.test/a"),
        ("resource", "https://api.test/b"),
    ];
    let started = server.post("/default/device/authorize", &form).await;
    let device_code = started.member("device_code");
    server
        .person()
        .approve(&started.member("user_code"), "ada")
        .await;
    let poll = async |resource: &str| {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "cli"),
            ("device_code", device_code.as_str()),
            ("resource", resource),
        ];
        server.post("/default/token", &form).await
    };
    // A resource that nobody granted costs the code nothing.
    is_refused(&poll("https://api.test/c").await, "invalid_target");
    let tokens = poll("https://api.test/a").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.claims("access_token")["aud"], "https://api.test/a");
}
