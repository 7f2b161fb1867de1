//! The token endpoint, whatever the grant: its form, its clients, its errors, and client credentials.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testing::{Answer, TestServer};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const SERVICE: (&str, &str) = ("svc", "s3cret");

fn refusal(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

/// `J400` and `J401` of the matrix.
pub(crate) fn assert_json_refusal(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.refusal(), refusal(status, error), "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let description = answer.member("error_description");
    let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    assert!(
        !description.is_empty() && description.chars().all(allowed),
        "{description}"
    );
}

async fn post_body(
    server: &TestServer,
    content_type: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let post = server.http().post(server.url("/default/token")).body(body);
    server.send(post.header("content-type", content_type)).await
}

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
async fn s_124_only_a_form_by_post() {
    let server = TestServer::registered().await;
    for method in ["GET", "PUT", "DELETE"] {
        let request = server
            .http()
            .request(method.parse().unwrap(), server.url("/default/token"));
        let answer = server.send(request).await;
        assert_json_refusal(&answer, 405, "invalid_request");
        assert_eq!(answer.header("allow"), "POST");
    }
    let json = post_body(
        &server,
        "application/json",
        "{\"grant_type\":\"client_credentials\"}",
    )
    .await;
    assert_json_refusal(&json, 400, "invalid_request");
    let multipart = post_body(&server, "multipart/form-data; boundary=x", "--x--").await;
    assert_json_refusal(&multipart, 400, "invalid_request");
    let bare = server
        .send(
            server
                .http()
                .post(server.url("/default/token"))
                .body("grant_type=password"),
        )
        .await;
    assert_json_refusal(&bare, 400, "invalid_request");
    let charset = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    let unauthenticated = post_body(&server, charset, "grant_type=client_credentials").await;
    assert_json_refusal(&unauthenticated, 401, "invalid_client");
}

#[tokio::test]
async fn s_125_a_67_repeated_parameters_are_refused_and_unknown_ones_ignored() {
    let server = TestServer::registered().await;
    for twice in ["grant_type", "scope", "client_assertion", "foo"] {
        let repeated = server
            .post_basic(
                "/default/token",
                SERVICE,
                &[GRANT, (twice, "a"), (twice, "b")],
            )
            .await;
        assert_json_refusal(&repeated, 400, "invalid_request");
    }
    let two = [GRANT, ("client_id", "svc"), ("client_id", "cli")];
    assert_json_refusal(
        &server.post("/default/token", &two).await,
        400,
        "invalid_request",
    );
    let unknown = server
        .post_basic(
            "/default/token",
            SERVICE,
            &[GRANT, ("foo", "1"), ("scope", "")],
        )
        .await;
    assert_eq!(
        (unknown.status, unknown.member("scope")),
        (200, "a b".to_owned())
    );
    let targets = [
        GRANT,
        ("resource", "https://a.test"),
        ("resource", "https://b.test"),
        ("audience", "c"),
    ];
    let targets = server.post_basic("/default/token", SERVICE, &targets).await;
    assert_eq!(
        targets.claims("access_token")["aud"],
        serde_json::json!(["https://a.test", "https://b.test", "c"])
    );
    let empty = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", ""),
    ];
    assert_json_refusal(
        &server.post("/default/token", &empty).await,
        400,
        "invalid_request",
    );
}

#[tokio::test]
async fn s_126_a_65_credentials_in_the_url_are_never_read() {
    let server = TestServer::registered().await;
    let path = "/default/token?client_id=svc&client_secret=s3cret";
    let answer = server.post(path, &[GRANT]).await;
    assert_json_refusal(&answer, 401, "invalid_client");
    assert!(!answer.body.contains("s3cret"), "{}", answer.body);
    let dev = TestServer::dev().await;
    assert_json_refusal(&dev.post(path, &[GRANT]).await, 401, "invalid_client");
}

#[tokio::test]
async fn s_127_s_138_grant_types() {
    let server = TestServer::registered().await;
    assert_json_refusal(
        &server.post_basic("/default/token", SERVICE, &[]).await,
        400,
        "invalid_request",
    );
    for grant in ["password", "implicit", "Client_Credentials", "urn:x"] {
        let answer = server
            .post_basic("/default/token", SERVICE, &[("grant_type", grant)])
            .await;
        assert_json_refusal(&answer, 400, "unsupported_grant_type");
    }
    let password = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", "x"),
        ("client_id", "any"),
    ];
    let dev = TestServer::dev().await;
    assert_json_refusal(
        &dev.post("/default/token", &password).await,
        400,
        "unsupported_grant_type",
    );
    let code = [("grant_type", "authorization_code"), ("code", "x")];
    assert_json_refusal(
        &server.post_basic("/default/token", SERVICE, &code).await,
        400,
        "unauthorized_client",
    );
}

#[tokio::test]
async fn s_129_nothing_that_was_sent_leaves_its_place() {
    let server = TestServer::registered().await;
    let scope = "\"\\\u{e9}\r\nSet-Cookie: a=b";
    let answer = server
        .post_basic("/default/token", SERVICE, &[GRANT, ("scope", scope)])
        .await;
    assert_json_refusal(&answer, 400, "invalid_scope");
    assert_eq!(answer.header("set-cookie"), "");
    let name = "\"\\\u{e9}\r\nx";
    let answer = server
        .post_basic(
            "/default/token",
            SERVICE,
            &[GRANT, (name, "1"), (name, "2")],
        )
        .await;
    assert_json_refusal(&answer, 400, "invalid_request");
}

#[tokio::test]
async fn s_131_basic_is_form_encoded() {
    let toml = "[[client]]\nid = \"a b%:+\"\ntype = \"confidential\"\nsecret = \"p%q+r:s \u{e9}\"\ngrants = [\"client_credentials\"]\n\
                [[client]]\nid = \"plain-id_1.x\"\ntype = \"confidential\"\nsecret = \"plain~secret*1\"\ngrants = [\"client_credentials\"]\n";
    let server = TestServer::strict(toml).await;
    let encoded = ("a+b%25%3A%2B", "p%25q%2Br%3As+%C3%A9");
    assert_eq!(
        server
            .post_basic("/default/token", encoded, &[GRANT])
            .await
            .status,
        200
    );
    for plain in [
        ("plain-id_1.x", "plain~secret*1"),
        ("plain%2Did_1.x", "plain%7Esecret%2A1"),
    ] {
        assert_eq!(
            server
                .post_basic("/default/token", plain, &[GRANT])
                .await
                .status,
            200,
            "{plain:?}"
        );
    }
    let long = "x".repeat(256);
    let answer = server
        .post_basic("/default/token", (&long, &long), &[GRANT])
        .await;
    assert_json_refusal(&answer, 401, "invalid_client");
}

#[tokio::test]
async fn s_132_a_64_one_authentication_method_the_registered_one() {
    let server = TestServer::registered().await;
    let both = [GRANT, ("client_id", "svc"), ("client_secret", "s3cret")];
    assert_json_refusal(
        &server.post_basic("/default/token", SERVICE, &both).await,
        400,
        "invalid_request",
    );
    assert_json_refusal(
        &server.post("/default/token", &both).await,
        401,
        "invalid_client",
    );
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let basic = server
        .post_basic("/default/token", ("old", "s3cret"), &refresh)
        .await;
    assert_json_refusal(&basic, 401, "invalid_client");
    let two = server
        .post_basic("/default/token", SERVICE, &[GRANT, ("client_id", "cli")])
        .await;
    assert_json_refusal(&two, 400, "invalid_request");
    let same = server
        .post_basic("/default/token", SERVICE, &[GRANT, ("client_id", "svc")])
        .await;
    assert_eq!(same.status, 200);
}

#[tokio::test]
async fn s_133_failed_authentication_says_basic_only_to_who_tried_it() {
    let server = TestServer::registered().await;
    let wrong = server
        .post_basic("/default/token", ("svc", "guess"), &[GRANT])
        .await;
    let unknown = server
        .post_basic("/default/token", ("nobody", "guess"), &[GRANT])
        .await;
    for answer in [&wrong, &unknown] {
        assert_json_refusal(answer, 401, "invalid_client");
        assert!(
            answer
                .header("www-authenticate")
                .starts_with("Basic realm=\""),
            "{answer:?}"
        );
    }
    assert_eq!(wrong.body, unknown.body);
    let form = [GRANT, ("client_id", "svc"), ("client_secret", "guess")];
    let in_body = server.post("/default/token", &form).await;
    assert_json_refusal(&in_body, 401, "invalid_client");
    assert_eq!(in_body.header("www-authenticate"), "");
    for broken in ["Basic", "Basic ?", "Basic c3Zj", "basic /w=="] {
        let post = server
            .http()
            .post(server.url("/default/token"))
            .form(&[GRANT]);
        let answer = server.send(post.header("authorization", broken)).await;
        assert_json_refusal(&answer, 401, "invalid_client");
        assert!(
            answer.header("www-authenticate").starts_with("Basic "),
            "{broken}"
        );
    }
}

#[tokio::test]
async fn s_134_a_66_guessing_a_secret_is_limited() {
    let server = TestServer::registered().await;
    for client in ["svc", "nobody"] {
        for _ in 0..20 {
            let answer = server
                .post_basic("/default/token", (client, "guess"), &[GRANT])
                .await;
            assert_json_refusal(&answer, 401, "invalid_client");
        }
        let locked = server
            .post_basic("/default/token", (client, "s3cret"), &[GRANT])
            .await;
        assert_eq!(locked.status, 429, "{client}: {}", locked.body);
        assert_eq!(locked.header("retry-after"), "60");
    }
    server.advance(61);
    assert_eq!(
        server
            .post_basic("/default/token", SERVICE, &[GRANT])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn s_135_a_confidential_client_needs_its_secret_on_every_grant() {
    let server = TestServer::registered().await;
    for grant in [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let form = [
            ("grant_type", grant),
            ("client_id", "svc"),
            ("code", "x"),
            ("refresh_token", "x"),
        ];
        assert_json_refusal(
            &server.post("/default/token", &form).await,
            401,
            "invalid_client",
        );
        let nameless = server
            .post("/default/token", &[("grant_type", grant)])
            .await;
        assert_json_refusal(&nameless, 401, "invalid_client");
        let unknown = server
            .post(
                "/default/token",
                &[("grant_type", grant), ("client_id", "nobody")],
            )
            .await;
        assert_json_refusal(&unknown, 401, "invalid_client");
    }
}

#[tokio::test]
async fn s_136_a_public_client_gains_nothing_by_a_secret() {
    let server = TestServer::registered().await;
    let device = server
        .start_device("cli", "openid")
        .await
        .member("device_code");
    let grant = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", &device),
    ];
    let with = |extra: &[(&'static str, &'static str)]| [&grant[..], extra].concat();
    let secret = with(&[("client_id", "cli"), ("client_secret", "any")]);
    assert_json_refusal(
        &server.post("/default/token", &secret).await,
        401,
        "invalid_client",
    );
    for secret in ["", "any"] {
        let basic = server
            .post_basic("/default/token", ("cli", secret), &grant)
            .await;
        assert_json_refusal(&basic, 401, "invalid_client");
        assert!(basic.header("www-authenticate").starts_with("Basic "));
    }
    // Nothing of it counted as a poll.
    let empty = with(&[("client_id", "cli"), ("client_secret", "")]);
    assert_json_refusal(
        &server.post("/default/token", &empty).await,
        400,
        "authorization_pending",
    );
    // `golang.org/x/oauth2` probes so at every poll: that is no guessing.
    for _ in 0..50 {
        assert_eq!(
            server
                .post_basic("/default/token", ("cli", ""), &grant)
                .await
                .status,
            401
        );
    }
    server.advance(5);
    assert_json_refusal(
        &server.poll("cli", &device).await,
        400,
        "authorization_pending",
    );
}

#[tokio::test]
async fn s_140_a_85_bodies_are_limited() {
    let server = TestServer::registered().await;
    let form = "application/x-www-form-urlencoded";
    let large = post_body(&server, form, "a".repeat(70_000)).await;
    assert_json_refusal(&large, 413, "invalid_request");
    let just = format!("grant_type=x&a={}", "a".repeat(64 * 1024 - 15));
    assert_json_refusal(
        &post_body(&server, form, just).await,
        400,
        "unsupported_grant_type",
    );
    let many: Vec<String> = (0..1000).map(|n| format!("p{n}=1")).collect();
    for count in [101, 1000] {
        let refused = post_body(&server, form, many[..count].join("&")).await;
        assert_json_refusal(&refused, 400, "invalid_request");
        assert!(
            refused
                .member("error_description")
                .contains("100 parameters"),
            "{count}"
        );
    }
}

#[tokio::test]
async fn bad_utf_8_is_refused() {
    let server = TestServer::registered().await;
    let form = "application/x-www-form-urlencoded";
    let raw = post_body(&server, form, b"grant_type=\xff".to_vec()).await;
    assert_json_refusal(&raw, 400, "invalid_request");
    assert_json_refusal(
        &post_body(&server, form, "grant_type=%ff").await,
        400,
        "invalid_request",
    );
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
