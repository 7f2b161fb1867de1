//! Who may talk to dev mode: hosts, peers and the pages of other origins.

use hallpass_server::{DevFlags, Settings};
use hallpass_testing::{Answer, TestServer};

const METADATA: &str = "/default/.well-known/openid-configuration";

async fn ask(server: &TestServer, headers: &[(&str, &str)]) -> Answer {
    let request = server.http().get(server.url(METADATA));
    server
        .send(headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        }))
        .await
}

#[tokio::test]
async fn a_83_a_foreign_host_gets_400_on_loopback() {
    let server = TestServer::dev().await;
    for host in [
        "evil.test",
        "evil.test:8080",
        "localhost.evil.test",
        "a@b",
        "[::2]",
        "127.0.0.1.evil.test",
    ] {
        let answer = ask(&server, &[("host", host)]).await;
        assert_eq!(answer.status, 400, "{host}");
        assert!(!answer.body.contains("jwks_uri"), "{host}");
    }
    // Twice: the second answer is one that was kept, and it is that host's.
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"].repeat(2) {
        let answer = ask(&server, &[("host", host)]).await;
        assert_eq!(answer.member("issuer"), format!("http://{host}/default"));
    }
}

#[tokio::test]
async fn a_83_what_a_proxy_may_change() {
    let server = TestServer::dev().await;
    let host = ("host", "localhost:8080");
    for (headers, issuer) in [
        (
            &[("x-forwarded-host", "evil.test")][..],
            "http://localhost:8080/default",
        ),
        (
            &[("forwarded", "host=evil.test")],
            "http://localhost:8080/default",
        ),
        (
            &[("x-forwarded-proto", "https"), ("x-forwarded-port", "443")],
            "https://localhost/default",
        ),
    ] {
        let answer = ask(&server, &[&[host][..], headers].concat()).await;
        assert_eq!(answer.member("issuer"), issuer, "{headers:?}");
    }
}

#[tokio::test]
async fn a_83_a_fixed_issuer_url_wins() {
    let flags = DevFlags {
        port: Some(0),
        issuer_url: Some("http://auth.test:9".to_owned()),
        ..DevFlags::default()
    };
    let settings = Settings::dev(&|_| None, flags).unwrap();
    let algorithm = Settings::for_tests().algorithm;
    let server = TestServer::start(Settings {
        algorithm,
        ..settings
    })
    .await;
    for host in ["localhost:1", "auth.test:9", "auth.test"] {
        let answer = ask(&server, &[("host", host), ("x-forwarded-proto", "https")]).await;
        assert_eq!(
            answer.member("issuer"),
            "http://auth.test:9/default",
            "{host}"
        );
    }
    let start = server.start_device("cli", "openid").await;
    assert_eq!(
        start.member("verification_uri"),
        "http://auth.test:9/default/device"
    );
}

#[tokio::test]
async fn s_284_a_far_peer_behind_a_proxy_gets_403() {
    let server = TestServer::dev().await;
    for header in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "8.8.8.8"),
    ] {
        let answer = ask(&server, &[header]).await;
        assert_eq!(answer.status, 403, "{header:?}");
        assert!(answer.body.contains("--dev-public"), "{}", answer.body);
    }
    assert_eq!(
        ask(&server, &[("x-forwarded-for", "10.0.0.1, 127.0.0.1")])
            .await
            .status,
        200
    );
    let public = TestServer::start(Settings {
        dev_public: true,
        ..Settings::for_tests()
    })
    .await;
    assert_eq!(
        ask(&public, &[("x-forwarded-for", "203.0.113.9")])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn s_284_dev_mode_refuses_the_settings_of_production() {
    let database = DevFlags {
        database: Some("postgres://x".to_owned()),
        ..DevFlags::default()
    };
    assert!(Settings::dev(&|_| None, database).is_err());
    for (name, value) in [
        ("HALLPASS__DATABASE__URL", "postgres://x"),
        ("HALLPASS__SECRETS__KEYRING_FILE", "/x"),
        ("HALLPASS__PUBLIC_URL", "https://auth.test"),
    ] {
        let env = |asked: &str| (asked == name).then(|| value.to_owned());
        assert!(Settings::dev(&env, DevFlags::default()).is_err(), "{name}");
    }
}

#[tokio::test]
async fn dev_mode_answers_every_origin_where_programs_ask() {
    let server = TestServer::dev().await;
    let origin = ("origin", "http://localhost:3000");
    for path in [
        "/default/token",
        "/default/userinfo",
        "/default/jwks",
        METADATA,
        "/default/revoke",
    ] {
        let wanted = ("access-control-request-headers", "authorization,dpop");
        let request = server
            .http()
            .request(reqwest::Method::OPTIONS, server.url(path));
        let request = request
            .header(origin.0, origin.1)
            .header(wanted.0, wanted.1);
        let answer = server.send(request).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            origin.1,
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "POST, GET, OPTIONS"
        );
        assert_eq!(answer.header("access-control-allow-headers"), wanted.1);
        assert!(
            answer
                .header("vary")
                .to_ascii_lowercase()
                .contains("origin"),
            "{path}"
        );
    }
    let refused = server
        .http()
        .post(server.url("/default/token"))
        .header(origin.0, origin.1)
        .form(&[("a", "b")]);
    assert_eq!(
        server
            .send(refused)
            .await
            .header("access-control-allow-origin"),
        origin.1
    );
    let silent = ask(&server, &[]).await;
    assert_eq!(silent.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn pages_answer_no_origin() {
    let server = TestServer::dev().await;
    for path in [
        "/default/authorize",
        "/default/device",
        "/default/endsession",
        "/default/login",
        "/",
    ] {
        for method in [reqwest::Method::GET, reqwest::Method::OPTIONS] {
            let request = server
                .http()
                .request(method, server.url(path))
                .header("origin", "http://localhost:3000");
            let answer = server.send(request).await;
            let granted = answer
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(granted, None, "{path}");
        }
    }
}

#[tokio::test]
async fn s_168_a_84_strict_mode_answers_no_origin() {
    let server = TestServer::registered().await;
    for origin in ["null", "https://evil.test", "http://localhost:3000"] {
        for path in ["/default/token", "/default/userinfo", METADATA] {
            let request = server
                .http()
                .request(reqwest::Method::OPTIONS, server.url(path));
            let answer = server.send(request.header("origin", origin)).await;
            let granted = answer
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(granted, None, "{path} {origin}");
        }
        let form = [("grant_type", "client_credentials")];
        let post = server
            .http()
            .post(server.url("/default/token"))
            .basic_auth("svc", Some("s3cret"))
            .form(&form);
        let answer = server.send(post.header("origin", origin)).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, "")
        );
    }
}
