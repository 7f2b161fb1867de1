//! Device codes that the control API or the policy decides.

use hallpass_testing::TestServer;
use serde_json::{Value, json};

use crate::control::{accepted, configured, get, is_refused, post};

async fn start(server: &TestServer) -> (String, String) {
    let started = server.start_device("cli", "openid offline_access").await;
    (started.member("device_code"), started.member("user_code"))
}

async fn decide(server: &TestServer, code: &str, body: Value) -> Value {
    accepted(&post(server, &format!("device/{code}"), body).await)
}

#[tokio::test]
async fn a_code_is_approved_with_a_name_and_claims() {
    let server = TestServer::dev().await;
    let (device, code) = start(&server).await;
    let approve =
        json!({"action": "approve", "username": "alice", "claims": {"email": "a@x.test"}});
    let shown = decide(&server, &code, approve).await;
    assert_eq!(
        (&shown["status"], &shown["username"]),
        (&json!("approved"), &json!("alice"))
    );
    assert_eq!(
        (&shown["client_id"], &shown["issuerId"]),
        (&json!("cli"), &json!("default"))
    );
    let tokens = server.poll("cli", &device).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let claims = tokens.claims("id_token");
    assert_eq!(
        (&claims["sub"], &claims["email"]),
        (&json!("alice"), &json!("a@x.test"))
    );
    assert!(!tokens.member("refresh_token").is_empty());
    let after = accepted(&get(&server, &format!("device/{code}")).await);
    assert_eq!(after["status"], "redeemed");
}

#[tokio::test]
async fn a_code_is_denied_or_expires() {
    let server = TestServer::dev().await;
    for (action, error) in [("deny", "access_denied"), ("expire", "expired_token")] {
        let (device, code) = start(&server).await;
        let typed = code.replace('-', "").to_lowercase();
        let pending = accepted(&get(&server, &format!("device/{typed}")).await);
        assert_eq!(pending["status"], "pending");
        decide(&server, &typed, json!({"action": action})).await;
        assert_eq!(
            server.poll("cli", &device).await.refusal(),
            (400, error.to_owned())
        );
        let again = post(
            &server,
            &format!("device/{code}"),
            json!({"action": action}),
        )
        .await;
        assert_eq!(again.refusal(), (409, "already_decided".to_owned()));
    }
    let (device, code) = start(&server).await;
    decide(
        &server,
        &code,
        json!({"action": "approve", "username": "a"}),
    )
    .await;
    decide(&server, &code, json!({"action": "expire"})).await;
    assert_eq!(
        server.poll("cli", &device).await.member("error"),
        "expired_token"
    );
}

#[tokio::test]
async fn unknown_codes_get_404() {
    let server = TestServer::dev().await;
    let (_, code) = start(&server).await;
    let body = json!({"action": "deny"});
    for code in ["WDJB-MJHT", "x", "%20", "..%2fstate"] {
        let answer = post(&server, &format!("device/{code}"), body.clone()).await;
        assert_eq!(
            answer.refusal(),
            (404, "unknown_user_code".to_owned()),
            "{code}"
        );
        let answer = get(&server, &format!("device/{code}")).await;
        assert_eq!(
            answer.refusal(),
            (404, "unknown_user_code".to_owned()),
            "{code}"
        );
    }
    let other = json!({"action": "deny", "issuerId": "other"});
    assert_eq!(
        post(&server, &format!("device/{code}"), other).await.status,
        404
    );
    let own = json!({"action": "deny", "issuerId": "default"});
    assert_eq!(
        post(&server, &format!("device/{code}"), own).await.status,
        200
    );
}

#[tokio::test]
async fn what_it_does_not_understand_is_explained() {
    let server = TestServer::dev().await;
    let (device, code) = start(&server).await;
    let path = format!("device/{code}");
    let cases = [
        (
            json!({}),
            ("missing_field", "action", "`approve`, `deny` or `expire`"),
        ),
        (
            json!({"action": "aprove"}),
            ("invalid_value", "action", "did you mean `approve`?"),
        ),
        (
            json!({"action": "approve"}),
            ("missing_field", "username", "who"),
        ),
        (
            json!({"action": "approve", "username": " "}),
            ("invalid_value", "username", "empty"),
        ),
        (
            json!({"action": "approve", "user": "a"}),
            ("unknown_field", "user", "`username`"),
        ),
        (
            json!({"action": "deny", "username": "a"}),
            ("invalid_value", "username", "only `approve`"),
        ),
        (
            json!({"action": "deny", "claims": {"a": 1}}),
            ("invalid_value", "claims", "only `approve`"),
        ),
    ];
    for (body, expected) in cases {
        is_refused(&server, &path, body, expected).await;
    }
    assert_eq!(
        server.poll("cli", &device).await.member("error"),
        "authorization_pending"
    );
}

#[tokio::test]
async fn a_policy_approves_after_so_many_polls() {
    let policy = json!({"autoApprove": "alice", "afterPolls": 2, "claims": {"role": "ci"}});
    let server = configured(&json!({"devicePolicy": policy})).await;
    let state = accepted(&get(&server, "state").await);
    assert_eq!(state["devicePolicy"], policy);
    let (device, _) = start(&server).await;
    let (other, code) = start(&server).await;
    for _ in 0..2 {
        assert_eq!(
            server.poll("cli", &device).await.member("error"),
            "authorization_pending"
        );
        server.advance(5);
    }
    let tokens = server.poll("cli", &device).await;
    let claims = tokens.claims("access_token");
    assert_eq!(
        (&claims["sub"], &claims["role"]),
        (&json!("alice"), &json!("ci"))
    );
    // What a person decides first stands.
    decide(&server, &code, json!({"action": "deny"})).await;
    for _ in 0..4 {
        assert_eq!(
            server.poll("cli", &other).await.member("error"),
            "access_denied"
        );
    }
}

#[tokio::test]
async fn a_policy_decides_at_once_or_denies() {
    let server = configured(&json!({"devicePolicy": {"autoApprove": "alice"}})).await;
    let (device, _) = start(&server).await;
    assert_eq!(server.poll("cli", &device).await.status, 200);
    let (device, _) = start(&server).await;
    server.advance(601);
    assert_eq!(
        server.poll("cli", &device).await.member("error"),
        "expired_token"
    );
    let server = configured(&json!({"devicePolicy": {"autoDeny": true, "afterPolls": 1}})).await;
    let (device, _) = start(&server).await;
    assert_eq!(
        server.poll("cli", &device).await.member("error"),
        "authorization_pending"
    );
    assert_eq!(
        server.poll("cli", &device).await.member("error"),
        "access_denied"
    );
}

#[test]
fn a_policy_that_makes_no_sense_does_not_start() {
    for policy in [
        json!({}),
        json!({"afterPolls": 2}),
        json!({"autoApprove": "a", "autoDeny": true}),
        json!({"autoApprove": ""}),
        json!({"autoApprove": "a", "afterPolls": -1}),
        json!({"autoDeny": true, "claims": {"a": 1}}),
    ] {
        let text = json!({ "devicePolicy": policy }).to_string();
        let env = |name: &str| (name == "JSON_CONFIG").then(|| text.clone());
        let flags = hallpass_server::DevFlags::default();
        assert!(
            hallpass_server::Settings::dev(&env, flags).is_err(),
            "{text}"
        );
    }
}
