//! `auth login` on the bad paths: what is not understood, nobody there, declined, too late, nobody reads.

use hallpass_testing::{Terminal, TestServer, pty};
use serde_json::Value;

use crate::events::{API, Does, PROGRAM, drive, next, sent, start};
use crate::world::{EVERY_SECOND, Home, Running, approve, lets_ask, nowhere, server};

fn login(home: &Home, issuer: &str, words: &[&str]) -> (Option<i32>, String) {
    let mut command = home.program(PROGRAM, issuer, &nowhere());
    command.args(["auth", "login"]).args(words);
    Running::start(command).end()
}

async fn is_untouched(server: &TestServer) -> bool {
    let found = server.get("/_hallpass/requests").await.json();
    found["requests"].as_array().unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_understood_exits_2_names_the_flag_and_sends_nothing() {
    let (server, home) = (server("").await, Home::new());
    for (words, named) in [
        (&["--browser", "--device"][..], "--device"),
        (&["--flow", "device", "--browser"], "--browser"),
        (&["--dpop", "--no-dpop"], "--no-dpop"),
        (
            &["--flow", "smoke"],
            "[possible values: auto, browser, device, paste]",
        ),
        (
            &["--prompt", "none"],
            "[possible values: login, consent, select_account]",
        ),
        (
            &["--callback-host", "evil.test"],
            "[possible values: 127.0.0.1, localhost]",
        ),
        (
            &["--callback-port", "9-1"],
            "write it as 8400, 8400,8401 or 8400-8410",
        ),
        (&["--callback-port", "1-65535"], "at most 100 ports"),
        (&["--timeout", "soon"], "write it as 90s, 5m or 1h"),
        (&["--max-age", "old"], "--max-age"),
        (&["--audience", ""], "--audience"),
        (&["--qr=no"], "--qr"),
        (&["--isuer", "x"], "--isuer"),
    ] {
        // Also a program that reads events is told so before the first one.
        for more in [&[][..], &["--events"]] {
            let (code, said) = login(&home, &server.issuer(), &[words, more].concat());
            assert_eq!(code, Some(2), "{words:?}: {said}");
            assert!(
                said.starts_with("error: ") && said.contains(named),
                "{words:?}: {said}"
            );
        }
    }
    let (code, said) = login(&home, &server.issuer(), &["--device", "--scope", "a\"b"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("the scopes are malformed"), "{said}");
    assert!(is_untouched(&server).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_it_exits_4_asks_no_server_and_explains_why() {
    let home = Home::new();
    // Nothing listens there: whoever asks fails with 7.
    for words in [
        &[][..],
        &["--flow", "auto"],
        &["--force"],
        &["--explain"],
        &["--no-qr"],
    ] {
        let (code, said) = login(&home, &nowhere(), words);
        assert_eq!(code, Some(4), "{words:?}: {said}");
        assert!(said.contains("nobody is here to do it"), "{said}");
        let hint = "hint: run `daemon auth login` in a terminal, or add --flow device";
        assert!(said.contains(hint), "{said}");
        let rule =
            "  -> nobody is here to answer [stdin is not a terminal, stderr is not a terminal]";
        assert_eq!(said.contains(rule), words == ["--explain"], "{said}");
    }
    for words in [
        &["--device"][..],
        &["--browser"],
        &["--flow", "paste"],
        &["--events"],
    ] {
        let (code, said) = login(&home, &nowhere(), words);
        assert_eq!(code, Some(7), "{words:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_declines_or_comes_too_late_is_told_by_the_last_event() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    for (words, does, code, name) in [
        (&["--device"][..], Does::Declines, 3, "denied"),
        (
            &["--device", "--timeout", "1s"],
            Does::Nothing,
            6,
            "timed_out",
        ),
        (
            &["--browser", "--no-browser", "--timeout", "1s"],
            Does::Nothing,
            6,
            "timed_out",
        ),
    ] {
        for json in [&[][..], &["--json"]] {
            let driven = drive(&home, &server, &[words, json].concat(), does).await;
            assert_eq!(
                (driven.code, driven.talk.as_str()),
                (Some(code), ""),
                "{driven:#?}"
            );
            let last = driven.last();
            assert_eq!(last["schema"], "hallpass.error/1", "{driven:#?}");
            assert_eq!(
                (&last["error"]["code"], &last["error"]["exit"]),
                (&name.into(), &code.into())
            );
        }
    }
    // Without events the same error is one line on standard error.
    for (words, code, name) in [
        (&["--device", "--json", "--explain"][..], 7, "unavailable"),
        (&["--json", "--explain"], 4, "login_required"),
    ] {
        let (exit, said) = login(&home, &nowhere(), words);
        assert_eq!(exit, Some(code), "{said}");
        let error: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(error["error"]["code"], name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_reads_the_events_any_more_the_sign_in_ends() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    let mut program = start(&home, &server, &["--device"]);
    while next(&mut program).unwrap()["event"] != "device_code" {}
    program.stop_reading();
    // The next answer to a poll has no reader.
    lets_ask(&server);
    let (code, said) = program.end();
    assert_eq!(code, Some(3), "{said}");
    // What was shown to nobody is withdrawn (row C-68).
    assert_eq!(sent(&server, "revocation").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_68_whatever_stops_a_sign_in_leaves_nothing_behind_and_exits_with_130() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    let mut command = home.program(PROGRAM, &server.issuer(), API);
    command.args(["auth", "login", "--device"]);
    let terminal = Terminal::start(command, 80, 40);
    terminal.wait_for("Ctrl-C cancels");
    terminal.press(pty::CTRL_C);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(130), "{}", ended.text);
    assert!(
        ended.text.ends_with("\ndaemon: cancelled\n"),
        "{}",
        ended.text
    );
    assert_eq!(sent(&server, "revocation").await.len(), 1);
    // A program that reads events is told, too, whatever stops the sign-in.
    for (before, signal) in ["INT", "TERM", "HUP"].into_iter().enumerate() {
        // `nohup` is inherited and rightly obeyed: these tests may run under it.
        let mut command = home.program("env", &server.issuer(), API);
        command.args(["--default-signal=HUP", PROGRAM, "auth", "login"]);
        command.args(["--events", "--device"]);
        let mut program = Running::start(command);
        while next(&mut program).unwrap()["event"] != "device_code" {}
        program.signal(signal);
        let last = std::iter::from_fn(|| next(&mut program)).last().unwrap();
        assert_eq!(last["error"]["exit"], 130, "{signal}");
        assert_eq!(program.end(), (Some(130), String::new()), "{signal}");
        assert_eq!(sent(&server, "revocation").await.len(), before + 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_nohup_a_closed_terminal_does_not_stop_a_sign_in() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    let mut command = home.program("env", &server.issuer(), API);
    command.args(["--ignore-signal=HUP", PROGRAM, "auth", "login"]);
    command.args(["--events", "--device"]);
    let mut program = Running::start(command);
    let code = loop {
        let event = next(&mut program).unwrap();
        if event["event"] == "device_code" {
            break event["user_code"].as_str().unwrap().to_owned();
        }
    };
    program.signal("HUP");
    approve(&server.person(), &server, &code).await;
    assert_eq!(program.end().0, Some(0));
}
