//! Pages in browsers that are clients: row S-168 in production. Dev mode answers everybody
//! (`neighbours.rs`).

use hallpass_server::{ServerFlags, Settings};
use hallpass_testing::{Answer, TestServer};
use http::Method;

const ORIGIN: &str = "https://app.test";
const CLIENT: &str = r#"
[[client]]
id = "spa"
redirect_uris = ["https://app.test/cb"]
origins = ["https://app.test", "http://localhost:5173"]
"#;
/// What a program in a browser needs.
const FOR_SCRIPTS: [&str; 6] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/revoke",
];

async fn ask(server: &TestServer, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = server.http().request(method, server.url(path));
    let add = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    server.send(headers.iter().fold(request, add)).await
}

#[tokio::test]
async fn s_168_the_origins_of_clients_read_answers_without_credentials() {
    let server = TestServer::production(CLIENT).await;
    for path in FOR_SCRIPTS {
        for origin in [ORIGIN, "http://localhost:5173"] {
            let wanted = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization, x-other"),
            ];
            let preflight = ask(&server, Method::OPTIONS, path, &wanted).await;
            assert_eq!(preflight.status, 204, "{path}");
            assert_eq!(preflight.header("access-control-allow-origin"), origin);
            assert_eq!(preflight.header("access-control-allow-credentials"), "");
            // What we take, not what is asked for.
            let taken = preflight.header("access-control-allow-headers");
            assert_eq!(taken, "authorization, content-type, dpop", "{path}");
            assert_eq!(preflight.header("access-control-max-age"), "600");

            // Refusals too, and what a program needs of them.
            let method = if path.contains("well-known") {
                Method::GET
            } else {
                Method::POST
            };
            let answer = ask(&server, method, path, &[("origin", origin)]).await;
            assert_eq!(
                answer.header("access-control-allow-origin"),
                origin,
                "{path}"
            );
            assert!(answer.header("vary").contains("Origin"), "{path}");
            let exposed = answer.header("access-control-expose-headers");
            assert_eq!(exposed, "WWW-Authenticate, DPoP-Nonce", "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
}

#[tokio::test]
async fn s_168_s_253_a_84_no_other_origin_and_no_page_is_answered() {
    let server = TestServer::production(CLIENT).await;
    for origin in [
        "null",
        "https://evil.test",
        "http://app.test",
        "https://app.test:8443",
        "https://app.test.evil.test",
        "https://APP.test",
        "https://app.test/",
        "http://localhost:5174",
    ] {
        for path in FOR_SCRIPTS {
            for method in [Method::OPTIONS, Method::GET] {
                let answer = ask(&server, method, path, &[("origin", origin)]).await;
                assert_eq!(
                    answer.header("access-control-allow-origin"),
                    "",
                    "{origin} {path}"
                );
                assert!(answer.header("vary").contains("Origin"), "{origin} {path}");
            }
        }
    }
    for page in [
        "/oauth2/authorize",
        "/oauth2/logout",
        "/login",
        "/device",
        "/account",
        "/oauth2/introspect",
        "/oauth2/par",
        "/oauth2/device_authorization",
        "/oauth2/register",
    ] {
        for method in [Method::OPTIONS, Method::GET, Method::POST] {
            let answer = ask(&server, method, page, &[("origin", ORIGIN)]).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{page}");
        }
    }
}

#[test]
fn s_168_an_origin_is_written_as_browsers_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let read = |origin: &str| {
        let file = folder.path().join("server.toml");
        let text = format!(
            "public_url = \"https://id.test\"\n[tls]\nmode = \"off\"\n{}",
            CLIENT.replace(
                &format!("origins = [\"{ORIGIN}\""),
                &format!("origins = [\"{origin}\"")
            )
        );
        std::fs::write(&file, text).unwrap();
        let flags = ServerFlags {
            config: Some(file),
            database: None,
        };
        Settings::production(&[], &flags)
    };
    for good in [
        "https://app.example",
        "https://app.example:8443",
        "http://127.0.0.1:3000",
    ] {
        assert!(read(good).is_ok(), "{good}");
    }
    for bad in [
        "*",
        "null",
        "app.example",
        "http://app.example",
        "https://app.example/",
        "https://app.example/x",
        "https://App.example",
        "https://app.example:443",
        "https://ada@app.example",
        "custom://app.example",
    ] {
        let error = read(bad).err().map(|error| error.to_string());
        assert!(
            error
                .as_ref()
                .is_some_and(|text| text.contains("client[spa].origins")),
            "{bad}: {error:?}"
        );
    }
}
