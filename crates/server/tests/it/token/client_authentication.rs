//! How clients prove who they are.

use hallpass_testing::TestServer;

use super::requests::{GRANT, SERVICE, assert_json_refusal};

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
