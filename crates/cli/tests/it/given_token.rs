//! `HALLPASS_TOKEN` goes before every session, in every command: it is used, refused or announced.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::Value;

use crate::hallpass::{Home, Ran};
use crate::server::Server;
use crate::story::sign_in;

/// Runs a command with this token, for these places.
fn with(home: &Home, words: &[&str], (token, places): (&str, &str)) -> Ran {
    let mut command = home.command(words);
    command
        .env("HALLPASS_TOKEN", token)
        .env("HALLPASS_TOKEN_FOR", places);
    Ran::from(command.output().unwrap())
}

/// What came to the API, as its server saw it.
fn authorizations(server: &Server) -> Vec<String> {
    let seen = server.requests("userinfo");
    let headers = seen.iter().map(|request| &request["headers"]);
    let texts = headers.map(|headers| headers["authorization"].as_str().unwrap_or_default());
    texts.map(str::to_owned).collect()
}

#[test]
fn c_81_a_request_carries_the_token_of_the_environment_and_only_where_it_is_said() {
    let (ada, nobody) = (Home::new(), Home::new());
    let server = Server::start(&ada);
    let (issuer, origin) = (server.issuer(), server.origin());
    let url = format!("{issuer}/userinfo");
    // No profile, no session, only the token and its place.
    let ran = with(&nobody, &["request", "GET", &url], ("given", &origin));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("the API answered 401"), "{ran}");
    assert_eq!(authorizations(&server), ["Bearer given"]);

    // Elsewhere not a byte is sent.
    for places in ["", "https://api.test"] {
        let ran = with(&nobody, &["request", "GET", &url], ("given", places));
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{places}: {ran}");
        let hint = format!("hint: if it should be: add {origin} to HALLPASS_TOKEN_FOR");
        assert!(ran.stderr.contains(&hint), "{ran}");
    }
    assert_eq!(authorizations(&server).len(), 1);

    // It goes before the session of a profile, to the places of that profile.
    let words = ["work", "--issuer", &issuer, "--client-id", "cli"];
    let signed_in = sign_in(&ada, &[&words[..], &["--resource", &origin]].concat());
    assert_eq!(signed_in.code, 0, "{signed_in}");
    let ran = with(&ada, &["request", "GET", &url], ("given", ""));
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(authorizations(&server).last().unwrap(), "Bearer given");

    // A good one opens what it is for, and `-v` says where it is from.
    let token = ada.run(&["token"]).stdout;
    let words = ["request", "GET", &url, "--json", "-v"];
    let ran = with(&nobody, &words, (token.trim_end(), &origin));
    assert_eq!(ran.json()["body"]["sub"], "ada", "{ran}");
    assert!(ran.stderr.contains("HALLPASS_TOKEN is set"), "{ran}");
    assert!(!ran.stderr.contains(token.trim_end()), "{ran}");
    // Nothing of it is kept.
    assert!(!nobody.path("state/sessions").exists());
}

/// Answers one request with this head, and returns the request.
fn answers_once(head: String) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut seen, mut chunk) = (Vec::new(), [0; 1024]);
        while !seen.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut chunk).unwrap();
            seen.extend_from_slice(&chunk[..read]);
        }
        let answer = format!("{head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(seen).unwrap().to_lowercase()
    });
    (origin, served)
}

#[test]
fn c_81_a_redirect_to_another_place_loses_the_token_of_the_environment() {
    let home = Home::new();
    let (stranger, at_stranger) = answers_once("HTTP/1.1 200 OK".to_owned());
    let head = format!("HTTP/1.1 302 Found\r\nlocation: {stranger}/x");
    let (api, at_api) = answers_once(head);
    let ran = with(&home, &["request", "GET", &api], ("given", &api));
    assert_eq!(ran.code, 0, "{ran}");
    let (first, second) = (at_api.join().unwrap(), at_stranger.join().unwrap());
    assert!(
        first.contains("\r\nauthorization: bearer given\r\n"),
        "{first}"
    );
    assert!(second.starts_with("get /x "), "{second}");
    assert!(
        !second.contains("authorization") && !second.contains("given"),
        "{second}"
    );
}

#[test]
fn with_a_token_of_the_environment_nobody_has_to_sign_in() {
    let home = Home::new();
    // Nothing listens there: whoever asks fails with 7.
    let server = ["--issuer", "http://127.0.0.1:1/x", "--client-id", "cli"];
    let login = |more: &[&str]| {
        let words = [&["login"], &server[..], more].concat();
        with(&home, &words, ("given", ""))
    };
    for more in [&[][..], &["--flow", "auto"]] {
        let ran = login(more);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran}");
        assert!(
            ran.stderr
                .contains("HALLPASS_TOKEN is used instead of a session"),
            "{ran}"
        );
    }
    let explained = login(&["--explain"]);
    assert!(explained.stderr.contains("HALLPASS_TOKEN"), "{explained}");
    let answer = login(&["--json"]).json();
    assert_eq!(
        (&answer["schema"], &answer["chosen_by"]),
        (&"hallpass.whoami/1".into(), &"HALLPASS_TOKEN".into())
    );
    let ran = login(&["--events"]);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(events[0]["why"], serde_json::json!(["HALLPASS_TOKEN"]));
    assert_eq!(
        events[1],
        serde_json::json!({"event": "done", "subject": null})
    );

    // Who asks for a sign-in in any case gets one; here nobody, or nothing, is there for it.
    for (more, code) in [
        (&["--force"][..], 4),
        (&["--device"], 7),
        (&["--flow", "browser"], 7),
    ] {
        assert_eq!(login(more).code, code, "{more:?}");
    }
    let malformed = with(&home, &["login"], ("two words", ""));
    assert_eq!(malformed.code, 5, "{malformed}");
    // One that is empty is none.
    assert_eq!(with(&home, &["login"], ("", "")).code, 4);
}

#[test]
fn a_sign_in_beside_the_token_of_the_environment_says_which_of_them_counts() {
    let home = Home::new();
    let server = Server::start(&home);
    let words = ["--issuer", &server.issuer(), "--client-id", "cli"];
    let ran = sign_in(&home, &words);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stderr.contains("HALLPASS_TOKEN"), "{ran}");
    let told = "! HALLPASS_TOKEN is still set, and goes before every session";
    for words in [
        &["login", "--browser"][..],
        &["whoami", "--all"],
        &["logout"],
    ] {
        let ran = with(&home, words, ("given", ""));
        assert_eq!(ran.code, 0, "{words:?}: {ran}");
        assert!(ran.stderr.contains(told), "{words:?}: {ran}");
    }
}

#[test]
fn c_81_what_needs_a_session_does_not_take_one_behind_the_back_of_the_token() {
    let home = Home::new();
    let server = Server::start(&home);
    let ran = sign_in(&home, &["--issuer", &server.issuer(), "--client-id", "cli"]);
    assert_eq!(ran.code, 0, "{ran}");
    // The sign-in asked for the name.
    let before = authorizations(&server);
    for words in [
        &["userinfo"][..],
        &["whoami", "--userinfo"],
        &["exchange", "--audience", "x"],
        &["token", "--refresh"],
        &["token", "--type", "id"],
    ] {
        let ran = with(&home, words, ("given", ""));
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{words:?}: {ran}");
        assert!(
            ran.stderr
                .contains("HALLPASS_TOKEN is only an access token"),
            "{words:?}: {ran}"
        );
        assert!(!ran.to_string().contains("given"), "{ran}");
    }
    assert_eq!(authorizations(&server), before);
}
