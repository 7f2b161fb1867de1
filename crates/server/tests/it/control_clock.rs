//! The clock of the control API, and what goes by it.

use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_server::Settings;
use hallpass_testing::{Answer, TestServer};
use serde_json::{Value, json};

use crate::control::{accepted, get, is_refused, post};

async fn clock(server: &TestServer, body: Value) -> Value {
    accepted(&post(server, "clock", body).await)
}

#[tokio::test]
async fn it_is_set_and_moved_and_runs_on() {
    let server = TestServer::dev().await;
    let shown = clock(&server, json!({"set": "2030-01-01T00:00:00Z"})).await;
    assert_eq!(
        shown,
        json!({"now": "2030-01-01T00:00:00Z", "unix": 1_893_456_000, "running": true})
    );
    let shown = clock(&server, json!({"advance": "1h30m"})).await;
    assert_eq!(shown["now"], "2030-01-01T01:30:00Z");
    // The test's own clock below it goes on.
    server.advance(5);
    let shown = accepted(&get(&server, "clock").await);
    assert_eq!(shown["now"], "2030-01-01T01:30:05Z");
    let back = clock(&server, json!({"set": 1_000_000_000})).await;
    assert_eq!(back["now"], "2001-09-09T01:46:40Z");
}

#[tokio::test]
async fn it_stops_and_runs_on_from_there() {
    let server = TestServer::dev().await;
    let set = json!({"set": "2030-01-01T00:00:00Z", "running": false});
    assert_eq!(clock(&server, set).await["running"], false);
    server.advance(60);
    assert_eq!(
        accepted(&get(&server, "clock").await)["unix"],
        1_893_456_000
    );
    let moved = clock(&server, json!({"advance": 1})).await;
    assert_eq!(
        (&moved["unix"], &moved["running"]),
        (&json!(1_893_456_001), &json!(false))
    );
    clock(&server, json!({"running": true})).await;
    server.advance(2);
    assert_eq!(
        accepted(&get(&server, "clock").await)["unix"],
        1_893_456_003
    );
}

#[tokio::test]
async fn a_clock_that_the_configuration_stopped_can_run() {
    let settings = Settings {
        system_time: Some(Timestamp::from_unix_seconds(1_000)),
        ..Settings::for_tests()
    };
    let server = TestServer::start(settings).await;
    let shown = accepted(&get(&server, "clock").await);
    assert_eq!(
        (&shown["unix"], &shown["running"]),
        (&json!(1_000), &json!(false))
    );
    clock(&server, json!({"running": true})).await;
    server.advance(3);
    assert_eq!(accepted(&get(&server, "clock").await)["unix"], 1_003);
    accepted(&post(&server, "reset", json!({})).await);
    assert_eq!(accepted(&get(&server, "clock").await)["unix"], 1_000);
}

#[tokio::test]
async fn tokens_and_codes_end_by_it() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid", "ada").await;
    let access_token = tokens.member("access_token");
    let device = server
        .start_device("cli", "openid")
        .await
        .member("device_code");
    assert_eq!(server.userinfo(&access_token).await.status, 200);
    clock(&server, json!({"advance": "601s"})).await;
    let poll = server.poll("cli", &device).await;
    assert_eq!(poll.refusal(), (400, "expired_token".to_owned()));
    assert_eq!(server.userinfo(&access_token).await.status, 200);
    clock(&server, json!({"advance": "50m"})).await;
    assert_eq!(server.userinfo(&access_token).await.status, 401);
    let iat = server
        .sign_in("cli", "openid", "ada")
        .await
        .claims("access_token")["iat"]
        .clone();
    assert_eq!(iat, accepted(&get(&server, "clock").await)["unix"]);
}

#[tokio::test]
async fn the_interval_of_a_device_is_kept_by_it() {
    let server = TestServer::dev().await;
    let device = server
        .start_device("cli", "openid")
        .await
        .member("device_code");
    let error = |answer: Answer| answer.member("error");
    assert_eq!(
        error(server.poll("cli", &device).await),
        "authorization_pending"
    );
    assert_eq!(error(server.poll("cli", &device).await), "slow_down");
    clock(&server, json!({"advance": "10s"})).await;
    assert_eq!(
        error(server.poll("cli", &device).await),
        "authorization_pending"
    );
}

#[tokio::test]
async fn what_it_does_not_understand_is_explained() {
    let server = TestServer::dev().await;
    let cases = [
        (
            json!({}),
            ("missing_field", "advance", "`set`, `advance` or `running`"),
        ),
        (
            json!({"advace": "1h"}),
            ("unknown_field", "advace", "did you mean `advance`?"),
        ),
        (
            json!({"zzz": 1}),
            (
                "unknown_field",
                "zzz",
                "known are `set`, `advance`, `running`",
            ),
        ),
        (
            json!({"advance": "1 hour"}),
            ("invalid_value", "advance", "1h30m"),
        ),
        (
            json!({"advance": -5}),
            ("invalid_value", "advance", "-5 is no span"),
        ),
        (
            json!({"advance": "999999d"}),
            ("invalid_value", "advance", "no span"),
        ),
        (
            json!({"set": "tomorrow"}),
            ("invalid_value", "set", "2030-01-01T00:00:00Z"),
        ),
        (
            json!({"set": "1969-12-31T23:59:59Z"}),
            ("invalid_value", "set", "1970"),
        ),
        (
            json!({"running": "yes"}),
            ("invalid_value", "running", "true or false"),
        ),
        (
            json!({"set": 1, "advance": 1}),
            ("invalid_value", "advance", "exclude"),
        ),
    ];
    let before = accepted(&get(&server, "clock").await);
    for (body, expected) in cases {
        is_refused(&server, "clock", body, expected).await;
    }
    assert_eq!(accepted(&get(&server, "clock").await), before);
    clock(&server, json!({"set": "9998-12-31T00:00:00Z"})).await;
    let beyond = ("invalid_value", "advance", "9998");
    is_refused(&server, "clock", json!({"advance": "2d"}), beyond).await;
    server.clock.advance(Duration::from_secs(1));
}
