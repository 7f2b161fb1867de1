//! Token introspection.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::server::START;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::json;

use crate::token::assert_json_refusal;

async fn sign_in(server: &TestServer) -> Answer {
    server
        .sign_in("cli", "openid offline_access a", "ada")
        .await
}

fn assert_inactive(answer: &Answer, why: &str) {
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"active":false}"#),
        "{why}"
    );
}

#[tokio::test]
async fn s_157_s_128_an_active_token_with_its_claims() {
    let server = TestServer::registered().await;
    let tokens = sign_in(&server).await;
    let answer = server.introspect(&tokens.member("access_token")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        ("no-store", "no-cache")
    );
    let (said, claims) = (answer.json(), tokens.claims("access_token"));
    assert_eq!(
        (&said["active"], &said["token_type"]),
        (&json!(true), &json!("Bearer"))
    );
    for name in [
        "scope",
        "client_id",
        "sub",
        "aud",
        "iss",
        "exp",
        "iat",
        "jti",
        "acr",
        "auth_time",
    ] {
        assert!(!said[name].is_null(), "{name}");
        assert_eq!(said[name], claims[name], "{name}");
    }
    assert!(
        said.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null())
    );
}

#[tokio::test]
async fn s_156_everything_else_is_inactive_and_nothing_more() {
    let server = TestServer::registered().await;
    assert_inactive(&server.introspect("x").await, "unknown");
    assert_inactive(&server.introspect(&"x".repeat(20_000)).await, "long");
    let tokens = sign_in(&server).await;
    let token = tokens.member("access_token");
    assert_inactive(
        &server.introspect(&tokens.member("id_token")).await,
        "ID token",
    );
    let form = [("token", token.as_str())];
    assert_inactive(
        &server
            .post_basic("/other/introspect", ("rs", "s"), &form)
            .await,
        "another issuer",
    );
    server
        .post(
            "/default/revoke",
            &[("client_id", "cli"), ("token", &token)],
        )
        .await;
    assert_inactive(&server.introspect(&token).await, "revoked");
    let expired = sign_in(&server).await.member("access_token");
    server.advance(3600);
    assert_inactive(&server.introspect(&expired).await, "expired");
}

#[tokio::test]
async fn s_159_a_refresh_token_is_nothing_to_a_resource_server() {
    let server = TestServer::registered().await;
    assert_inactive(
        &server
            .introspect(&sign_in(&server).await.member("refresh_token"))
            .await,
        "refresh token",
    );
}

#[tokio::test]
async fn s_159_a_client_asks_about_its_own_refresh_token() {
    let server = TestServer::registered().await;
    let path = Person::authorization_path("web", "openid offline_access a");
    let answer = server.person().sign_in_at(&path, "ada").await;
    let web = ("web", "s3cret");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &answer.redirect_parameters()["code"]),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server.post_basic("/default/token", web, &form).await;
    let refresh = tokens.member("refresh_token");
    let form = [("token", refresh.as_str())];
    let ask = async |path, client| server.post_basic(path, client, &form).await;
    let said = ask("/default/introspect", web).await.json();
    let claims = tokens.claims("access_token");
    for (name, value) in [
        ("active", &json!(true)),
        ("iss", &json!(server.issuer())),
        ("sub", &json!("ada")),
        ("client_id", &json!("web")),
        ("scope", &json!("openid offline_access a")),
        ("iat", &json!(START)),
        ("exp", &json!(START + 30 * 24 * 3600)),
        ("sid", &claims["sid"]),
    ] {
        assert_eq!(&said[name], value, "{name}");
    }
    assert_eq!(said.get("token_type"), None);
    // It is nobody else's, and of no other issuer.
    assert_inactive(&ask("/default/introspect", ("rs", "s")).await, "rs");
    let svc = ask("/default/introspect", ("svc", "s3cret")).await;
    assert_json_refusal(&svc, 401, "invalid_client");
    let elsewhere = ask("/other/introspect", web).await;
    assert_json_refusal(&elsewhere, 401, "invalid_client");
    // `web` is no resource server: another's token, or its own access token, is none of its business.
    let own = [("token", tokens.member("access_token"))];
    let own = [(own[0].0, own[0].1.as_str())];
    let access = server.post_basic("/default/introspect", web, &own).await;
    assert_json_refusal(&access, 401, "invalid_client");
    let form = [("client_id", "web"), ("token", &refresh)];
    let named = server.post("/default/introspect", &form).await;
    assert_json_refusal(&named, 401, "invalid_client");
    server
        .post_basic("/default/revoke", web, &[("token", &refresh)])
        .await;
    assert_inactive(&ask("/default/introspect", web).await, "revoked");
}

#[tokio::test]
async fn s_159_a_retired_or_expired_refresh_token_is_inactive() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("any", "openid offline_access", "ada").await;
    let first = tokens.member("refresh_token");
    let second = server.refresh("any", &first).await.member("refresh_token");
    let ask = async |token: &str| {
        let form = [("token", token)];
        server
            .post_basic("/default/introspect", ("any", "x"), &form)
            .await
    };
    assert_inactive(&ask(&first).await, "retired");
    assert_eq!(ask(&second).await.json()["active"], true);
    server.advance(30 * 24 * 3600);
    assert_inactive(&ask(&second).await, "expired");
}

#[tokio::test]
async fn s_155_a_122_the_caller_authenticates() {
    let server = TestServer::registered().await;
    let token = sign_in(&server).await.member("access_token");
    let form = [("token", token.as_str())];
    assert_json_refusal(
        &server.post("/default/introspect", &form).await,
        401,
        "invalid_client",
    );
    let named = [("token", token.as_str()), ("client_id", "cli")];
    assert_json_refusal(
        &server.post("/default/introspect", &named).await,
        401,
        "invalid_client",
    );
    // A wrong secret, and a client that is no resource server.
    for caller in [("rs", "guess"), ("svc", "s3cret")] {
        let refused = server
            .post_basic("/default/introspect", caller, &form)
            .await;
        assert_json_refusal(&refused, 401, "invalid_client");
        assert!(
            refused.header("www-authenticate").starts_with("Basic "),
            "{caller:?}"
        );
    }
    let bearer = server
        .http()
        .post(server.url("/default/introspect"))
        .bearer_auth(&token)
        .form(&form);
    assert_json_refusal(&server.send(bearer).await, 401, "invalid_client");
    let alias = server.post("/admin/oauth2/introspect", &form).await;
    assert_json_refusal(&alias, 401, "invalid_client");
}

#[tokio::test]
async fn dev_mode_takes_any_credentials_but_some() {
    let server = TestServer::dev().await;
    let token = sign_in(&server).await.member("access_token");
    let form = [("token", token.as_str())];
    assert_json_refusal(
        &server.post("/default/introspect", &form).await,
        401,
        "invalid_client",
    );
    assert!(
        server
            .post_basic("/default/introspect", ("any", "thing"), &form)
            .await
            .json()["active"]
            == true
    );
    let bearer = server
        .http()
        .post(server.url("/default/introspect"))
        .bearer_auth("anything")
        .form(&form);
    assert_eq!(server.send(bearer).await.json()["active"], true);
}

#[tokio::test]
async fn s_160_only_a_form_by_post() {
    let server = TestServer::registered().await;
    let got = server.get("/default/introspect?token=x").await;
    assert_json_refusal(&got, 405, "invalid_request");
    assert_eq!(got.header("allow"), "POST");
    let post = server
        .http()
        .post(server.url("/default/introspect"))
        .basic_auth("rs", Some("s"));
    let json = post
        .header("content-type", "application/json")
        .body(r#"{"token":"x"}"#);
    assert_json_refusal(&server.send(json).await, 400, "invalid_request");
    assert_json_refusal(
        &server
            .post_basic("/default/introspect", ("rs", "s"), &[])
            .await,
        400,
        "invalid_request",
    );
}

/// Writes a token by hand.
fn forge(
    header: &serde_json::Value,
    claims: &serde_json::Value,
    sign: impl Fn(&str) -> Vec<u8>,
) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(&input));
    format!("{input}.{signature}")
}

#[tokio::test]
async fn a_56_a_57_a_59_forged_tokens_are_refused_at_every_consumer() {
    let server = TestServer::dev().await;
    let tokens = sign_in(&server).await;
    let claims = tokens.claims("access_token");
    let key = server.get("/default/jwks").await.json()["keys"][0].clone();
    let hmac = |secret: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        move |input: &str| hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
    };
    let unsigned = |_: &str| Vec::new();
    let header = |alg: &str, kid: &str| json!({"kid": kid, "typ": "JWT", "alg": alg});
    let good = tokens.member("access_token");
    let (input, signature) = good.rsplit_once('.').unwrap();
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[0] ^= 1;
    let mut forged = vec![
        forge(&header("none", "default"), &claims, unsigned),
        forge(&header("None", "default"), &claims, unsigned),
        forge(&header("ES256", "default"), &claims, unsigned),
        forge(&header("HS256", "default"), &claims, hmac(&key.to_string())),
        forge(
            &header("HS256", "default"),
            &claims,
            hmac(key["x"].as_str().unwrap()),
        ),
        forge(
            &json!({"alg": "ES256", "jwk": key, "kid": "default"}),
            &claims,
            unsigned,
        ),
        format!("{input}."),
        input.to_owned(),
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(flipped)),
    ];
    for kid in [
        "../../dev/null",
        "default' OR '1'='1",
        "other",
        "",
        &"k".repeat(10_000),
    ] {
        forged.push(forge(&header("ES256", kid), &claims, |_| vec![7; 64]));
    }
    for token in &forged {
        assert_inactive(&server.introspect(token).await, token);
        assert_eq!(server.userinfo(token).await.status, 401, "{token}");
        let exchange = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", token),
            (
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
        ];
        assert_json_refusal(
            &server.post("/default/token", &exchange).await,
            400,
            "invalid_request",
        );
        let bearer = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", token),
        ];
        assert_json_refusal(
            &server.post("/default/token", &bearer).await,
            400,
            "invalid_grant",
        );
        let revoked = server
            .post("/default/revoke", &[("client_id", "cli"), ("token", token)])
            .await;
        assert_eq!(revoked.status, 200, "{token}");
        assert_eq!(
            server.refresh("cli", token).await.refusal(),
            (400, "invalid_grant".to_owned())
        );
    }
    assert!(server.is_active(&good).await);
}
