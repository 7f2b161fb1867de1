//! State and reset: what there is, and that nothing of it is left.

use hallpass_testing::TestServer;
use serde_json::json;

use crate::control::{accepted, get, post};

#[tokio::test]
async fn the_state_shows_what_was_asked_for_and_what_waits() {
    let server = TestServer::dev().await;
    let code = server
        .start_device("cli", "openid")
        .await
        .member("user_code");
    accepted(&post(&server, "callbacks", json!({"subject": "foo"})).await);
    let fault = json!({"endpoint": "token", "sequence": ["slow_down"]});
    accepted(&post(&server, "faults", fault).await);
    let state = accepted(&get(&server, "state").await);
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(state["strict"], false);
    assert_eq!(state["devices"][0]["user_code"], code.as_str());
    assert_eq!(state["callbacks"][0]["claims"]["sub"], "foo");
    assert_eq!(state["faults"][0]["sequence"], json!(["slow_down"]));
    assert_eq!(state["requests"]["kept"], 1);
    assert_eq!(state["devicePolicy"], json!(null));
}

#[tokio::test]
async fn after_a_reset_the_server_is_as_new() {
    let server = TestServer::dev().await;
    let person = server.person();
    let code = person
        .authorize(&server, "cli", "openid offline_access", "ada")
        .await;
    let tokens = server.sign_in("cli", "openid offline_access", "ada").await;
    let (access, refresh) = (
        tokens.member("access_token"),
        tokens.member("refresh_token"),
    );
    let device = server
        .start_device("cli", "openid")
        .await
        .member("device_code");
    // What is remembered of it between two polls must go, too.
    server.poll("cli", &device).await;
    assert!(server.is_active(&access).await);
    accepted(&post(&server, "callbacks", json!({"subject": "foo"})).await);
    let fault = json!({"endpoint": "token", "sequence": [{"status": 503}]});
    accepted(&post(&server, "faults", fault).await);
    accepted(&post(&server, "clock", json!({"advance": "1m"})).await);
    let before = hallpass_protocol::Clock::now(server.clock.as_ref()).unix_seconds();

    let state = accepted(&post(&server, "reset", json!({})).await);
    assert_eq!(state["clock"]["unix"], before);
    for (name, empty) in [
        ("callbacks", json!([])),
        ("faults", json!([])),
        ("devices", json!([])),
    ] {
        assert_eq!(state[name], empty, "{name}");
    }
    assert_eq!(state["requests"]["kept"], 0);

    assert_eq!(server.userinfo(&access).await.status, 401);
    assert_eq!(
        server.refresh("cli", &refresh).await.member("error"),
        "invalid_grant"
    );
    assert_eq!(
        server.redeem("cli", &code).await.member("error"),
        "invalid_grant"
    );
    assert_eq!(
        server.poll("cli", &device).await.member("error"),
        "invalid_grant"
    );
    let again = server.sign_in("cli", "openid", "ada").await;
    assert_eq!(again.claims("access_token")["sub"], "ada");
}

#[tokio::test]
async fn a_revoked_token_stays_revoked() {
    let server = TestServer::dev().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "svc"),
        ("scope", "openid"),
    ];
    let token = server
        .post("/default/token", &form)
        .await
        .member("access_token");
    assert_eq!(server.userinfo(&token).await.status, 200);
    let revoke = [("token", token.as_str()), ("client_id", "svc")];
    assert_eq!(server.post("/default/revoke", &revoke).await.status, 200);
    accepted(&post(&server, "reset", json!({})).await);
    assert_eq!(server.userinfo(&token).await.status, 401);
}

#[tokio::test]
async fn a_reset_takes_no_fields() {
    let server = TestServer::dev().await;
    let expected = ("unknown_field", "all", "no field is known");
    crate::control::is_refused(&server, "reset", json!({"all": true}), expected).await;
}
