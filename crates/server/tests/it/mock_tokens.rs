//! What a drop-in for `mock-oauth2-server` says in its tokens. `interop/mock` compares the rest with
//! the original.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_server::settings::{RequestMapping, Rotation, TokenCallback};
use hallpass_server::{DevFlags, Settings};
use hallpass_testing::TestServer;
use serde_json::{Value, json};

const HEADER: &str = "eyJhbGciOiJub25lIn0.";

fn unsigned_claims(jwt: &str) -> Value {
    let claims = jwt.strip_prefix(HEADER).unwrap().trim_end_matches('.');
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// An authorization request with a nonce, for a client that nobody configured.
const WITH_NONCE: &str = "/default/authorize?client_id=any&redirect_uri=http%3A%2F%2F127.0.0.1%3A8085%2Fcallback\
    &response_type=code&scope=openid+offline_access&state=s&nonce=n-1";

async fn redeem(server: &TestServer, path: &str) -> hallpass_testing::Answer {
    let answer = server.post(path, &[("username", "ada")]).await;
    let code = answer.redirect_parameters().remove("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "any"),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:8085/callback"),
    ];
    server.post("/default/token", &form).await
}

#[tokio::test]
async fn a_nonce_comes_back_in_an_unsigned_refresh_token() {
    let server = TestServer::dev().await;
    let tokens = redeem(&server, WITH_NONCE).await;
    let wrapped = tokens.member("refresh_token");
    assert!(
        wrapped.starts_with(HEADER) && wrapped.ends_with('.'),
        "{wrapped}"
    );
    let claims = unsigned_claims(&wrapped);
    assert_eq!(claims["nonce"], "n-1");
    assert!(claims["jti"].as_str().unwrap().starts_with("hpr_"));
    // It is taken back as it is, and its successor looks the same.
    let again = server.refresh("any", &wrapped).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let successor = again.member("refresh_token");
    assert!(successor.starts_with(HEADER) && successor != wrapped);
    // OIDC Core §12.2: the ID token of a refresh has no nonce.
    assert_eq!(again.claims("id_token").get("nonce"), None);
    // The token inside works too, for whoever unpacks it.
    let inner = unsigned_claims(&successor);
    let bare = server.refresh("any", inner["jti"].as_str().unwrap()).await;
    assert_eq!(bare.status, 200, "{}", bare.body);
    // It can be revoked by either name.
    let form = [("token", successor.as_str()), ("client_id", "any")];
    assert_eq!(server.post("/default/revoke", &form).await.status, 200);
    let after = server.refresh("any", &successor).await;
    assert_eq!(after.refusal(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn an_unsigned_refresh_token_is_worth_what_is_in_it() {
    let server = TestServer::dev().await;
    // {"nonce":"n","jti":"x"}
    for text in [
        "eyJub25jZSI6Im4iLCJqdGkiOiJ4In0.",
        "e30.",
        ".",
        "eyJub25jZSI6Im4iLCJqdGkiOiJ4In0.c2ln",
    ] {
        let answer = server.refresh("any", &format!("{HEADER}{text}")).await;
        assert_eq!(
            answer.refusal(),
            (400, "invalid_grant".to_owned()),
            "{text}"
        );
    }
    let tokens = redeem(&server, WITH_NONCE).await;
    let wrapped = tokens.member("refresh_token");
    let stranger = server.refresh("other", &wrapped).await;
    assert_eq!(stranger.refusal(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn strict_mode_has_no_unsigned_refresh_token() {
    let server = TestServer::registered().await;
    let tokens = server.sign_in("cli", "openid offline_access", "ada").await;
    assert!(tokens.member("refresh_token").starts_with("hpr_"));
}

#[tokio::test]
async fn rotate_refresh_token_true_rotates_for_every_client() {
    let form = |token: &str| {
        vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), token.to_owned()),
        ]
    };
    for (rotation, public, confidential) in [
        (Rotation::Public, true, false),
        (Rotation::All, true, true),
        (Rotation::Never, false, false),
    ] {
        let settings = Settings {
            rotation,
            ..Settings::for_tests()
        };
        let server = TestServer::start(settings).await;
        let first = server
            .sign_in("any", "openid offline_access", "ada")
            .await
            .member("refresh_token");
        let second = server.refresh("any", &first).await.member("refresh_token");
        assert_eq!(first != second, public, "{rotation:?}");
        let code = server
            .person()
            .authorize(&server, "any", "openid offline_access", "ada")
            .await;
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", hallpass_testing::person::REDIRECT_URI),
            ("code_verifier", hallpass_testing::person::VERIFIER),
        ];
        let by_secret = ("any", "secret");
        let first = server
            .post_basic("/default/token", by_secret, &redeem)
            .await
            .member("refresh_token");
        let pairs = form(&first);
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let second = server
            .post_basic("/default/token", by_secret, &pairs)
            .await
            .member("refresh_token");
        assert_eq!(first != second, confidential, "{rotation:?}");
    }
}

#[tokio::test]
async fn token_expiry_holds_where_no_mapping_matches() {
    let never = RequestMapping::new("scope", "never", None, serde_json::Map::new());
    let settings = Settings {
        token_callbacks: vec![TokenCallback {
            issuer_id: "default".to_owned(),
            token_expiry: Duration::from_mins(2),
            mappings: vec![never],
        }],
        ..Settings::for_tests()
    };
    let server = TestServer::start(settings).await;
    let tokens = server.sign_in("any", "openid", "ada").await;
    assert_eq!(tokens.json()["expires_in"], 120);
    for name in ["access_token", "id_token"] {
        let claims = tokens.claims(name);
        let lived = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!((lived, &claims["sub"]), (120, &json!("ada")), "{name}");
    }
    let other = [("grant_type", "client_credentials")];
    let other = server
        .post_basic("/other/token", ("svc", "x"), &other)
        .await;
    assert_eq!(other.json()["expires_in"], 3600);
}

#[tokio::test]
async fn an_exchanged_token_keeps_what_its_subject_said_of_the_person() {
    let server = TestServer::dev().await;
    let claims =
        r#"{"role": "r", "acr": "Level4", "groups": ["a"], "azp": "evil", "scope": "evil"}"#;
    let form = [("username", "ada"), ("claims", claims)];
    let code = server
        .post(WITH_NONCE, &form)
        .await
        .redirect_parameters()
        .remove("code")
        .unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "any"),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:8085/callback"),
    ];
    let subject = server
        .post("/default/token", &form)
        .await
        .member("access_token");
    let form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", &subject),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", "svc-b"),
    ];
    let answer = server
        .post_basic("/default/token", ("svc", "x"), &form)
        .await;
    let (before, after) = (
        hallpass_testing::claims_of(&subject),
        answer.claims("access_token"),
    );
    for name in ["role", "acr", "groups", "sub", "sid"] {
        assert_eq!(
            (after[name].is_null(), &after[name]),
            (false, &before[name]),
            "{name}"
        );
    }
    assert_eq!(
        (&after["aud"], &after["client_id"]),
        (&json!("svc-b"), &json!("svc"))
    );
    assert_ne!(after["jti"], before["jti"]);
    for name in ["nonce", "azp", "auth_time"] {
        assert_eq!(after.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn the_audience_comes_from_the_scopes_of_the_token_request() {
    let server = TestServer::dev().await;
    let granted = redeem(&server, &WITH_NONCE.replace("offline_access", "api%3Aread")).await;
    assert_eq!(granted.claims("access_token")["aud"], "default");
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "openid api:read api:write"),
    ];
    let asked = server
        .post_basic("/default/token", ("svc", "x"), &form)
        .await;
    assert_eq!(
        asked.claims("access_token")["aud"],
        json!(["api:read", "api:write"])
    );
}

#[tokio::test]
async fn an_initial_key_is_called_after_the_issuer() {
    let jwk = r#"{"kty":"EC","crv":"P-256","kid":"mine","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    let config =
        json!({"tokenProvider": {"keyProvider": {"initialKeys": jwk, "algorithm": "ES256"}}})
            .to_string();
    let env = |name: &str| (name == "JSON_CONFIG").then(|| config.clone());
    let flags = DevFlags {
        port: Some(0),
        ..DevFlags::default()
    };
    let server = TestServer::start(Settings::dev(&env, flags).unwrap()).await;
    for issuer in ["default", "second"] {
        let keys = server.get(&format!("/{issuer}/jwks")).await.json();
        assert_eq!(keys["keys"][0]["kid"], Value::from(issuer));
        assert_eq!(
            keys["keys"][0]["x"],
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
        );
    }
}
