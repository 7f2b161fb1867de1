//! Clients that prove themselves by a signed assertion.

use hallpass_protocol::client_assertion::{self, TYPE};
use hallpass_protocol::jose::{Algorithm, SigningKey, base64url, sign_jwt};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Timestamp};
use hallpass_testing::server::{CLIENTS, START};
use hallpass_testing::{Answer, TestServer};
use serde_json::{Value, json};

use crate::token::assert_json_refusal;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn key(algorithm: Algorithm, kid: &str) -> SigningKey {
    SigningKey::generate(algorithm, kid).unwrap()
}

/// A strict server that has the usual clients and `signer`, whose keys these are.
async fn server(keys: &[&SigningKey]) -> TestServer {
    let jwks: Vec<String> = keys
        .iter()
        .map(|key| toml_of(&key.public_jwk_json()))
        .collect();
    TestServer::strict(&format!(
        "{CLIENTS}\n[[client]]\nid = \"signer\"\ntype = \"confidential\"\n\
         auth_method = \"private_key_jwt\"\njwks = {{ keys = [{}] }}\nintrospect = true\n\
         grants = [\"client_credentials\"]\nscopes = [\"a\", \"b\"]\n",
        jwks.join(", ")
    ))
    .await
}

/// The same members as an inline table.
fn toml_of(jwk: &Value) -> String {
    let members = jwk.as_object().unwrap().iter();
    let members: Vec<_> = members
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!("{{ {} }}", members.join(", "))
}

/// A good assertion of the issuer `/default`.
fn assertion(server: &TestServer, key: &SigningKey) -> String {
    let now = Timestamp::from_unix_seconds(START);
    let id = ClientId::new("signer");
    let made = client_assertion::assert(key, &id, &server.issuer(), now, &SystemRandom);
    made.unwrap().expose().clone()
}

/// An assertion with changed claims.
fn changed(server: &TestServer, key: &SigningKey, typ: &str, changes: &Value) -> String {
    let mut claims = json!({
        "iss": "signer", "sub": "signer", "aud": server.issuer(), "iat": START, "exp": START + 60,
        "jti": base64url::encode(hallpass_protocol::random::bytes::<16>(&SystemRandom)),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    sign_jwt(key, typ, &claims).unwrap()
}

async fn show(server: &TestServer, path: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let shown = [
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    server.post(path, &[&shown[..], more].concat()).await
}

async fn token(server: &TestServer, assertion: &str) -> Answer {
    show(server, "/default/token", assertion, &[GRANT]).await
}

#[tokio::test]
async fn s_184_every_algorithm_proves_the_client() {
    for algorithm in client_assertion::ALGORITHMS {
        let key = key(algorithm, "k1");
        let server = server(&[&key]).await;
        let tokens = token(&server, &assertion(&server, &key)).await;
        assert_eq!(tokens.status, 200, "{algorithm}: {}", tokens.body);
        assert_eq!(tokens.claims("access_token")["sub"], "signer");
        assert_eq!(tokens.member("scope"), "a b");
        let named = [GRANT, ("client_id", "signer")];
        let again = show(&server, "/default/token", &assertion(&server, &key), &named).await;
        assert_eq!(again.status, 200, "{}", again.body);
    }
}

#[tokio::test]
async fn s_185_the_audience_is_the_issuer_or_the_endpoint() {
    let key = key(Algorithm::Es256, "k1");
    let server = server(&[&key]).await;
    let with = |aud: Value| changed(&server, &key, "JWT", &json!({ "aud": aud }));
    let token_url = server.url("/default/token");
    for aud in [
        json!(server.issuer()),
        json!(token_url),
        json!(["https://x.test", token_url]),
    ] {
        assert_eq!(
            token(&server, &with(aud.clone())).await.status,
            200,
            "{aud}"
        );
    }
    let introspect_url = server.url("/default/introspect");
    let access = token(&server, &assertion(&server, &key))
        .await
        .member("access_token");
    let asked = [("token", access.as_str())];
    for aud in [json!(introspect_url), json!(token_url)] {
        let answer = show(&server, "/default/introspect", &with(aud), &asked).await;
        assert_eq!(
            (answer.status, &answer.json()["active"]),
            (200, &json!(true))
        );
    }
    // A-63, and the endpoint of another call.
    for aud in [
        json!("https://other.test"),
        json!(server.url("/other")),
        json!(introspect_url),
        json!([]),
        Value::Null,
    ] {
        let answer = token(&server, &with(aud.clone())).await;
        assert_json_refusal(&answer, 401, "invalid_client");
    }
}

#[tokio::test]
async fn s_186_a_62_an_assertion_counts_once_at_any_endpoint() {
    let key = key(Algorithm::Es256, "k1");
    let server = server(&[&key]).await;
    let first = assertion(&server, &key);
    let access = token(&server, &first).await.member("access_token");
    assert_json_refusal(&token(&server, &first).await, 401, "invalid_client");
    for path in [
        "/default/introspect",
        "/default/revoke",
        "/oauth2/introspect",
    ] {
        let asked = [("token", access.as_str())];
        let answer = show(&server, path, &first, &asked).await;
        assert_json_refusal(&answer, 401, "invalid_client");
    }
    // The same id once more in another assertion.
    let claims = json!({ "jti": "one" });
    let (one, two) = (
        changed(&server, &key, "JWT", &claims),
        changed(
            &server,
            &key,
            "JWT",
            &json!({ "jti": "one", "exp": START + 61 }),
        ),
    );
    assert_eq!(token(&server, &one).await.status, 200);
    assert_json_refusal(&token(&server, &two).await, 401, "invalid_client");
    // A refused assertion uses nothing up.
    let bad = changed(&server, &key, "JWT", &json!({ "jti": "two", "aud": "x" }));
    assert_json_refusal(&token(&server, &bad).await, 401, "invalid_client");
    let good = changed(&server, &key, "JWT", &json!({ "jti": "two" }));
    assert_eq!(token(&server, &good).await.status, 200);
}

#[tokio::test]
async fn s_184_s_187_a_63_the_claims_are_checked() {
    let key = key(Algorithm::Es256, "k1");
    let server = server(&[&key]).await;
    for bad in [
        json!({ "iss": "svc" }),
        json!({ "sub": "svc" }),
        json!({ "iss": null }),
        json!({ "jti": null }),
        json!({ "exp": null }),
        json!({ "exp": START - 11 }),
        json!({ "exp": START + 301 }),
        json!({ "exp": START + 31_536_000 }),
        json!({ "iat": START + 61 }),
        json!({ "nbf": START + 61 }),
    ] {
        let answer = token(&server, &changed(&server, &key, "JWT", &bad)).await;
        assert_json_refusal(&answer, 401, "invalid_client");
    }
    let ahead = changed(&server, &key, "JWT", &json!({ "iat": START + 8 }));
    assert_eq!(token(&server, &ahead).await.status, 200);
    // Another client's name beside the assertion.
    let other = [GRANT, ("client_id", "svc")];
    let answer = show(&server, "/default/token", &assertion(&server, &key), &other).await;
    assert_json_refusal(&answer, 401, "invalid_client");
    // Another `client_assertion_type`, and one alone.
    let form = [
        GRANT,
        ("client_assertion_type", "urn:x"),
        ("client_assertion", &assertion(&server, &key)),
    ];
    assert_json_refusal(
        &server.post("/default/token", &form).await,
        401,
        "invalid_client",
    );
    let alone = [GRANT, ("client_assertion", &assertion(&server, &key))];
    assert_json_refusal(
        &server.post("/default/token", &alone).await,
        401,
        "invalid_client",
    );
    // S-132, A-64: one method.
    let both = [
        GRANT,
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion(&server, &key)),
    ];
    let answer = server
        .post_basic("/default/token", ("signer", "s"), &both)
        .await;
    assert_json_refusal(&answer, 400, "invalid_request");
}

#[tokio::test]
async fn s_188_a_56_a_57_only_a_registered_key_proves_it() {
    let (own, foreign) = (key(Algorithm::Rs256, "k1"), key(Algorithm::Rs256, "k1"));
    let server = server(&[&own]).await;
    assert_eq!(token(&server, &assertion(&server, &own)).await.status, 200);
    let refused = [
        assertion(&server, &foreign),
        assertion(&server, &key(Algorithm::Es256, "k1")),
        assertion(&server, &key(Algorithm::Rs256, "k2")),
    ];
    for bad in &refused {
        assert_json_refusal(&token(&server, bad).await, 401, "invalid_client");
    }
    let good = assertion(&server, &own);
    let payload = good.split('.').nth(1).unwrap();
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256", "kid": "k1", "typ": "JWT" }),
        json!({ "alg": "RS256", "kid": "k1", "jwk": foreign.public_jwk_json() }),
        json!({ "alg": "RS256", "kid": "k1", "jku": server.url("/default/jwks") }),
        json!({ "alg": "RS256", "kid": "../../dev/null" }),
    ] {
        let header = base64url::encode(header.to_string());
        // The keyed hash takes the public key as its secret.
        let secret = own.public_jwk_json()["n"].as_str().unwrap().to_owned();
        let input = format!("{header}.{payload}");
        let mac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let mac = aws_lc_rs::hmac::sign(&mac_key, input.as_bytes());
        let forged = format!("{input}.{}", base64url::encode(mac.as_ref()));
        assert_json_refusal(&token(&server, &forged).await, 401, "invalid_client");
        assert_json_refusal(
            &token(&server, &format!("{input}.")).await,
            401,
            "invalid_client",
        );
    }
    // S-132: the method that it is registered for, and no other.
    let named = [GRANT, ("client_id", "signer")];
    assert_json_refusal(
        &server.post("/default/token", &named).await,
        401,
        "invalid_client",
    );
    let by_secret = server
        .post_basic("/default/token", ("signer", "s"), &[GRANT])
        .await;
    assert_json_refusal(&by_secret, 401, "invalid_client");
    let claims = json!({ "iss": "svc", "sub": "svc" });
    let for_another = changed(&server, &own, "JWT", &claims);
    assert_json_refusal(&token(&server, &for_another).await, 401, "invalid_client");
}

#[tokio::test]
async fn s_190_a_61_no_other_jwt_is_an_assertion() {
    let key = key(Algorithm::Es256, "k1");
    let server = server(&[&key]).await;
    for typ in ["dpop+jwt", "at+jwt", "oauth-authz-req+jwt", "logout+jwt"] {
        let other = changed(&server, &key, typ, &json!({}));
        assert_json_refusal(&token(&server, &other).await, 401, "invalid_client");
    }
    let tokens = server.sign_in("cli", "openid a", "signer").await;
    for name in ["access_token", "id_token"] {
        let answer = token(&server, &tokens.member(name)).await;
        assert_json_refusal(&answer, 401, "invalid_client");
    }
}

#[tokio::test]
async fn dev_mode_checks_what_it_can_of_a_client_that_nobody_configured() {
    let server = TestServer::dev().await;
    let key = key(Algorithm::Es256, "any");
    let good = assertion(&server, &key);
    let tokens = token(&server, &good).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.claims("access_token")["sub"], "signer");
    assert_json_refusal(&token(&server, &good).await, 401, "invalid_client");
    let elsewhere = changed(&server, &key, "JWT", &json!({ "aud": "https://x.test" }));
    assert_json_refusal(&token(&server, &elsewhere).await, 401, "invalid_client");
}
