//! What a request looks like, and what is not read.

use hallpass_testing::TestServer;

use super::requests::{GRANT, SERVICE, assert_json_refusal, post_body};

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
