//! Which paths answer, to whom, and what browsers are told.

use hallpass_testing::TestServer;

use super::issuer::{DEVICE_CODE, ISSUER, metadata, server};

#[tokio::test]
async fn nothing_of_dev_mode_is_there() {
    let server = server().await;
    for path in [
        "/default/token",
        "/token",
        "/default/.well-known/openid-configuration",
        "/default/debugger",
        "/debugger",
        "/oauth2/auth",
        "/user_management/authenticate",
        "/isalive",
        "/_hallpass/state",
        "/_hallpass/clock",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    // A client that nobody configured is nobody.
    let device = [("client_id", "anybody")];
    let (status, error) = server
        .post("/oauth2/device_authorization", &device)
        .await
        .refusal();
    assert_eq!((status, error.as_str()), (401, "invalid_client"));
    let registered = server
        .http()
        .post(server.url("/oauth2/register"))
        .body("{}");
    assert_ne!(server.send(registered).await.status, 201);
    // Row S-50, and S-168 until origins can be registered.
    let asked = server.http().get(server.url("/.well-known/jwks.json"));
    let answer = server
        .send(asked.header("origin", "https://evil.test"))
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let page = server.get("/login").await.body.to_lowercase();
    assert!(
        !page.contains("any username") && !page.contains("dev mode"),
        "{page}"
    );
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_https() {
    let server = server().await;
    let page = server.get("/device").await;
    assert!(
        page.header("strict-transport-security")
            .starts_with("max-age=")
    );
    let cookie = page.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn s_286_a_122_the_aliases_of_compat_are_the_same_handlers() {
    let server = TestServer::production("compat = [\"mock\", \"hydra\", \"google\"]").await;
    let form = [("grant_type", "client_credentials")];
    for path in ["/default/token", "/oauth2/token"] {
        let answer = server.post_basic(path, ("svc", "s3cret"), &form).await;
        assert_eq!(answer.claims("access_token")["iss"], ISSUER, "{path}");
    }
    let document = server
        .get("/default/.well-known/openid-configuration")
        .await;
    assert_eq!(document.json(), metadata(&server).await);
    let device = server
        .post("/oauth2/device/auth", &[("client_id", "cli")])
        .await;
    assert_eq!(
        device.json()["verification_url"],
        format!("{ISSUER}/device")
    );
    assert_eq!(
        device.json()["verification_uri"],
        format!("{ISSUER}/device")
    );
    // Hydra's introspection has no authentication of its own; here it does.
    let stranger = server
        .post("/admin/oauth2/introspect", &[("token", "x")])
        .await;
    assert_eq!(stranger.status, 401);
    for path in ["/default/debugger", "/default/debugger/callback"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_device_flow_can_be_off() {
    let server = TestServer::production("device = { enabled = false }").await;
    let document = metadata(&server).await;
    assert!(document.get("device_authorization_endpoint").is_none());
    let answer = server
        .post("/oauth2/device_authorization", &[("client_id", "cli")])
        .await;
    assert_eq!(answer.status, 404);
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", "x"),
    ];
    let (status, error) = server.post("/oauth2/token", &form).await.refusal();
    assert_eq!((status, error.as_str()), (400, "unsupported_grant_type"));
}

#[tokio::test]
async fn s_270_guesses_are_counted_by_the_address_that_a_trusted_proxy_names() {
    let toml = "trusted_proxies = [\"127.0.0.1\"]\nlimits = { client_secret_fail = \"2/1m\" }";
    let server = TestServer::production(toml).await;
    let guess = async |from: &str| {
        let form = [("grant_type", "client_credentials")];
        let asked = server
            .http()
            .post(server.url("/oauth2/token"))
            .basic_auth("svc", Some("wrong"))
            .header("x-forwarded-for", from)
            .form(&form);
        server.send(asked).await.status
    };
    assert_eq!(guess("192.0.2.1").await, 401);
    assert_eq!(guess("192.0.2.1").await, 401);
    // What a stranger writes before the proxy's word changes nothing.
    assert_eq!(guess("198.51.100.7, 192.0.2.1").await, 429);
    assert_eq!(guess("192.0.2.2").await, 401);
}
