//! Services speak for themselves, and what their tokens say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testing::TestServer;

use super::requests::{GRANT, SERVICE, assert_json_refusal};

#[tokio::test]
async fn s_137_s_128_s_130_a_service_speaks_for_itself() {
    let server = TestServer::registered().await;
    let tokens = server
        .post_basic("/default/token", SERVICE, &[GRANT, ("scope", "a")])
        .await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.header("content-type"), "application/json");
    assert_eq!(tokens.header("cache-control"), "no-store");
    assert_eq!(tokens.header("pragma"), "no-cache");
    assert_eq!(
        (tokens.member("scope"), tokens.member("token_type")),
        ("a".to_owned(), "Bearer".to_owned())
    );
    assert_eq!(tokens.json().get("refresh_token"), None);
    assert_eq!(tokens.json().get("id_token"), None);
    assert_eq!(tokens.claims("access_token")["sub"], "svc");
    // No scope asked: what the client has, and the answer says so.
    let tokens = server.post_basic("/default/token", SERVICE, &[GRANT]).await;
    assert_eq!(tokens.member("scope"), "a b");
    let foreign = server
        .post_basic("/default/token", SERVICE, &[GRANT, ("scope", "a z")])
        .await;
    assert_json_refusal(&foreign, 400, "invalid_scope");
}

#[tokio::test]
async fn s_137_a_public_client_cannot_speak_for_itself() {
    let server = TestServer::registered().await;
    let answer = server
        .post("/default/token", &[GRANT, ("client_id", "cli")])
        .await;
    assert_json_refusal(&answer, 400, "unauthorized_client");
}

#[tokio::test]
async fn the_mock_takes_the_audience_from_the_scopes() {
    let server = TestServer::dev().await;
    let client = [GRANT, ("client_id", "any"), ("client_secret", "x")];
    for (scope, audience) in [
        ("", serde_json::json!("default")),
        ("openid profile", serde_json::json!("default")),
        ("api:read", serde_json::json!("api:read")),
        (
            "api:read api:write openid",
            serde_json::json!(["api:read", "api:write"]),
        ),
    ] {
        let tokens = server
            .post(
                "/default/token",
                &[&client[..], &[("scope", scope)]].concat(),
            )
            .await;
        let claims = tokens.claims("access_token");
        assert_eq!(claims["aud"], audience, "{scope}");
        assert_eq!(
            (&claims["sub"], &claims["tid"]),
            (&"any".into(), &"default".into())
        );
        assert_eq!(claims["iss"], server.issuer());
        assert_eq!(
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
            3600
        );
        assert_eq!(claims["nbf"], claims["iat"]);
    }
    let named = server
        .post(
            "/default/token",
            &[&client[..], &[("audience", "b"), ("scope", "a")]].concat(),
        )
        .await;
    assert_eq!(named.claims("access_token")["aud"], "b");
}

#[tokio::test]
async fn the_header_of_a_token_begins_with_the_kid_of_the_jwks() {
    let server = TestServer::dev().await;
    let client = [GRANT, ("client_id", "any"), ("client_secret", "x")];
    for issuer in ["default", "other/deep"] {
        let token = server
            .post(&format!("/{issuer}/token"), &client)
            .await
            .member("access_token");
        let header = URL_SAFE_NO_PAD
            .decode(token.split('.').next().unwrap())
            .unwrap();
        let header = String::from_utf8(header).unwrap();
        assert!(
            header.starts_with(&format!("{{\"kid\":\"{issuer}\"")),
            "{header}"
        );
        assert!(header.contains("\"typ\":\"JWT\""), "{header}");
        let jwks = server.get(&format!("/{issuer}/jwks")).await.json();
        assert_eq!(jwks["keys"][0]["kid"], issuer);
        assert_eq!(jwks["keys"][0].get("d"), None);
    }
}

#[tokio::test]
async fn token_callbacks_say_what_tokens_say() {
    let json = r#"{"interactiveLogin": false, "tokenProvider": {"keyProvider": {"algorithm": "ES256"}},
        "tokenCallbacks": [{"issuerId": "default", "tokenExpiry": 120, "requestMappings": [
        {"requestParam": "scope", "match": "one", "typeHeader": "at+jwt", "claims":
            {"sub": "${clientId}", "aud": ["x"], "acr": "Level4", "scope": "openid", "nested": {"u": "${scope}"}}},
        {"requestParam": "scope", "match": "t.o", "claims": {"sub": "two"}}]}]}"#;
    let settings = hallpass_server::Settings::dev(
        &|name| (name == "JSON_CONFIG").then(|| json.to_owned()),
        hallpass_server::DevFlags {
            port: Some(0),
            ..Default::default()
        },
    );
    let server = TestServer::start(settings.unwrap()).await;
    let client = [GRANT, ("client_id", "any"), ("client_secret", "x")];
    let tokens = server
        .post(
            "/default/token",
            &[&client[..], &[("scope", "one")]].concat(),
        )
        .await;
    let claims = tokens.claims("access_token");
    assert_eq!(tokens.json()["expires_in"], 120);
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&"any".into(), &"x".into())
    );
    assert_eq!(
        (&claims["acr"], &claims["nested"]["u"]),
        (&"Level4".into(), &"one".into())
    );
    assert_eq!((claims.get("tid"), claims.get("azp")), (None, None));
    let userinfo = server.userinfo(&tokens.member("access_token")).await;
    assert_eq!(
        (userinfo.status, userinfo.member("acr")),
        (200, "Level4".to_owned()),
        "{}",
        userinfo.body
    );
    let tokens = server
        .post(
            "/default/token",
            &[&client[..], &[("scope", "two")]].concat(),
        )
        .await;
    let claims = tokens.claims("access_token");
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&"two".into(), &serde_json::json!([]))
    );
    let tokens = server
        .post(
            "/default/token",
            &[&client[..], &[("scope", "three")]].concat(),
        )
        .await;
    assert_eq!(tokens.claims("access_token")["tid"], "default");
    let tokens = server
        .post(
            "/elsewhere/token",
            &[&client[..], &[("scope", "one")]].concat(),
        )
        .await;
    assert_eq!(tokens.claims("access_token")["aud"], "one");
}
