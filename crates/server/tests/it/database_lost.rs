//! A lost database is neither a refusal nor a revocation: 503 with `Retry-After`, everywhere, and the
//! server recovers by itself.
//!
//! Rows S-154, S-265; RFC 7009 §2.2.1.

use std::time::Duration;

use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, TestPostgres, TestServer};
use tokio::time::Instant;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What each endpoint answers; none of the requests is wrong in itself.
async fn ask_all(
    server: &TestServer,
    token: &str,
    device_code: &str,
) -> Vec<(&'static str, Answer)> {
    let bearer = server
        .http()
        .get(server.url("/oauth2/userinfo"))
        .bearer_auth(token);
    let authorize = "/oauth2/authorize?response_type=code&client_id=cli\
         &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let session = format!("hps_{}", "a".repeat(43));
    let authorize = server
        .http()
        .get(server.url(authorize))
        .header("cookie", format!("__Host-hp_s={session}"));
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", device_code),
    ];
    let push = [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("redirect_uri", "http://127.0.0.1/callback"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    let (rs, svc, asked) = (("rs", "s"), ("svc", "s3cret"), [("token", token)]);
    vec![
        (
            "introspect",
            server.post_basic("/oauth2/introspect", rs, &asked).await,
        ),
        (
            "revoke",
            server.post_basic("/oauth2/revoke", svc, &asked).await,
        ),
        ("userinfo", server.send(bearer).await),
        ("poll", server.post("/oauth2/token", &poll).await),
        (
            "device",
            server
                .post("/oauth2/device_authorization", &[("client_id", "cli")])
                .await,
        ),
        ("par", server.post("/oauth2/par", &push).await),
        ("authorize", server.send(authorize).await),
        ("readyz", server.get("/readyz").await),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_154_postgresql_stops_and_comes_back() {
    let postgres = TestPostgres::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = production_settings(CLIENTS, folder.path(), &postgres.database());
    let server = TestServer::start(settings).await;
    let form = [("grant_type", "client_credentials")];
    let token = server
        .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
        .await;
    let token = token.member("access_token");
    let device = [("client_id", "cli")];
    let device = server.post("/oauth2/device_authorization", &device).await;
    let device_code = device.member("device_code");
    assert_eq!(server.get("/readyz").await.status, 200);

    postgres.crash();
    // What was known of the last second counts for one more (row S-265).
    let crashed_at = Instant::now();
    let introspect = async || {
        let asked = [("token", token.as_str())];
        server
            .post_basic("/oauth2/introspect", ("rs", "s"), &asked)
            .await
    };
    while introspect().await.status == 200 {
        assert!(crashed_at.elapsed() < Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (name, answer) in ask_all(&server, &token, &device_code).await {
        // A pending poll on its own time may be answered from memory; nothing else is.
        if name == "poll" && answer.status == 400 {
            assert!(
                answer.body.contains("authorization_pending"),
                "{}",
                answer.body
            );
            continue;
        }
        if name == "authorize" && answer.status == 200 {
            continue;
        }
        assert_eq!(answer.status, 503, "{name}: {}", answer.body);
        for never in [
            "invalid_client",
            "invalid_grant",
            "invalid_token",
            "\"active\"",
        ] {
            assert!(!answer.body.contains(never), "{name}: {}", answer.body);
        }
        assert!(!answer.header("retry-after").is_empty(), "{name}");
    }
    // What needs no record goes on: the process is alive, and tokens can be checked.
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/.well-known/jwks.json").await.status, 200);
    assert_eq!(
        server.get("/.well-known/openid-configuration").await.status,
        200
    );
    let minted = server
        .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
        .await;
    assert_eq!(minted.status, 200, "client credentials need no row");

    postgres.start_again();
    let recovered = async {
        while server.get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recovered)
        .await
        .expect("it recovers");
    let found = introspect().await;
    assert_eq!(found.json()["active"], true, "{}", found.body);
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", device_code.as_str()),
    ];
    server.advance(60);
    assert_eq!(
        server.post("/oauth2/token", &poll).await.refusal().1,
        "authorization_pending"
    );
}
