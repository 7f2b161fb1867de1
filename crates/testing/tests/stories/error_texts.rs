//! What a person reads when something goes wrong, word for word: each situation is made, none is
//! imitated.

use std::net::TcpListener;

use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use hallpass_testing::Terminal;
use serde_json::json;
use url::Url;

use crate::between::{Between, Reply};
use crate::home::Home;
use crate::server_process::{Server, user_code};

/// The words of a sign-in by browser at an issuer.
fn browser<'a>(issuer: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = [
        "login",
        "--no-browser",
        "--issuer",
        issuer,
        "--client-id",
        "acme-cli",
    ];
    [&words, more].concat()
}

/// The address that a sign-in in a terminal shows.
fn address(terminal: &Terminal) -> Url {
    terminal.wait_until("an address", |screen| {
        let line = screen.lines().find(|line| line.contains("/authorize?"))?;
        Url::parse(line.trim())
            .ok()
            .filter(|_| screen.contains("\n> "))
    })
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.map(|(_, value)| value.into_owned())
}

/// A terminal in which no sentence is wrapped, on a machine with a browser.
fn wide(home: &Home, words: &[&str]) -> Terminal {
    let mut command = home.hallpass(words);
    command.env("BROWSER", home.browser());
    Terminal::start(command, 400, 50)
}

/// What goes to the listener of a sign-in.
async fn call_back(url: &str, query: &str) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(format!("{url}?{query}"))
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[test]
fn a_port_that_is_busy_names_who_holds_it() {
    let (server, home) = (Server::start(), Home::new());
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let words = server.login(&["--flow", "browser", "--callback-port", &port]);
    let ended = wide(&home, &words).end();
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
    let expected = format!(
        "hallpass: cannot listen on 127.0.0.1:{port} (in use by pid {} {})\n",
        std::process::id(),
        comm.trim()
    );
    assert_eq!(ended.code, Some(5), "{}", ended.text);
    assert!(
        ended.text.contains(&expected),
        "{expected} in {}",
        ended.text
    );
    assert!(
        ended
            .text
            .ends_with("  hint: --callback-port 0, or free the port\n"),
        "{}",
        ended.text
    );
}

#[test]
fn a_redirect_that_the_server_refuses_is_named_with_what_to_register() {
    let (server, home) = (Server::start(), Home::new());
    let between = Between::start(&server.url, |passing| {
        if passing.path.ends_with("/par") || passing.path.contains("pushed") {
            let text = "redirect_uri is not registered";
            let document = json!({ "error": "invalid_request", "error_description": text });
            return Reply::json(400, &document);
        }
        passing.forward()
    });
    let issuer = between.issuer();
    let ended = wide(&home, &browser(&issuer, &[])).end();
    assert_eq!(ended.code, Some(5), "{}", ended.text);
    let words = "hallpass: 127.0.0.1 refused redirect http://127.0.0.1:";
    assert!(ended.text.contains(words), "{}", ended.text);
    for words in [
        "/callback (invalid redirect_uri)\n",
        "  hint: register http://127.0.0.1/callback for client acme-cli; this server needs exact \
         ports? set callback_ports\n",
    ] {
        assert!(ended.text.contains(words), "{words} in {}", ended.text);
    }
}

#[tokio::test]
async fn c_15_a_foreign_state_is_ignored_twice_and_ends_the_sign_in_the_third_time() {
    let (server, home) = (Server::start(), Home::new());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let port = port.to_string();
    let words = browser(&server.issuer, &["--callback-port", &port]);
    let terminal = wide(&home, &words);
    address(&terminal);
    let listener = format!("http://127.0.0.1:{port}/callback");
    for _ in 0..2 {
        assert_eq!(call_back(&listener, "code=c&state=theirs").await, 400);
        terminal.wait_for("ignored a callback that is not ours (state differs); still waiting");
    }
    assert_eq!(call_back(&listener, "code=c&state=theirs").await, 400);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(8), "{}", ended.text);
    assert!(home.sessions().is_empty());
}

#[tokio::test]
async fn c_30_an_answer_of_another_issuer_is_refused_and_nothing_is_sent() {
    let (server, home) = (Server::start(), Home::new());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let port = port.to_string();
    let words = browser(&server.issuer, &["--callback-port", &port]);
    let terminal = wide(&home, &words);
    let url = address(&terminal);
    let Some(state) = parameter(&url, "state") else {
        // With a pushed request the address has no state: the server tells it with its own answer.
        let person = server.person();
        let page = person.open(url.as_str()).await;
        let answer = person.submit(&page, &[("username", "ada")]).await;
        let query = Url::parse(answer.header("location")).unwrap();
        let state = parameter(&query, "state").unwrap();
        return evil(&server, &home, terminal, &port, &state).await;
    };
    evil(&server, &home, terminal, &port, &state).await;
}

async fn evil(server: &Server, home: &Home, terminal: Terminal, port: &str, state: &str) {
    let listener = format!("http://127.0.0.1:{port}/callback");
    let query = format!("code=c&state={state}&iss=https%3A%2F%2Fevil.example");
    call_back(&listener, &query).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(8), "{}", ended.text);
    let expected = format!(
        "hallpass: callback came from https://evil.example, expected {}. Nothing was sent\n",
        server.issuer
    );
    assert!(ended.text.contains(&expected), "{}", ended.text);
    assert!(home.sessions().is_empty());
}

#[tokio::test]
async fn who_declines_reads_that_it_was_declined() {
    let (server, home) = (Server::start(), Home::new());
    let terminal = wide(&home, &server.login(&["--device"]));
    let code = terminal.wait_until("a user code", user_code);
    let person = server.person();
    let page = person.enter_code(&code, "ada").await;
    person.submit(&page, &[("action", "deny")]).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    let expected = "hallpass: you (or your organisation) declined the request: access_denied";
    assert!(ended.text.contains(expected), "{}", ended.text);
}

/// The seconds that a text names between two words.
fn seconds(text: &str, before: &str, after: &str) -> i64 {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no `{before}` in {text}"));
    rest.split_once(after).unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn q_40_an_id_token_of_the_future_tells_which_clock_is_wrong() {
    const AHEAD: i64 = 140;
    const SLOW: i64 = 92;
    let (server, home) = (Server::start(), Home::new());
    let person = server.person();
    let clock = format!("{}/_hallpass/clock", server.url);
    let advance = person
        .http()
        .post(clock)
        .json(&json!({ "advance": format!("{AHEAD}s") }));
    assert_eq!(person.send(advance).await.status, 200);
    let between = Between::start(&server.url, |passing| {
        let mut reply = passing.forward();
        let date = SystemClock.now().unix_seconds() + SLOW;
        let date = jiff::Timestamp::from_second(date).unwrap();
        let date = date.strftime("date: %a, %d %b %Y %H:%M:%S GMT").to_string();
        reply.headers.retain(|line| !line.starts_with("date:"));
        reply.headers.push(date);
        reply
    });
    let issuer = between.issuer();
    let words = [
        "login",
        "--device",
        "--issuer",
        &issuer,
        "--client-id",
        "acme-cli",
    ];
    let terminal = wide(&home, &words);
    let code = terminal.wait_until("a user code", user_code);
    person.approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(8), "{}", ended.text);
    let text = &ended.text;
    let ahead = seconds(
        text,
        "hallpass: ID token is ",
        " s in the future; this machine's clock is ",
    );
    let slow = seconds(
        text,
        "this machine's clock is ",
        " s slow (server Date header)\n  hint: sync the clock",
    );
    assert!(
        (ahead - AHEAD).abs() <= 5 && (slow - SLOW).abs() <= 3,
        "{text}"
    );
    assert!(home.sessions().is_empty());
}

#[tokio::test]
async fn an_offline_machine_keeps_its_session() {
    let home = Home::new();
    let server = Server::start();
    server.sign_in(&home).await;
    let host = Url::parse(&server.issuer).unwrap();
    let host = format!("{}:{}", host.host_str().unwrap(), host.port().unwrap());
    drop(server);
    let offline = home.run(&["token", "--refresh"]);
    assert_eq!(offline.code, Some(7), "{offline}");
    let expected =
        format!("hallpass: cannot reach {host} (connection refused); your session is kept\n");
    assert!(offline.stderr.starts_with(&expected), "{offline}");
    // It is: what is still good is handed out.
    home.runs(&["token"]);
}

#[test]
fn a_client_secret_on_the_command_line_is_refused_and_not_repeated() {
    let home = Home::new();
    for words in [
        &["login", "--client-secret", "canary"][..],
        &["login", "--client-secret=canary"],
    ] {
        let refused = home.run(words);
        assert_eq!(refused.code, Some(2), "{refused}");
        assert_eq!(
            refused.stderr,
            "hallpass: --client-secret is not accepted on the command line (visible in ps)\n  \
             hint: --client-secret-file, --client-secret-stdin\n"
        );
    }
}

#[tokio::test]
async fn a_machine_without_a_keychain_says_so_once() {
    let (server, home) = (Server::start(), Home::new());
    let notice = "system keychain not reachable (no D-Bus session); using a 0600 file instead. hint: \
        --store sealed with HALLPASS_PASSPHRASE_FILE to encrypt it. This is shown once.\n";
    for is_first in [true, false] {
        let terminal = wide(&home, &server.login(&["--device", "--force"]));
        let code = terminal.wait_until("a user code", user_code);
        server.person().approve(&code, "ada").await;
        let ended = terminal.end();
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert_eq!(ended.text.contains(notice), is_first, "{}", ended.text);
    }
}
