//! Callbacks of the control API: what the next tokens of an issuer say.

use std::time::Duration;

use hallpass_testing::{Answer, TestServer, claims_of};
use serde_json::{Value, json};

use crate::control::{accepted, configured, delete, get, is_refused, post};

async fn token(server: &TestServer, issuer: &str) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", "svc")];
    let answer = server.post(&format!("/{issuer}/token"), &form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

async fn claims(server: &TestServer, issuer: &str) -> Value {
    token(server, issuer).await.claims("access_token")
}

#[tokio::test]
async fn the_next_tokens_say_what_was_asked_for_and_then_no_more() {
    let server = TestServer::dev().await;
    let body = json!({
        "issuerId": "default", "subject": "foo", "audience": ["x"], "expiry": 120, "times": 2,
        "claims": {"role": "admin", "deep": {"a": [1]}, "n": null},
    });
    let answer = accepted(&post(&server, "callbacks", body).await);
    assert_eq!(answer["waiting"], 1);
    // Another issuer's tokens are its own.
    assert_eq!(claims(&server, "other").await["sub"], "svc");
    for _ in 0..2 {
        let said = claims(&server, "default").await;
        assert_eq!(
            (&said["sub"], &said["aud"], &said["role"]),
            (&json!("foo"), &json!("x"), &json!("admin"))
        );
        assert_eq!(said["deep"], json!({"a": [1]}));
        assert_eq!(said["tid"], "default");
        assert_eq!(
            said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(),
            120
        );
    }
    let said = claims(&server, "default").await;
    assert_eq!((&said["sub"], &said["role"]), (&json!("svc"), &Value::Null));
}

#[tokio::test]
async fn they_come_in_order_and_can_be_taken_back() {
    let server = TestServer::dev().await;
    for subject in ["a", "b", "c"] {
        accepted(&post(&server, "callbacks", json!({"subject": subject})).await);
    }
    assert_eq!(claims(&server, "default").await["sub"], "a");
    assert_eq!(claims(&server, "default").await["sub"], "b");
    let waiting = accepted(&get(&server, "state").await)["callbacks"].clone();
    assert_eq!(waiting[0]["claims"], json!({"sub": "c"}));
    accepted(&delete(&server, "callbacks").await);
    assert_eq!(claims(&server, "default").await["sub"], "svc");
}

#[tokio::test]
async fn a_refused_request_does_not_use_one_up() {
    let server = TestServer::dev().await;
    accepted(&post(&server, "callbacks", json!({"subject": "foo"})).await);
    let refused = server.post("/default/token", &[("grant_type", "x")]).await;
    assert_eq!(refused.status, 400);
    assert_eq!(claims(&server, "default").await["sub"], "foo");
}

#[tokio::test]
async fn the_id_token_beside_it_says_the_same_person() {
    let server = TestServer::dev().await;
    let body = json!({"subject": "foo", "audience": "x", "claims": {"email": "f@x.test"}});
    accepted(&post(&server, "callbacks", body).await);
    let tokens = server.sign_in("cli", "openid", "ada").await;
    let id = claims_of(&tokens.member("id_token"));
    assert_eq!(
        (&id["sub"], &id["aud"], &id["email"]),
        (&json!("foo"), &json!("cli"), &json!("f@x.test"))
    );
    let info = server.userinfo(&tokens.member("access_token")).await;
    assert_eq!(info.member("sub"), "foo");
}

#[tokio::test]
async fn it_wins_over_the_configuration_and_a_type_of_its_own_is_still_ours() {
    let mapping = json!({"requestParam": "client_id", "match": "*", "claims": {"sub": "mapped"}});
    let server = configured(&json!({
        "interactiveLogin": true,
        "tokenCallbacks": [{"issuerId": "default", "requestMappings": [mapping]}],
    }))
    .await;
    assert_eq!(claims(&server, "default").await["sub"], "mapped");
    accepted(
        &post(
            &server,
            "callbacks",
            json!({"subject": "foo", "typeHeader": "x+jwt"}),
        )
        .await,
    );
    let tokens = server.sign_in("cli", "openid", "ada").await;
    let access_token = tokens.member("access_token");
    assert_eq!(claims_of(&access_token)["sub"], "foo");
    assert_eq!(server.userinfo(&access_token).await.member("sub"), "foo");
    assert_eq!(claims(&server, "default").await["sub"], "mapped");
}

#[tokio::test]
async fn what_it_does_not_understand_is_explained() {
    let server = TestServer::dev().await;
    let cases = [
        (
            json!({"issuer": "x"}),
            ("unknown_field", "issuer", "did you mean `issuerId`?"),
        ),
        (
            json!({"issuerId": "a b"}),
            ("invalid_value", "issuerId", "no path of an issuer"),
        ),
        (
            json!({"issuerId": "/default"}),
            ("invalid_value", "issuerId", "such as `default`"),
        ),
        (
            json!({"subject": 5}),
            ("invalid_value", "subject", "5 is not a string"),
        ),
        (
            json!({"claims": []}),
            ("invalid_value", "claims", "not an object"),
        ),
        (
            json!({"audience": [1]}),
            ("invalid_value", "audience", "1 is not a string"),
        ),
        (
            json!({"expiry": "soon"}),
            ("invalid_value", "expiry", "no span"),
        ),
        (json!({"times": 0}), ("invalid_value", "times", "from 1 to")),
        (
            json!({"claims": {"exp": "x"}}),
            ("invalid_value", "claims.exp", "Unix seconds"),
        ),
        (
            json!({"claims": {"sid": "x"}}),
            ("invalid_value", "claims.sid", "/_hallpass/token"),
        ),
        (
            json!({"typeHeader": ""}),
            ("invalid_value", "typeHeader", "empty"),
        ),
    ];
    for (body, expected) in cases {
        is_refused(&server, "callbacks", body, expected).await;
    }
    assert_eq!(
        accepted(&get(&server, "state").await)["callbacks"],
        json!([])
    );
}

#[tokio::test]
async fn expires_in_is_the_lifetime_whatever_fraction_of_a_second_it_is() {
    let server = TestServer::dev().await;
    server.clock.advance(Duration::from_millis(900));
    accepted(&post(&server, "callbacks", json!({"expiry": 120})).await);
    assert_eq!(token(&server, "default").await.json()["expires_in"], 120);
}
