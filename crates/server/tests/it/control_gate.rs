//! Who may use the control API: every rule as an attack.

use std::net::{Ipv4Addr, SocketAddr};

use hallpass_server::Settings;
use hallpass_server::settings::ControlAccess;
use hallpass_testing::{Answer, TestServer};
use serde_json::json;

use crate::control::{accepted, get, post, request};

/// Every resource, with a method that it takes and a body that it accepts.
const CALLS: [(&str, &str, &str); 12] = [
    ("GET", "state", ""),
    ("GET", "clock", ""),
    ("POST", "clock", r#"{"advance":"1s"}"#),
    ("POST", "callbacks", "{}"),
    ("DELETE", "callbacks", ""),
    ("GET", "requests", ""),
    (
        "POST",
        "faults",
        r#"{"endpoint":"jwks","sequence":["slow_down"]}"#,
    ),
    ("DELETE", "faults", ""),
    ("POST", "token", "{}"),
    ("POST", "keys:rotate", "{}"),
    ("POST", "reset", "{}"),
    ("GET", "device/WDJB-MJHT", ""),
];

/// Sends every call with these headers beside what it needs.
async fn all(server: &TestServer, headers: &[(&str, &str)]) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for (method, path, body) in CALLS {
        let url = server.url(&format!("/_hallpass/{path}"));
        let mut request = server.http().request(method.parse().unwrap(), url);
        if !body.is_empty() {
            request = request
                .body(body)
                .header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answers.push((format!("{method} {path}"), server.send(request).await));
    }
    answers
}

fn has_cors(answer: &Answer) -> bool {
    let mut names = answer.headers.keys();
    names.any(|name| name.as_str().starts_with("access-control"))
}

async fn all_are_forbidden(server: &TestServer, headers: &[(&str, &str)], says: &str) {
    let clock = accepted(&get(server, "clock").await);
    for (call, answer) in all(server, headers).await {
        assert_eq!(answer.refusal(), (403, "forbidden".to_owned()), "{call}");
        let text = format!("{} {}", answer.member("message"), answer.member("hint"));
        assert!(text.contains(says), "{call} {headers:?}: {text}");
        assert!(!has_cors(&answer), "{call}");
    }
    // Nothing of it came through.
    let state = accepted(&get(server, "state").await);
    assert_eq!(state["callbacks"], json!([]));
    assert_eq!(state["faults"], json!([]));
    assert_eq!(accepted(&get(server, "clock").await), clock);
}

#[tokio::test]
async fn every_call_works_for_a_program_on_this_machine() {
    let server = TestServer::dev().await;
    for (call, answer) in all(&server, &[]).await {
        let expected = if call.contains("device") { 404 } else { 200 };
        assert_eq!(answer.status, expected, "{call}: {}", answer.body);
        assert!(!has_cors(&answer), "{call}");
    }
    for (call, answer) in all(&server, &[("sec-fetch-site", "none")]).await {
        assert_ne!(answer.status, 403, "{call}: {}", answer.body);
    }
    for (call, answer) in all(&server, &[("sec-fetch-site", "same-origin")]).await {
        assert_ne!(answer.status, 403, "{call}: {}", answer.body);
    }
}

#[tokio::test]
async fn s_285_a_117_a_page_of_any_origin_is_refused_also_our_own() {
    let server = TestServer::dev().await;
    let own = server.url("");
    for origin in [
        "https://evil.test",
        "null",
        "",
        &own,
        "http://localhost:3000",
    ] {
        all_are_forbidden(&server, &[("origin", origin)], "`Origin`").await;
    }
}

#[tokio::test]
async fn s_285_a_117_a_request_that_another_site_made_is_refused_also_a_navigation() {
    let server = TestServer::dev().await;
    for site in [
        "cross-site",
        "same-site",
        "",
        "None",
        "none, cross-site",
        "x",
    ] {
        all_are_forbidden(&server, &[("sec-fetch-site", site)], "Sec-Fetch-Site").await;
    }
    let twice = [("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
    all_are_forbidden(&server, &twice, "Sec-Fetch-Site").await;
}

#[tokio::test]
async fn s_285_a_117_a_foreign_host_is_refused_where_the_server_listens_everywhere() {
    let everywhere = TestServer::start(Settings {
        listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        loopback_only: false,
        hostname: Some("mock.internal".to_owned()),
        ..Settings::for_tests()
    })
    .await;
    for host in [
        "evil.test",
        "localhost.evil.test",
        "192.168.1.5",
        "auth:8080",
        "127.1",
    ] {
        all_are_forbidden(&everywhere, &[("host", host)], "names of this server").await;
    }
    for host in ["localhost:1", "127.0.0.1", "[::1]:9", "mock.internal:8080"] {
        for (call, answer) in all(&everywhere, &[("host", host)]).await {
            assert_ne!(answer.status, 403, "{call} {host}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn s_285_a_117_a_foreign_host_is_refused_on_loopback() {
    let server = TestServer::dev().await;
    for (call, answer) in all(&server, &[("host", "evil.test")]).await {
        assert_eq!(answer.status, 400, "{call}: {}", answer.body);
    }
}

#[tokio::test]
async fn s_285_a_117_a_proxy_on_this_machine_does_not_make_others_local() {
    let server = TestServer::dev().await;
    for header in [
        ("x-forwarded-for", "192.168.1.5"),
        ("x-forwarded-for", "127.0.0.1, 10.0.0.1"),
        ("forwarded", "for=10.0.0.7"),
        ("x-real-ip", "10.0.0.7"),
    ] {
        all_are_forbidden(&server, &[header], "--dev-control-public").await;
    }
    let local = ("x-forwarded-for", "127.0.0.1");
    for (call, answer) in all(&server, &[local]).await {
        assert_ne!(answer.status, 403, "{call}: {}", answer.body);
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let server = TestServer::dev().await;
    for (method, path, body) in CALLS {
        for media_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json-patch+json",
            "application/jsonp",
            "",
        ] {
            let request = request(&server, method, path, None)
                .body(body)
                .header("content-type", media_type);
            let answer = server.send(request).await;
            assert_eq!(answer.status, 415, "{method} {path} {media_type}");
            assert!(answer.member("hint").contains("application/json"));
        }
        if method == "POST" {
            // `fetch` with a Blob without a type sends none at all.
            let answer = server
                .send(request(&server, method, path, None).body(body))
                .await;
            assert_eq!(answer.status, 415, "{method} {path}");
        }
    }
    let twice = request(&server, "POST", "reset", Some(json!({})));
    let answer = server
        .send(twice.header("content-type", "text/plain"))
        .await;
    assert_eq!(answer.status, 415);
    let spelled = request(&server, "POST", "reset", None)
        .header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(server.send(spelled.body("{}")).await.status, 200);
}

#[tokio::test]
async fn no_preflight_is_granted() {
    let server = TestServer::dev().await;
    for (_, path, _) in CALLS {
        let preflight = request(&server, "OPTIONS", path, None)
            .header("origin", "https://evil.test")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = server.send(preflight).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(!has_cors(&answer), "{path}");
        let bare = server.send(request(&server, "OPTIONS", path, None)).await;
        assert_eq!(bare.status, 405, "{path}");
        assert!(!has_cors(&bare), "{path}");
    }
}

#[tokio::test]
async fn dev_control_public_lifts_peer_and_host_and_no_other_rule() {
    let public = TestServer::start(Settings {
        loopback_only: false,
        control: ControlAccess::Public,
        ..Settings::for_tests()
    })
    .await;
    for headers in [("host", "auth:8080"), ("x-forwarded-for", "192.168.1.5")] {
        for (call, answer) in all(&public, &[headers]).await {
            assert_ne!(answer.status, 403, "{call}: {}", answer.body);
            assert!(!has_cors(&answer), "{call}");
        }
    }
    accepted(&post(&public, "reset", json!({})).await);
    all_are_forbidden(&public, &[("origin", "http://auth:8080")], "Origin").await;
    all_are_forbidden(
        &public,
        &[("sec-fetch-site", "same-site")],
        "Sec-Fetch-Site",
    )
    .await;
    let form = request(&public, "POST", "reset", None).header("content-type", "text/plain");
    assert_eq!(public.send(form.body("{}")).await.status, 415);
    // Whom dev mode does not serve, its control API does not serve either (row S-284).
    let far = request(&public, "GET", "state", None).header("x-forwarded-for", "203.0.113.9");
    assert_eq!(public.send(far).await.status, 403);
}

#[tokio::test]
async fn the_flag_is_what_makes_it_public() {
    let flags = |dev_control_public| hallpass_server::DevFlags {
        dev_control_public,
        ..hallpass_server::DevFlags::default()
    };
    let control = |public| Settings::dev(&|_| None, flags(public)).unwrap().control;
    assert_eq!(control(false), ControlAccess::Loopback);
    assert_eq!(control(true), ControlAccess::Public);
}

#[tokio::test]
async fn without_dev_mode_it_is_not_there_and_nothing_else_has_its_name() {
    let off = TestServer::start(Settings {
        control: ControlAccess::Off,
        ..Settings::for_tests()
    })
    .await;
    for (call, answer) in all(&off, &[]).await {
        assert_eq!(answer.status, 404, "{call}: {}", answer.body);
    }
    // `token` below it would otherwise be the token endpoint of an issuer of that name.
    let form = [("grant_type", "client_credentials"), ("client_id", "c")];
    let server = TestServer::dev().await;
    for path in ["/_hallpass/token", "/_hallpass/default/token", "/_hallpass"] {
        assert_eq!(off.post(path, &form).await.status, 404, "{path}");
        let answer = server.post(path, &form).await;
        assert!(
            matches!(answer.status, 404 | 415),
            "{path}: {}",
            answer.body
        );
        assert!(!answer.body.contains("access_token"), "{path}");
    }
    assert_eq!(server.get("/%5Fhallpass/state").await.status, 404);
    assert_eq!(server.get("//_hallpass/state").await.status, 404);
}

#[tokio::test]
async fn strict_mode_has_it_too() {
    let server = TestServer::registered().await;
    assert_eq!(accepted(&get(&server, "state").await)["strict"], true);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_the_nearest_name() {
    let server = TestServer::dev().await;
    for (path, hint) in [
        ("clok", "/_hallpass/clock"),
        ("keys:rotat", "/_hallpass/keys:rotate"),
        ("device", "/_hallpass/device/WDJB-MJHT"),
        ("device/", "/_hallpass/device/WDJB-MJHT"),
        ("", "/_hallpass/state"),
        ("clock/x", "/_hallpass/clock"),
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{path}");
        assert!(
            answer.member("hint").contains(hint),
            "{path}: {}",
            answer.body
        );
    }
    let answer = get(&server, "reset").await;
    assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn a_body_that_is_no_object_or_too_large_is_refused() {
    let server = TestServer::dev().await;
    let send = |body: String| {
        let request = request(&server, "POST", "clock", None);
        server.send(
            request
                .header("content-type", "application/json")
                .body(body),
        )
    };
    for (body, says) in [
        ("[1]", "not a JSON object"),
        ("{", "not JSON"),
        (r#"{"set":1,"set":2}"#, "twice"),
        ("\"x\"", "not a JSON object"),
    ] {
        let answer = send(body.to_owned()).await;
        assert_eq!(answer.refusal(), (400, "invalid_json".to_owned()), "{body}");
        assert!(answer.member("message").contains(says), "{}", answer.body);
    }
    let large = send(format!("{{\"set\":\"{}\"}}", "x".repeat(65 * 1024))).await;
    assert_eq!(large.status, 413);
}
