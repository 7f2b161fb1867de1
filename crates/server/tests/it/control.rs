//! How tests of the control API speak to it.

use hallpass_server::Settings;
use hallpass_testing::{Answer, TestServer};
use serde_json::Value;

/// A request to the control API, not sent yet.
pub(crate) fn request(
    server: &TestServer,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> reqwest::RequestBuilder {
    let url = server.url(&format!("/_hallpass/{path}"));
    let request = server.http().request(method.parse().unwrap(), url);
    match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(body.to_string()),
        None => request,
    }
}

/// Posts JSON.
pub(crate) async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    server.send(request(server, "POST", path, Some(body))).await
}

/// Posts JSON that is accepted: the answer.
#[track_caller]
pub(crate) fn accepted(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

/// Asks.
pub(crate) async fn get(server: &TestServer, path: &str) -> Answer {
    server.send(request(server, "GET", path, None)).await
}

/// Takes away.
pub(crate) async fn delete(server: &TestServer, path: &str) -> Answer {
    server.send(request(server, "DELETE", path, None)).await
}

/// A body is refused with 400, and the answer names the field and says what to do.
pub(crate) async fn is_refused(
    server: &TestServer,
    path: &str,
    body: Value,
    (error, field, says): (&str, &str, &str),
) {
    let answer = post(server, path, body.clone()).await;
    assert_eq!(answer.status, 400, "{body}: {}", answer.body);
    assert_eq!(answer.member("error"), error, "{body}: {}", answer.body);
    assert_eq!(answer.member("field"), field, "{body}: {}", answer.body);
    let text = format!("{} {}", answer.member("message"), answer.member("hint"));
    assert!(text.contains(says), "{body}: {text}");
}

/// A server whose configuration is this JSON.
pub(crate) async fn configured(json: &Value) -> TestServer {
    let text = json.to_string();
    let env = |name: &str| (name == "JSON_CONFIG").then(|| text.clone());
    let flags = hallpass_server::DevFlags {
        port: Some(0),
        ..hallpass_server::DevFlags::default()
    };
    let settings = Settings::dev(&env, flags).unwrap();
    TestServer::start(Settings {
        algorithm: Settings::for_tests().algorithm,
        ..settings
    })
    .await
}
