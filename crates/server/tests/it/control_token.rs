//! Tokens that the control API mints.

use hallpass_testing::{Answer, TestServer, claims_of};
use serde_json::json;

use crate::control::{accepted, is_refused, post};

async fn introspect(server: &TestServer, issuer: &str, token: &str) -> Answer {
    let path = format!("/{issuer}/introspect");
    server
        .post_basic(&path, ("any", "secret"), &[("token", token)])
        .await
}

#[tokio::test]
async fn a_token_is_one_of_the_issuers_own() {
    let server = TestServer::dev().await;
    let body = json!({"issuerId": "a/b", "subject": "alice", "audience": ["x", "y"],
        "clientId": "cli", "scope": "openid read", "expiry": "2h", "claims": {"role": "admin"}});
    let minted = accepted(&post(&server, "token", body).await);
    let token = minted["token"].as_str().unwrap();
    let claims = claims_of(token);
    assert_eq!(minted["claims"], claims);
    assert_eq!(minted["header"]["kid"], "a/b");
    for (name, value) in [
        ("sub", json!("alice")),
        ("aud", json!(["x", "y"])),
        ("iss", json!(server.url("/a/b"))),
        ("client_id", json!("cli")),
        ("scope", json!("openid read")),
        ("role", json!("admin")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        7200
    );
    assert_eq!(
        introspect(&server, "a/b", token).await.json()["active"],
        true
    );
    assert_eq!(
        introspect(&server, "other", token).await.json()["active"],
        false
    );
    let info = server
        .http()
        .get(server.url("/a/b/userinfo"))
        .bearer_auth(token);
    assert_eq!(server.send(info).await.member("role"), "admin");
}

#[tokio::test]
async fn a_token_can_be_as_wrong_as_a_test_wants() {
    let server = TestServer::dev().await;
    let body =
        json!({"claims": {"iss": "https://evil.test", "exp": 1, "aud": null, "sub": ["odd"]}});
    let minted = accepted(&post(&server, "token", body).await);
    let token = minted["token"].as_str().unwrap();
    let claims = claims_of(token);
    assert_eq!(
        (&claims["iss"], &claims["exp"]),
        (&json!("https://evil.test"), &json!(1))
    );
    assert_eq!((&claims["sub"], claims.get("aud")), (&json!(["odd"]), None));
    assert_eq!(
        introspect(&server, "default", token).await.json()["active"],
        false
    );
    let expired = accepted(&post(&server, "token", json!({"expiry": 0})).await);
    let token = expired["token"].as_str().unwrap();
    assert_eq!(
        introspect(&server, "default", token).await.json()["active"],
        false
    );
}

#[tokio::test]
async fn a_type_of_its_own_is_still_ours() {
    let server = TestServer::dev().await;
    let minted = accepted(&post(&server, "token", json!({"typeHeader": "x+jwt"})).await);
    assert_eq!(minted["header"]["typ"], "x+jwt");
    let token = minted["token"].as_str().unwrap();
    assert_eq!(
        introspect(&server, "default", token).await.json()["active"],
        true
    );
}

#[tokio::test]
async fn what_it_does_not_understand_is_explained() {
    let server = TestServer::dev().await;
    let cases = [
        (json!({"sub": "a"}), ("unknown_field", "sub", "known are")),
        (
            json!({"audiense": "a"}),
            ("unknown_field", "audiense", "`audience`"),
        ),
        (
            json!({"issuerId": "a/../b"}),
            ("invalid_value", "issuerId", "no path"),
        ),
        (
            json!({"scope": "a\"b"}),
            ("invalid_value", "scope", "no list of scopes"),
        ),
        (
            json!({"expiry": -1}),
            ("invalid_value", "expiry", "no span"),
        ),
    ];
    for (body, expected) in cases {
        is_refused(&server, "token", body, expected).await;
    }
}
