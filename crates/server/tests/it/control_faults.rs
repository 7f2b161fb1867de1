//! Faults of the control API: the server errs when a test wants it to.

use std::time::Instant;

use hallpass_testing::TestServer;
use serde_json::json;

use crate::control::{accepted, delete, get, is_refused, post};

async fn client_credentials(server: &TestServer) -> reqwest::Result<reqwest::Response> {
    let form = [("grant_type", "client_credentials"), ("client_id", "svc")];
    let request = server.http().post(server.url("/default/token")).form(&form);
    request.send().await
}

async fn status(server: &TestServer) -> u16 {
    client_credentials(server).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_sequence_happens_in_its_order_to_its_grant_alone() {
    let server = TestServer::dev().await;
    let device = server
        .start_device("cli", "openid")
        .await
        .member("device_code");
    let sequence = json!(["slow_down", "authorization_pending", {"status": 503},
        {"malformed_json": true}, {"pass": true}, "expired_token"]);
    let fault = json!({"endpoint": "token", "grant": "device_code", "sequence": sequence});
    assert_eq!(
        accepted(&post(&server, "faults", fault).await)["waiting"],
        6
    );
    assert_eq!(status(&server).await, 200);
    let mut seen = Vec::new();
    for _ in 0..7 {
        let poll = server.poll("cli", &device).await;
        let error = serde_json::from_str::<serde_json::Value>(&poll.body)
            .map_or("?".to_owned(), |body| {
                body["error"].as_str().unwrap().to_owned()
            });
        seen.push((poll.status, error));
    }
    let expected = [
        (400, "slow_down"),
        (400, "authorization_pending"),
        (503, "?"),
        (200, "?"),
        // The first poll that got through, and then the second, too early.
        (400, "authorization_pending"),
        (400, "expired_token"),
        (400, "slow_down"),
    ];
    assert_eq!(
        seen,
        expected.map(|(status, error)| (status, error.to_owned()))
    );
    assert_eq!(accepted(&get(&server, "state").await)["faults"], json!([]));
}

#[tokio::test]
async fn an_answer_of_the_tests_own() {
    let server = TestServer::dev().await;
    let steps = json!([
        {"status": 429, "headers": {"Retry-After": "7", "content-type": "text/html"}, "body": "<p>"},
        {"status": 400, "body": {"error": "slow_down", "interval": 9}},
        "invalid_client",
    ]);
    accepted(
        &post(
            &server,
            "faults",
            json!({"endpoint": "jwks", "sequence": steps}),
        )
        .await,
    );
    let html = server.get("/default/jwks").await;
    assert_eq!((html.status, html.body.as_str()), (429, "<p>"));
    assert_eq!(
        (html.header("retry-after"), html.header("content-type")),
        ("7", "text/html")
    );
    let json = server.get("/default/jwks").await;
    assert_eq!(json.json(), json!({"error": "slow_down", "interval": 9}));
    assert_eq!(json.header("content-type"), "application/json");
    let code = server.get("/default/jwks").await;
    assert_eq!(code.refusal(), (401, "invalid_client".to_owned()));
    assert_eq!(server.get("/default/jwks").await.status, 200);
}

#[tokio::test]
async fn the_connection_closes_before_or_after_the_work() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid offline_access", "ada").await;
    let first = tokens.member("refresh_token");
    let steps = json!([{"close": true}, {"lose_answer": true}]);
    let fault = json!({"endpoint": "token", "grant": "refresh_token", "sequence": steps});
    accepted(&post(&server, "faults", fault).await);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", &first),
    ];
    for _ in 0..2 {
        let request = server.http().post(server.url("/default/token")).form(&form);
        assert!(request.send().await.is_err());
    }
    let shown = accepted(&get(&server, "requests?endpoint=token").await);
    let closed: Vec<_> = shown["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["closed"])
        .collect();
    assert_eq!(closed, [&json!(false), &json!(true), &json!(true)]);
    // The lost answer has retired the token: within the grace it still counts, after it no more.
    server.advance(31);
    let replayed = server.refresh("cli", &first).await;
    assert_eq!(replayed.refusal(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_closed_request_did_nothing() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid offline_access", "ada").await;
    let fault = json!({"endpoint": "token", "sequence": [{"close": true}]});
    accepted(&post(&server, "faults", fault).await);
    assert!(client_credentials(&server).await.is_err());
    server.advance(31);
    assert_eq!(
        server
            .refresh("cli", &tokens.member("refresh_token"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_delay_is_real_time_and_the_truth_comes_after_it() {
    let server = TestServer::dev().await;
    let fault = json!({"endpoint": "token", "sequence": [{"delay": "300ms"}, {"delay": "300ms", "status": 502}]});
    accepted(&post(&server, "faults", fault).await);
    for expected in [200, 502] {
        #[expect(clippy::disallowed_methods, reason = "the delay is real time")]
        let start = Instant::now();
        assert_eq!(status(&server).await, expected);
        assert!(start.elapsed().as_millis() >= 300);
    }
}

#[tokio::test]
async fn an_issuer_and_a_page_can_fail_too() {
    let server = TestServer::dev().await;
    let fault = json!({"endpoint": "userinfo", "issuerId": "a", "sequence": ["invalid_token"]});
    accepted(&post(&server, "faults", fault).await);
    let page = json!({"endpoint": "authorization", "sequence": [{"status": 500}]});
    accepted(&post(&server, "faults", page).await);
    let other = server.get("/b/userinfo").await;
    assert!(!other.header("www-authenticate").contains("invalid_token"));
    let failed = server.get("/a/userinfo").await;
    assert_eq!(failed.status, 401);
    assert!(
        failed
            .header("www-authenticate")
            .contains("error=\"invalid_token\"")
    );
    assert_eq!(server.get("/b/authorize").await.status, 500);
    assert_eq!(server.get("/b/authorize").await.status, 400);
}

#[tokio::test]
async fn authkit_and_hydra_names_are_the_same_endpoints() {
    let server = TestServer::dev().await;
    let fault = json!({"endpoint": "token", "grant": "device_code", "sequence": [{"status": 500}, {"status": 501}]});
    accepted(&post(&server, "faults", fault).await);
    let body = json!({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "c", "device_code": "x"});
    let url = server.url("/user_management/authenticate");
    let request = server
        .http()
        .post(url)
        .header("content-type", "application/json");
    assert_eq!(
        server.send(request.body(body.to_string())).await.status,
        500
    );
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code")];
    assert_eq!(server.post("/oauth2/token", &form).await.status, 501);
}

#[tokio::test]
async fn they_can_be_taken_back() {
    let server = TestServer::dev().await;
    let fault = json!({"endpoint": "token", "sequence": [{"status": 503}]});
    accepted(&post(&server, "faults", fault).await);
    accepted(&delete(&server, "faults").await);
    assert_eq!(status(&server).await, 200);
}

#[tokio::test]
async fn what_it_does_not_understand_is_explained() {
    let server = TestServer::dev().await;
    let cases = [
        (json!({}), ("missing_field", "endpoint", "which endpoint")),
        (
            json!({"endpoint": "tokens"}),
            ("invalid_value", "endpoint", "did you mean `token`?"),
        ),
        (
            json!({"endpoint": "token"}),
            ("missing_field", "sequence", "slow_down"),
        ),
        (
            json!({"endpoint": "token", "sequence": []}),
            ("missing_field", "sequence", "at least one"),
        ),
        (
            json!({"endpoint": "token", "sequense": []}),
            ("unknown_field", "sequense", "`sequence`"),
        ),
        (
            json!({"endpoint": "jwks", "grant": "device_code"}),
            ("invalid_value", "grant", "only requests to `token`"),
        ),
        (
            json!({"endpoint": "token", "grant": "device"}),
            ("invalid_value", "grant", "device_code"),
        ),
    ];
    for (body, expected) in cases {
        is_refused(&server, "faults", body, expected).await;
    }
}

#[tokio::test]
async fn a_step_that_makes_no_sense_is_named_and_nothing_waits() {
    let server = TestServer::dev().await;
    let step =
        |step: serde_json::Value| json!({"endpoint": "token", "sequence": ["slow_down", step]});
    let cases = [
        (
            step(json!("slowdown")),
            ("invalid_value", "sequence[1]", "did you mean `slow_down`?"),
        ),
        (
            step(json!(503)),
            ("invalid_value", "sequence[1]", "neither"),
        ),
        (
            step(json!({})),
            ("invalid_value", "sequence[1]", "says nothing"),
        ),
        (
            step(json!({"staus": 503})),
            ("unknown_field", "sequence[1].staus", "`status`"),
        ),
        (
            step(json!({"status": 99})),
            ("invalid_value", "sequence[1].status", "from 200 to 599"),
        ),
        (
            step(json!({"status": 500, "close": true})),
            ("invalid_value", "sequence[1]", "one thing"),
        ),
        (
            step(json!({"delay": "6m"})),
            ("invalid_value", "sequence[1].delay", "300 seconds"),
        ),
        (
            step(json!({"body": "x"})),
            ("missing_field", "sequence[1].status", "`status`"),
        ),
        (
            step(json!({"close": false})),
            ("invalid_value", "sequence[1].close", "leave it away"),
        ),
        (
            step(json!({"status": 500, "headers": {"a b": "x"}})),
            ("invalid_value", "sequence[1].headers.a b", "no name"),
        ),
        (
            step(json!({"status": 500, "headers": {"content-length": "1"}})),
            ("invalid_value", "sequence[1].headers.content-length", "own"),
        ),
        (
            json!({"endpoint": "login", "sequence": ["slow_down"]}),
            ("invalid_value", "sequence[0]", "answers people"),
        ),
    ];
    for (body, expected) in cases {
        is_refused(&server, "faults", body, expected).await;
    }
    assert_eq!(accepted(&get(&server, "state").await)["faults"], json!([]));
}

#[tokio::test]
async fn not_more_than_ten_thousand_steps_wait() {
    let server = TestServer::dev().await;
    let many = json!({"endpoint": "token", "sequence": vec!["slow_down"; 3_000]});
    for expected in [200, 200, 200, 409] {
        assert_eq!(post(&server, "faults", many.clone()).await.status, expected);
    }
}
