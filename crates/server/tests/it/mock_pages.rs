//! What a drop-in for `mock-oauth2-server` shows to people: a sign-in page of the developer's own, its
//! files, and the debugger.

use std::fs;

use hallpass_server::{DevFlags, Settings};
use hallpass_testing::TestServer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const AUTHORIZE: &str = "/default/authorize?client_id=any&redirect_uri=http%3A%2F%2F127.0.0.1%3A8085%2Fcallback\
    &response_type=code&scope=openid&state=s";
const PAGE: &str = "<!doctype html><form method=post><input name=username></form>";

/// A server with its own page and files, and the folder that holds them.
async fn customised() -> (TestServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("login.html"), PAGE).unwrap();
    fs::create_dir_all(path("assets/deep")).unwrap();
    for (name, content) in [
        ("assets/style.css", "a{}"),
        ("assets/deep/app.js", "1"),
        ("assets/noext", "?"),
        ("assets/.env", "SECRET"),
    ] {
        fs::write(path(name), content).unwrap();
    }
    std::os::unix::fs::symlink(path("login.html"), path("assets/link.html")).unwrap();
    let config = json!({
        "interactiveLogin": true,
        "loginPagePath": path("login.html"),
        "staticAssetsPath": path("assets"),
    });
    let config = config.to_string();
    let env = |name: &str| (name == "JSON_CONFIG").then(|| config.clone());
    let flags = DevFlags {
        port: Some(0),
        ..DevFlags::default()
    };
    let settings = Settings {
        algorithm: Settings::for_tests().algorithm,
        ..Settings::dev(&env, flags).unwrap()
    };
    (TestServer::start(settings).await, folder)
}

/// As a browser posts a form: of a page of this server, or of another's.
async fn post(
    server: &TestServer,
    origin: &str,
    site: &str,
    form: &[(&str, &str)],
) -> hallpass_testing::Answer {
    let request = server.http().post(server.url(AUTHORIZE)).form(form);
    server
        .send(
            request
                .header("origin", origin)
                .header("sec-fetch-site", site),
        )
        .await
}

#[tokio::test]
async fn a_custom_page_is_shown_and_signs_in() {
    let (server, folder) = customised().await;
    let shown = server.get(AUTHORIZE).await;
    assert_eq!((shown.status, shown.body.as_str()), (200, PAGE));
    assert_eq!(shown.header("x-frame-options"), "DENY");
    assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
    let own = server.url("");
    let form = [("username", "ada"), ("claims", r#"{"role": "r"}"#)];
    let answer = post(&server, &own, "same-origin", &form).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.redirect_parameters().contains_key("code"));
    // Edited, it is shown as it is now.
    fs::write(folder.path().join("login.html"), "new").unwrap();
    assert_eq!(server.get(AUTHORIZE).await.body, "new");
    // A request by POST goes to where the page can post to.
    let (path, query) = AUTHORIZE.split_once('?').unwrap();
    let request = server.http().post(server.url(path));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let moved = server.send(request.body(query.to_owned())).await;
    assert_eq!(moved.status, 303);
    assert!(
        moved
            .header("location")
            .starts_with("/default/authorize?client_id=any&")
    );
    // Gone, the log says why.
    fs::remove_file(folder.path().join("login.html")).unwrap();
    assert_eq!(server.get(AUTHORIZE).await.status, 500);
}

#[tokio::test]
async fn a_mistake_on_a_custom_page_is_answered_by_ours() {
    let (server, _folder) = customised().await;
    let own = server.url("");
    let answer = post(
        &server,
        &own,
        "same-origin",
        &[("username", "ada"), ("claims", "x")],
    )
    .await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("name=\"csrf\"") && answer.body.contains("JSON object"));
}

#[tokio::test]
async fn s_15_a_browser_needs_our_token_unless_a_custom_page_is_configured() {
    let plain = TestServer::dev().await;
    let (custom, _folder) = customised().await;
    let form = [("username", "ada")];
    let (plain_own, custom_own) = (plain.url(""), custom.url(""));
    for (server, origin, site, status) in [
        (&plain, plain_own.as_str(), "same-origin", 403),
        (&plain, "https://evil.test", "cross-site", 403),
        (&custom, custom_own.as_str(), "same-origin", 303),
        (&custom, "https://evil.test", "cross-site", 403),
        (&custom, "http://localhost:1", "same-site", 403),
        (&custom, "null", "cross-site", 403),
    ] {
        let answer = post(server, origin, site, &form).await;
        assert_eq!(answer.status, status, "{origin} {site}");
    }
    // A test script is no browser: nobody can make it post.
    assert_eq!(plain.post(AUTHORIZE, &form).await.status, 303);
    // Without `Sec-Fetch-Site`, `Origin` decides.
    let old = custom.http().post(custom.url(AUTHORIZE)).form(&form);
    let old = custom.send(old.header("origin", "https://evil.test")).await;
    assert_eq!(old.status, 403);
}

#[tokio::test]
async fn files_are_served_with_their_type_and_nothing_else_is() {
    let (server, _folder) = customised().await;
    for (path, content_type, body) in [
        ("/static/style.css", "text/css; charset=utf-8", "a{}"),
        ("/static/deep/app.js", "text/javascript; charset=utf-8", "1"),
        ("/static/noext", "application/octet-stream", "?"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for path in [
        "/static/missing",
        "/static/",
        "/static/deep",
        "/static/.env",
        "/static/%2eenv",
        "/static/link.html",
        "/static/deep/..%2f..%2flogin.html",
        "/static/%2e%2e/login.html",
        "/static//style.css",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let post = server.post("/static/style.css", &[("a", "b")]).await;
    assert_eq!(post.status, 405);
    // Our own assets lie there too.
    let page = server.get("/default/device").await;
    let start = page.body.find("/static/hallpass-").unwrap();
    let path = page.body[start..].split('"').next().unwrap();
    assert_eq!(
        server.get(path).await.header("content-type"),
        "text/css; charset=utf-8"
    );
    // Without the setting there is no such folder.
    assert_eq!(
        TestServer::dev()
            .await
            .get("/static/style.css")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_debugger_runs_the_flow_and_shows_every_answer() {
    let server = TestServer::dev().await;
    let person = server.person();
    let page = person.open("/default/debugger").await;
    assert!(!page.body.contains("<script"));
    let fields = [
        ("client_id", "my<app>"),
        ("client_secret", ""),
        ("scope", "openid api:read"),
    ];
    let login = person.submit(&page, &fields).await;
    assert!(login.body.contains("name=\"username\""), "{}", login.body);
    let shown = person
        .submit(
            &login,
            &[
                ("username", "ada"),
                ("claims", r#"{"x": "<script>1</script>"}"#),
            ],
        )
        .await;
    let shown = if shown.body.contains("What came back") {
        shown
    } else {
        person.submit(&shown, &[("action", "continue")]).await
    };
    assert_eq!(shown.status, 200, "{}", shown.body);
    for title in [
        "Authorization response",
        "Token request",
        "Token response",
        "Access token",
        "ID token",
        "UserInfo",
    ] {
        assert!(
            shown
                .body
                .contains(&format!("<h2 lang=\"en\">{title}</h2>")),
            "{title}: {}",
            shown.body
        );
    }
    assert!(shown.body.contains("code_verifier=") && shown.body.contains("ada"));
    assert!(!shown.body.contains("<script"), "{}", shown.body);
    assert!(shown.body.contains("my&#60;app&#62;"));
}

#[tokio::test]
async fn the_debugger_looks_only_at_answers_that_this_browser_asked_for() {
    let server = TestServer::dev().await;
    for path in [
        "/default/debugger/callback",
        "/default/debugger/callback?code=x&state=y",
    ] {
        assert_eq!(server.get(path).await.status, 403, "{path}");
    }
    let person = server.person();
    let page = person.open("/default/debugger").await;
    person
        .submit(
            &page,
            &[("client_id", "a"), ("scope", "openid"), ("state", "mine")],
        )
        .await;
    let request = |state: &str| {
        let path = format!("/default/debugger/callback?error=access_denied&state={state}");
        person.http().get(server.url(&path))
    };
    assert_eq!(person.send(request("other")).await.status, 403);
    let denied = person.send(request("mine")).await;
    assert_eq!(denied.status, 200);
    assert!(denied.body.contains("error=access_denied"));
    // Once is enough.
    assert_eq!(person.send(request("mine")).await.status, 403);
    // Another site starts no run here.
    let form = server
        .http()
        .post(server.url("/default/debugger"))
        .form(&[("client_id", "a")]);
    let foreign = form
        .header("origin", "https://evil.test")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(server.send(foreign).await.status, 403);
}

#[tokio::test]
async fn the_debuggers_address_is_no_return_address_in_strict_mode() {
    let server = TestServer::registered().await;
    let back = format!("{}/debugger/callback", server.issuer());
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", "cli")
        .append_pair("redirect_uri", &back)
        .append_pair("response_type", "code")
        .finish();
    let answer = server.get(&format!("/default/authorize?{form}")).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[tokio::test]
async fn options_asks_what_is_possible() {
    let server = TestServer::dev().await;
    let options = |path: &str| {
        let request = server
            .http()
            .request(reqwest::Method::OPTIONS, server.url(path));
        server.send(request)
    };
    for (path, allowed) in [
        ("/default/token", "POST"),
        ("/default/authorize", "GET, HEAD, POST"),
    ] {
        let answer = options(path).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (204, allowed),
            "{path}"
        );
    }
    // A target that no URL can name.
    let address = server.url("").replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let asked = "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let icon = server.get("/favicon.ico").await;
    assert_eq!(
        (icon.status, icon.header("content-type")),
        (200, "image/svg+xml")
    );
}
