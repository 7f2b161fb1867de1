//! Requests that the control API wrote down.

use hallpass_testing::TestServer;
use serde_json::{Value, json};

use crate::control::{accepted, delete, get, post};

async fn ask_for_token(server: &TestServer, issuer: &str, client: &str) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", "a b"),
    ];
    server
        .post(&format!("/{issuer}/token?x=1&x=2"), &form)
        .await;
}

async fn list(server: &TestServer, query: &str) -> Vec<Value> {
    let answer = accepted(&get(server, &format!("requests{query}")).await);
    answer["requests"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_request_is_shown_whole() {
    let server = TestServer::dev().await;
    let form = [("grant_type", "client_credentials"), ("scope", "a b")];
    server
        .post_basic("/default/token?x=1&x=2", ("svc", "s3cret"), &form)
        .await;
    let shown = list(&server, "").await;
    let [request] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    for (name, value) in [
        ("id", json!(1)),
        ("method", json!("POST")),
        ("path", json!("/default/token")),
        ("endpoint", json!("token")),
        ("issuerId", json!("default")),
        ("query", json!({"x": ["1", "2"]})),
        (
            "form",
            json!({"grant_type": "client_credentials", "scope": "a b"}),
        ),
        ("body", json!("grant_type=client_credentials&scope=a+b")),
        ("status", json!(200)),
        ("closed", json!(false)),
    ] {
        assert_eq!(request[name], value, "{name}");
    }
    // Nothing is hidden from a test.
    assert_eq!(
        request["headers"]["authorization"],
        "Basic c3ZjOnMzY3JldA=="
    );
    assert!(request["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn refused_requests_and_pages_are_there_and_the_control_api_is_not() {
    let server = TestServer::dev().await;
    server
        .post("/default/token", &[("grant_type", "nothing")])
        .await;
    server.get("/default/authorize?client_id=c").await;
    server.get("/isalive").await;
    accepted(&get(&server, "state").await);
    let shown = list(&server, "").await;
    let seen: Vec<_> = shown
        .iter()
        .map(|one| (&one["endpoint"], &one["status"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!("token"), &json!(400)),
            (&json!("authorization"), &json!(400))
        ]
    );
}

#[tokio::test]
async fn they_are_chosen_by_path_endpoint_issuer_and_number() {
    let server = TestServer::dev().await;
    ask_for_token(&server, "a", "one").await;
    ask_for_token(&server, "b", "two").await;
    server.get("/a/jwks").await;
    for (query, ids) in [
        ("?path=/a/token", vec![1]),
        ("?path=/a/*", vec![1, 3]),
        ("?endpoint=token", vec![1, 2]),
        ("?issuerId=b", vec![2]),
        ("?after=1", vec![2, 3]),
        ("?path=/a", vec![]),
    ] {
        let found: Vec<_> = list(&server, query)
            .await
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        assert_eq!(found, ids, "{query}");
    }
    for (query, field) in [
        ("?paht=/a", "paht"),
        ("?path=token", "path"),
        ("?wait=2", "wait"),
        ("?wait=2h", "wait"),
        ("?after=x", "after"),
    ] {
        let answer = get(&server, &format!("requests{query}")).await;
        assert_eq!(
            (answer.status, answer.member("field").as_str()),
            (400, field),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_oldest_is_taken_first_and_once() {
    let server = TestServer::dev().await;
    ask_for_token(&server, "a", "one").await;
    ask_for_token(&server, "b", "two").await;
    ask_for_token(&server, "a", "three").await;
    let mut clients = Vec::new();
    for path in ["?path=/a/token", "", "?path=/a/token"] {
        let taken = accepted(&delete(&server, &format!("requests{path}")).await);
        clients.push(taken["request"]["form"]["client_id"].clone());
    }
    assert_eq!(clients, ["one", "two", "three"]);
    let none = delete(&server, "requests").await;
    assert_eq!(none.refusal(), (404, "no_request".to_owned()));
    assert!(list(&server, "").await.is_empty());
}

#[tokio::test]
async fn one_can_be_waited_for() {
    let server = TestServer::dev().await;
    let (taken, ()) = tokio::join!(delete(&server, "requests?path=/b/token&wait=30s"), async {
        ask_for_token(&server, "a", "one").await;
        ask_for_token(&server, "b", "two").await;
    });
    assert_eq!(accepted(&taken)["request"]["form"]["client_id"], "two");
    let (found, ()) = tokio::join!(get(&server, "requests?endpoint=jwks&wait=30s"), async {
        drop(server.get("/a/jwks").await);
    });
    assert_eq!(accepted(&found)["requests"][0]["path"], "/a/jwks");
    let over = delete(&server, "requests?path=/nowhere&wait=10ms").await;
    assert_eq!(over.status, 404);
    assert!(list(&server, "?path=/nowhere&wait=10ms").await.is_empty());
}

#[tokio::test]
async fn a_request_is_there_before_its_answer() {
    let server = TestServer::dev().await;
    let fault = json!({"endpoint": "jwks", "sequence": [{"delay": "1m"}]});
    accepted(&post(&server, "faults", fault).await);
    let slow = server.http().get(server.url("/default/jwks"));
    let slow = slow.timeout(std::time::Duration::from_millis(300)).send();
    let (given_up, found) = tokio::join!(slow, get(&server, "requests?endpoint=jwks&wait=30s"));
    assert!(given_up.unwrap_err().is_timeout());
    assert_eq!(accepted(&found)["requests"][0]["status"], Value::Null);
}
