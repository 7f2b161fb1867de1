//! Polls that wait: `Prefer: wait=N` (RFC 7240 §4.3) at the token endpoint, row S-271 and its attack.

use std::time::{Duration, Instant};

use hallpass_server::Settings;
use hallpass_testing::{Answer, TestServer};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::control::{accepted, get, post};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PENDING: &str = "authorization_pending";
/// Far longer than any test takes: who hears before was woken.
const LONG: &str = "wait=25";
const AT_ONCE: Duration = Duration::from_secs(12);

/// A started device: its device code and its user code.
async fn start(server: &TestServer) -> (String, String) {
    let started = server.start_device("cli", "openid offline_access").await;
    assert_eq!(started.status, 200, "{}", started.body);
    (started.member("device_code"), started.member("user_code"))
}

fn request(
    server: &TestServer,
    client: &str,
    device_code: &str,
    prefer: &str,
) -> reqwest::RequestBuilder {
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", client),
        ("device_code", device_code),
    ];
    let request = server.http().post(server.url("/default/token")).form(&form);
    if prefer.is_empty() {
        return request;
    }
    request.header("prefer", prefer)
}

/// Polls, and waits for the answer.
async fn poll(server: &TestServer, device_code: &str, prefer: &str) -> Answer {
    server
        .send(request(server, "cli", device_code, prefer))
        .await
}

/// Polls, and goes on when the poll waits: on one thread, what has arrived at the control API's
/// list has its place too.
async fn hold(server: &TestServer, device_code: &str, prefer: &str) -> JoinHandle<Answer> {
    let before = arrived(server).await;
    let asked = request(server, "cli", device_code, prefer).send();
    let held = tokio::spawn(async move { Answer::read(asked.await.unwrap()).await });
    until_arrived(server, before + 1).await;
    held
}

async fn arrived(server: &TestServer) -> usize {
    let shown = accepted(&get(server, "requests?endpoint=token").await);
    shown["requests"].as_array().unwrap().len()
}

async fn until_arrived(server: &TestServer, wanted: usize) {
    let arrived = async { while arrived(server).await < wanted {} };
    tokio::time::timeout(AT_ONCE, arrived)
        .await
        .expect("the poll arrives");
}

/// The answer of a held poll that must not need its whole wait.
async fn at_once(held: JoinHandle<Answer>) -> Answer {
    tokio::time::timeout(AT_ONCE, held)
        .await
        .expect("nobody waits for the end")
        .unwrap()
}

#[track_caller]
fn is_refused(answer: &Answer, code: &str) {
    assert_eq!(answer.refusal(), (400, code.to_owned()), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[track_caller]
fn was_held(answer: &Answer, applied: &str) {
    assert_eq!(answer.header("preference-applied"), applied);
}

#[tokio::test]
async fn s_271_a_held_poll_has_its_tokens_as_soon_as_somebody_approves() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    // Tokens live from when they are given, not from when they were asked for.
    server.advance(9);
    server.person().approve(&user_code, "ada").await;
    let tokens = at_once(held).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    was_held(&tokens, LONG);
    let issued = tokens.claims("access_token")["iat"].as_i64().unwrap();
    assert_eq!(issued, hallpass_testing::server::START + 9);
    assert!(server.is_active(&tokens.member("access_token")).await);
    is_refused(&poll(&server, &device_code, LONG).await, "invalid_grant");
}

#[tokio::test]
async fn s_271_a_denial_an_end_and_a_withdrawal_are_told_at_once() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    server.person().deny(&user_code, "ada").await;
    is_refused(&at_once(held).await, "access_denied");

    let (device_code, _) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    server.advance(600);
    let expired = at_once(held).await;
    is_refused(&expired, "expired_token");
    was_held(&expired, LONG);

    let (device_code, user_code) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    let expire = json!({"action": "expire"});
    accepted(&post(&server, &format!("device/{user_code}"), expire).await);
    is_refused(&at_once(held).await, "expired_token");

    let (device_code, _) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    let form = [("client_id", "cli"), ("token", device_code.as_str())];
    assert_eq!(server.post("/default/revoke", &form).await.status, 200);
    is_refused(&at_once(held).await, "access_denied");
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a held poll takes is its rule"
)]
#[tokio::test]
async fn s_271_who_is_answered_late_may_ask_again_at_once() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    is_refused(&poll(&server, &device_code, "").await, PENDING);
    let began = Instant::now();
    // It comes early, and its answer does not.
    let held = hold(&server, &device_code, "respond-async, wait=1").await;
    server.advance(25);
    let answer = at_once(held).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
    is_refused(&answer, PENDING);
    was_held(&answer, "wait=1");
    is_refused(&poll(&server, &device_code, "").await, PENDING);
    // That is no way around the pace.
    let early = poll(&server, &device_code, "wait=1").await;
    is_refused(&early, "slow_down");
    assert_eq!(early.json()["interval"], 10);
}

#[tokio::test]
async fn s_271_the_settings_say_how_long_and_zero_holds_nobody() {
    let mut settings = Settings::for_tests();
    settings.long_polls.longest = Duration::from_secs(1);
    let server = TestServer::start(settings.clone()).await;
    let (device_code, _) = start(&server).await;
    let answer = poll(&server, &device_code, "wait=600").await;
    is_refused(&answer, PENDING);
    was_held(&answer, "wait=1");

    for (longest, most, prefer) in [(0, 10_000, LONG), (25, 0, LONG), (25, 9, "wait=0")] {
        settings.long_polls.longest = Duration::from_secs(longest);
        settings.long_polls.most = most;
        let server = TestServer::start(settings.clone()).await;
        let (device_code, _) = start(&server).await;
        let answer = at_once(hold(&server, &device_code, prefer).await).await;
        is_refused(&answer, PENDING);
        was_held(&answer, "");
    }
}

#[tokio::test]
async fn s_271_a_105_a_closed_connection_redeems_nothing() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let mut dying = raw_poll(&server, &device_code).await;
    dying.shutdown().await.unwrap();
    // The server has hung up too: it waits for nobody.
    let mut buffer = [0; 16];
    let closed = dying.read(&mut buffer);
    let closed = tokio::time::timeout(AT_ONCE, closed).await;
    assert_eq!(closed.expect("the server hangs up").unwrap_or_default(), 0);
    server.person().approve(&user_code, "ada").await;
    let tokens = poll(&server, &device_code, LONG).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    was_held(&tokens, "");
}

#[tokio::test]
async fn s_271_a_105_a_newer_poll_takes_over_from_a_connection_that_died_without_a_word() {
    for newer in [LONG, ""] {
        let server = TestServer::dev().await;
        let (device_code, user_code) = start(&server).await;
        let mut silent = raw_poll(&server, &device_code).await;
        server.advance(6);
        let newer = if newer.is_empty() {
            is_refused(&poll(&server, &device_code, "").await, PENDING);
            server.person().approve(&user_code, "ada").await;
            poll(&server, &device_code, "").await
        } else {
            let held = hold(&server, &device_code, newer).await;
            server.person().approve(&user_code, "ada").await;
            at_once(held).await
        };
        assert_eq!(newer.status, 200, "{}", newer.body);
        let mut buffer = vec![0; 4096];
        let read = tokio::time::timeout(AT_ONCE, silent.read(&mut buffer)).await;
        let length = read.expect("it is answered").unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains(PENDING) && answer.contains("preference-applied: wait=25"));
        assert!(server.is_active(&newer.member("access_token")).await);
    }
}

/// A poll on a connection of its own that waits.
async fn raw_poll(server: &TestServer, device_code: &str) -> TcpStream {
    let before = arrived(server).await;
    let address = server.url("").replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = format!(
        "grant_type={}&client_id=cli&device_code={device_code}",
        DEVICE_CODE.replace(':', "%3A")
    );
    let head = format!(
        "POST /default/token HTTP/1.1\r\nhost: localhost\r\nprefer: {LONG}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until_arrived(server, before + 1).await;
    stream
}

#[tokio::test]
async fn s_271_of_many_polls_of_one_code_the_last_waits_and_one_redeems() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let mut polls = Vec::new();
    for _ in 0..30 {
        polls.push(hold(&server, &device_code, LONG).await);
    }
    let last = polls.pop().unwrap();
    for poll in polls {
        is_refused(&at_once(poll).await, PENDING);
    }
    server.person().approve(&user_code, "ada").await;
    let tokens = at_once(last).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn s_271_a_stranger_ends_nobodys_wait() {
    let server = TestServer::dev().await;
    let (device_code, user_code) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    // Another client with the code; another key than none would be the same.
    let other = server.send(request(&server, "other", &device_code, LONG));
    is_refused(&other.await, "invalid_grant");
    let guess = poll(&server, &format!("hpd_{}", "a".repeat(43)), LONG).await;
    is_refused(&guess, "invalid_grant");
    server.person().approve(&user_code, "ada").await;
    assert_eq!(at_once(held).await.status, 200);
}

#[tokio::test]
async fn s_271_a_105_the_21st_poll_of_an_address_is_answered_at_once() {
    let server = TestServer::dev().await;
    let mut held = Vec::new();
    let mut codes = Vec::new();
    for _ in 0..20 {
        let (device_code, user_code) = start(&server).await;
        held.push(hold(&server, &device_code, LONG).await);
        codes.push((device_code, user_code));
    }
    let (device_code, user_code) = start(&server).await;
    let answer = at_once(hold(&server, &device_code, LONG).await).await;
    is_refused(&answer, PENDING);
    was_held(&answer, "");
    // Whoever has a place may renew it.
    server.advance(6);
    let (first, _) = &codes[0];
    let renewed = hold(&server, first, LONG).await;
    is_refused(&at_once(held.remove(0)).await, PENDING);
    server.person().approve(&codes[0].1, "ada").await;
    assert_eq!(at_once(renewed).await.status, 200);
    // One place is free again.
    let last = hold(&server, &device_code, LONG).await;
    server.person().approve(&user_code, "ada").await;
    let tokens = at_once(last).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    was_held(&tokens, LONG);
    assert!(held.iter().all(|poll| !poll.is_finished()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a held poll takes is its rule"
)]
#[tokio::test]
async fn s_271_a_server_that_stops_answers_everybody_who_waits() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    // It came early, and is no worse off for the stop.
    is_refused(&poll(&server, &device_code, "").await, PENDING);
    let held = hold(&server, &device_code, LONG).await;
    let began = Instant::now();
    server.stop().await;
    let answer = at_once(held).await;
    is_refused(&answer, PENDING);
    was_held(&answer, LONG);
    assert!(began.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn s_271_a_reset_between_tests_leaves_nobody_waiting() {
    let server = TestServer::dev().await;
    let (device_code, _) = start(&server).await;
    let held = hold(&server, &device_code, LONG).await;
    accepted(&post(&server, "reset", json!({})).await);
    is_refused(&at_once(held).await, PENDING);
}
