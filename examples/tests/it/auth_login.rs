//! `auth login` as a real process against a real server: each flag reaches the wire or the terminal.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use hallpass_testing::{Terminal, TestServer};
use serde_json::Value;

use crate::events::{API, Does, PROGRAM, browse, drive, next, sent, start};
use crate::world::{EVERY_SECOND, Home, Running, approve, server, user_code};

const DEVICE: &str = "device_authorization";
const PUSHED: &str = "pushed_authorization_request";

/// `auth` with these words, in a terminal with room for a QR code.
fn in_terminal(home: &Home, server: &TestServer, words: &[&str]) -> Terminal {
    let mut command = home.program(PROGRAM, &server.issuer(), API);
    command.arg("auth").args(words);
    Terminal::start(command, 100, 60)
}

/// `auth status --json`.
fn status(home: &Home, server: &TestServer) -> Value {
    let mut command = home.program(PROGRAM, &server.issuer(), API);
    command.args(["auth", "status", "--json", "--offline"]);
    let (code, said) = Running::start(command).end();
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_sign_in_as_events_asks_for_the_programs_scopes_and_one_more() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    for flow in [&["--device"][..], &["--flow", "device", "--force"]] {
        let words = [flow, &["--scope", "report:read"]].concat();
        let driven = drive(&home, &server, &words, Does::SignsInAs("ada")).await;
        assert_eq!(
            (driven.code, driven.talk.as_str()),
            (Some(0), ""),
            "{driven:#?}"
        );
        assert_eq!(driven.event("flow")["flow"], "device");
        let code = driven.event("device_code");
        assert_eq!(
            code["verification_uri"],
            format!("{}/device", server.issuer())
        );
        assert_eq!(code["interval"], 1);
        assert_eq!(driven.last()["event"], "done");
        assert_eq!(driven.last()["subject"], "ada");
        let form = sent(&server, DEVICE).await.pop().unwrap();
        let scope = form["scope"].as_str().unwrap().split(' ');
        let mut scope: Vec<_> = scope.collect();
        scope.sort_unstable();
        assert_eq!(
            scope,
            ["offline_access", "openid", "report:read", "report:write"]
        );
        assert_eq!(form["client_id"], "acme-daemon");
        assert_eq!(form["resource"], API);
    }
    assert!(
        status(&home, &server)["scopes"]
            .as_array()
            .unwrap()
            .contains(&"report:read".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_sign_in_tells_the_server_what_the_flags_say() {
    let (server, home) = (server("").await, Home::new());
    let port = free_port().to_string();
    let words = [
        &[
            "--flow",
            "browser",
            "--no-browser",
            "--callback-port",
            &port,
        ][..],
        &[
            "--callback-host",
            "localhost",
            "--login-hint",
            "ada",
            "--prompt",
            "consent",
        ],
        &["--acr", "mfa", "--acr", "pwd", "--max-age", "60"],
        &["--audience", "reports", "--audience", "urn:b"],
    ];
    let mut program = start(&home, &server, &words.concat());
    let url = loop {
        let event = next(&mut program).unwrap();
        assert_ne!(event["event"], "browser", "none was to be started");
        if event["event"] == "authorize_url" {
            break event;
        }
    };
    assert_eq!(url["port"].to_string(), port);
    let form = sent(&server, PUSHED).await.pop().unwrap();
    for (name, value) in [
        (
            "redirect_uri",
            format!("http://localhost:{port}/callback").as_str(),
        ),
        ("login_hint", "ada"),
        ("prompt", "consent"),
        ("acr_values", "mfa pwd"),
        ("max_age", "60"),
        ("client_id", "acme-daemon"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(form[name], value, "{form:#}");
    }
    assert_eq!(form["audience"], serde_json::json!(["reports", "urn:b"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_started_unless_it_is_not_wanted() {
    let (server, home) = (server("").await, Home::new());
    let browser = home.path("browser");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n",
        home.path("opened").display()
    );
    std::fs::write(&browser, script).unwrap();
    std::fs::set_permissions(&browser, PermissionsExt::from_mode(0o700)).unwrap();
    for (words, opens) in [
        (&["--browser"][..], true),
        (&["--browser", "--no-browser"], false),
    ] {
        let mut command = home.program(PROGRAM, &server.issuer(), API);
        command
            .args(["auth", "login", "--events", "--force"])
            .args(words);
        let mut program = Running::start(command.env("BROWSER", &browser).env("DISPLAY", ":9"));
        let (mut url, mut has_opened) = (None, false);
        while let Some(event) = next(&mut program) {
            has_opened |= event["event"] == "browser" && event["opened"] == true;
            if let Some(found) = event["url"].as_str() {
                url = Some(found.to_owned());
            }
            if let Some(url) = url.take_if(|_| has_opened == opens) {
                browse(&server.person(), &url, "ada").await;
            }
        }
        let (code, talk) = program.end();
        assert_eq!((code, talk.as_str(), has_opened), (Some(0), "", opens));
    }
    let opened = std::fs::read_to_string(home.path("opened")).unwrap();
    assert_eq!(opened.lines().count(), 1, "{opened}");
    assert!(opened.contains("/authorize?"), "{opened}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_20_the_address_of_the_failed_page_is_pasted() {
    let (server, home) = (server("").await, Home::new());
    for words in [
        &["--flow", "paste"][..],
        &["--browser", "--no-browser", "--force"],
    ] {
        let terminal = in_terminal(&home, &server, &[&["login"], words].concat());
        let screen = terminal.wait_for("\n> ");
        let mut lines = screen.lines().map(str::trim);
        let url = lines.find(|line| line.contains("/authorize?")).unwrap();
        let person = server.person();
        let page = person.open(url).await;
        let answer = person.submit(&page, &[("username", "ada")]).await;
        terminal.press(&format!("{}\n", answer.header("location")));
        let ended = terminal.end();
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert!(ended.text.contains("✔ Signed in as ada"), "{}", ended.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qr_code_is_drawn_unless_it_is_not_wanted() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    for (flags, is_drawn) in [
        (&[][..], true),
        (&["--qr"], true),
        (&["--no-qr"], false),
        (&["--no-qr", "--qr"], true),
    ] {
        let words = [&["login", "--device"], flags].concat();
        let terminal = in_terminal(&home, &server, &words);
        let screen = terminal.wait_for("Waiting");
        assert_eq!(
            screen.contains(['▀', '▄']),
            is_drawn,
            "{flags:?}:\n{screen}"
        );
        assert!(user_code(&screen).is_some(), "{screen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_bound_to_a_key_as_the_flags_say() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    for (words, token_type) in [
        (&["--device", "--no-dpop"][..], "Bearer"),
        (&["--device", "--dpop"], "DPoP"),
    ] {
        // The first session is not bound, so `--dpop` needs no `--force`.
        let driven = drive(&home, &server, words, Does::SignsInAs("ada")).await;
        assert_eq!(driven.code, Some(0), "{driven:#?}");
        assert_eq!(status(&home, &server)["token_type"], token_type);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_used_until_force_says_otherwise() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    for (words, asked) in [
        (&["--device"][..], 1),
        (&["--device"], 1),
        (&["--device", "--force"], 2),
    ] {
        let driven = drive(&home, &server, words, Does::SignsInAs("ada")).await;
        assert_eq!(driven.code, Some(0), "{driven:#?}");
        // Also where nobody was asked, the last event says who is signed in, once.
        let ends = driven
            .events
            .iter()
            .filter(|event| event["event"] == "done");
        assert_eq!(ends.count(), 1, "{driven:#?}");
        assert_eq!(driven.last()["subject"], "ada");
        let sent = sent(&server, DEVICE).await;
        assert_eq!(sent.len(), asked, "{words:?}: {sent:#?}");
    }
    let terminal = in_terminal(&home, &server, &["login"]);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(
        ended.text,
        "Already signed in as ada; --force signs in again\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_69_somebody_else_replaces_a_session_only_when_told_to() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    for (person, more, code, signed_in) in [
        ("ada", &[][..], 0, "ada"),
        ("mallory", &[], 8, "ada"),
        ("bob", &["--switch-account"], 0, "bob"),
    ] {
        let words = [&["--device", "--force"], more].concat();
        let driven = drive(&home, &server, &words, Does::SignsInAs(person)).await;
        assert_eq!(driven.code, Some(code), "{driven:#?}");
        assert_eq!(status(&home, &server)["subject"], signed_in);
        if code != 0 {
            assert_eq!(driven.last()["error"]["code"], "security");
            let hint = driven.last()["error"]["hint"].as_str().unwrap();
            assert!(hint.contains("--switch-account"), "{hint}");
        }
    }
}

/// `hallpass login --explain` prints these lines too (its own test has them), and the rules of the binary
/// between the first and the second.
const TABLE: &str = "\
Flow: remote screen: device code, forwarded port, pasted address (SSH_CONNECTION)
     nobody is here to answer: exit 4 at once
  -> remote, container or no screen [SSH_CONNECTION]: remote screen
     Windows Subsystem for Linux: browser on Windows
     otherwise: browser here
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_08_explain_prints_the_table_and_signs_in() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    let mut command = home.program(PROGRAM, &server.issuer(), API);
    command.args(["auth", "login", "--explain"]);
    command.env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let terminal = Terminal::start(command, 100, 60);
    let code = terminal.wait_until("a user code", user_code);
    approve(&server.person(), &server, &code).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(ended.text.starts_with(TABLE), "{}", ended.text);

    // For a program the lines stay apart from the events.
    let words = ["--device", "--force", "--explain"];
    let driven = drive(&home, &server, &words, Does::SignsInAs("ada")).await;
    assert_eq!(
        driven.talk, "Flow: device code (asked for)\n",
        "{driven:#?}"
    );
    assert_eq!(driven.last()["event"], "done");
}
