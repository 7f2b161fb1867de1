//! Key rotation by the control API.

use hallpass_testing::TestServer;
use serde_json::{Value, json};

use crate::control::{accepted, post};

async fn kids(server: &TestServer) -> Vec<String> {
    let jwks = server.get("/default/jwks").await.json();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn kid(token: &str) -> String {
    let unverified = hallpass_protocol::jose::Unverified::parse(token).unwrap();
    unverified.kid().unwrap().to_owned()
}

async fn rotate(server: &TestServer) -> Value {
    accepted(&post(server, "keys:rotate", json!({})).await)
}

#[tokio::test]
async fn a_new_key_signs_and_old_tokens_stay_good() {
    let server = TestServer::dev().await;
    let old = server
        .sign_in("cli", "openid", "ada")
        .await
        .member("access_token");
    assert_eq!(kid(&old), "default");
    let shown = rotate(&server).await;
    assert_eq!(
        shown,
        json!({"issuerId": "default", "kid": "default-2", "retired": ["default"]})
    );
    assert_eq!(kids(&server).await, ["default-2", "default"]);
    let new = server
        .sign_in("cli", "openid", "ada")
        .await
        .member("access_token");
    assert_eq!(kid(&new), "default-2");
    for token in [&old, &new] {
        assert_eq!(server.userinfo(token).await.status, 200);
    }
    rotate(&server).await;
    assert_eq!(kids(&server).await, ["default-3", "default-2", "default"]);
    for token in [&old, &new] {
        assert_eq!(server.userinfo(token).await.status, 200);
    }
    assert_eq!(
        server.get("/other/jwks").await.json()["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_reset_brings_the_first_key_back_and_no_name_comes_twice() {
    let server = TestServer::dev().await;
    let first = server.get("/default/jwks").await.body;
    rotate(&server).await;
    accepted(&post(&server, "reset", json!({})).await);
    assert_eq!(server.get("/default/jwks").await.body, first);
    // A client may still know the key that was called `default-2`.
    assert_eq!(rotate(&server).await["kid"], "default-3");
}

#[tokio::test]
async fn an_issuer_has_twenty_keys_at_most() {
    let server = TestServer::dev().await;
    for _ in 1..20 {
        rotate(&server).await;
    }
    assert_eq!(kids(&server).await.len(), 20);
    let refused = post(&server, "keys:rotate", json!({})).await;
    assert_eq!(refused.refusal(), (409, "too_many".to_owned()));
    assert!(refused.member("hint").contains("reset"));
    let other = accepted(&post(&server, "keys:rotate", json!({"issuerId": "other"})).await);
    assert_eq!(other["retired"], json!(["other"]));
}
