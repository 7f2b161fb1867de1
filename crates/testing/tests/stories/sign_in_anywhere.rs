//! Far from a browser: three ways on one screen, a pasted address, events for a program, and Ctrl-C.

use std::net::TcpStream;
use std::process::Command;

use hallpass_testing::{Person, Terminal, pty};
use serde_json::Value;
use url::Url;

use crate::home::Home;
use crate::server_process::{Server, user_code};

/// Somebody who came by SSH.
const SSH_CONNECTION: &str = "192.0.2.1 1 192.0.2.2 22";

fn over_ssh(home: &Home, words: &[&str]) -> Command {
    let mut command = home.hallpass(words);
    command.env("SSH_CONNECTION", SSH_CONNECTION);
    command
}

fn address(screen: &str) -> Option<Url> {
    let line = screen.lines().find(|line| line.contains("/authorize?"))?;
    Url::parse(line.trim()).ok()
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.unwrap().1.into_owned()
}

fn port(url: &Url) -> u16 {
    Url::parse(&parameter(url, "redirect_uri"))
        .unwrap()
        .port()
        .unwrap()
}

/// Signs in elsewhere; the address of the page that fails to load there.
async fn failed_page(person: &Person, url: &Url) -> String {
    let page = person.open(url.as_str()).await;
    let answer = person.submit(&page, &[("username", "ada")]).await;
    answer.header("location").to_owned()
}

/// Whether the server still takes this code from a person.
async fn is_waiting(server: &Server, code: &str) -> bool {
    let page = server.person().enter_code(code, "ada").await;
    page.body.contains("value=\"approve\"")
}

#[tokio::test]
async fn c_68_over_ssh_two_ways_stand_on_one_screen_and_the_device_wins() {
    let (server, home) = (Server::start(), Home::new().without_pushed_requests());
    let words = server.login(&["--callback-port", "0"]);
    let terminal = Terminal::start(over_ssh(&home, &words), 80, 40);
    let screen = terminal.wait_for("Enter for another way");
    let url = address(&screen).unwrap();
    let line = format!("ssh -L {0}:127.0.0.1:{0} ", port(&url));
    for expected in [
        "You are on a remote machine (SSH)",
        "  1  Open\n",
        "  2  or forward a port:\n",
        &line,
    ] {
        assert!(screen.contains(expected), "{expected:?} in:\n{screen}");
    }
    assert!(!screen.contains("paste"), "{screen}");
    server
        .person()
        .approve(&user_code(&screen).unwrap(), "ada")
        .await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(
        ended.text.contains("✔ Signed in as ada\n"),
        "{}",
        ended.text
    );
    assert!(TcpStream::connect(("127.0.0.1", port(&url))).is_err());
}

#[tokio::test]
async fn c_20_and_c_70_after_enter_the_address_is_pasted_and_a_wrong_one_refused() {
    let (server, home) = (Server::start(), Home::new());
    let words = server.login(&["--callback-port", "0"]);
    let terminal = Terminal::start(over_ssh(&home, &words), 80, 40);
    let screen = terminal.wait_for("Enter for another way");
    let url = address(&screen).unwrap();
    terminal.press("\n");
    let screen = terminal.wait_for("\n> ");
    let said: Vec<_> = screen.split_whitespace().collect();
    assert!(
        said.join(" ").contains("Never paste it anywhere else"),
        "{screen}"
    );
    assert!(
        !screen.contains("Waiting"),
        "the live line is gone:\n{screen}"
    );
    let right = failed_page(&server.person(), &url).await;
    let wrong = right.replace("state=", "state=x");
    terminal.press(&format!("{wrong}\n"));
    terminal.wait_for("state differs");
    terminal.press(&format!("{right}\n"));
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(
        ended.text.contains("✔ Signed in as ada\n"),
        "{}",
        ended.text
    );
    let code = user_code(&screen).unwrap();
    assert!(
        !is_waiting(&server, &code).await,
        "the device code is withdrawn"
    );
}

#[tokio::test]
async fn c_20_no_browser_shows_the_address_and_takes_the_pasted_answer() {
    let (server, home) = (Server::start(), Home::new());
    for flag in [&["--no-browser"][..], &["--flow", "paste", "--force"]] {
        let mut command = home.hallpass(&server.login(flag));
        command.env("BROWSER", home.browser());
        let terminal = Terminal::start(command, 80, 24);
        let screen = terminal.wait_for("\n> ");
        let answer = failed_page(&server.person(), &address(&screen).unwrap()).await;
        terminal.press(&format!("{answer}\n"));
        let ended = terminal.end();
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert!(!home.has_opened());
    }
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_behind_and_exits_with_130() {
    let (server, home) = (Server::start(), Home::new().without_pushed_requests());
    for presses in ["", "\n"] {
        let words = server.login(&["--callback-port", "0"]);
        let terminal = Terminal::start(over_ssh(&home, &words), 40, 24);
        let screen = terminal.wait_for("Enter: another way");
        let (url, code) = (address(&screen).unwrap(), user_code(&screen).unwrap());
        terminal.press(presses);
        if !presses.is_empty() {
            terminal.wait_for("\n> ");
        }
        assert!(is_waiting(&server, &code).await);
        terminal.press(pty::CTRL_C);
        let ended = terminal.end();
        assert_eq!(ended.code, Some(130), "{}", ended.text);
        assert!(
            ended.text.ends_with("hallpass: cancelled\n"),
            "{:?}",
            ended.text
        );
        assert!(
            !is_waiting(&server, &code).await,
            "the device code is withdrawn"
        );
        assert!(TcpStream::connect(("127.0.0.1", port(&url))).is_err());
        assert!(home.sessions().is_empty());
    }
}

#[tokio::test]
async fn sigterm_and_a_closed_terminal_leave_nothing_behind_either() {
    let (server, home) = (Server::start(), Home::new().without_pushed_requests());
    for signal in ["TERM", "HUP"] {
        let words = server.login(&["--callback-port", "0"]);
        // `nohup` is inherited and rightly obeyed: these tests may run under it.
        let program = pty::hallpass().display().to_string();
        let words = [&["--default-signal=HUP", &program], &words[..]].concat();
        let mut command = home.program("env", &words);
        command.env("SSH_CONNECTION", SSH_CONNECTION);
        let terminal = Terminal::start(command, 80, 40);
        let screen = terminal.wait_for("Enter for another way");
        let (url, code) = (address(&screen).unwrap(), user_code(&screen).unwrap());
        assert!(is_waiting(&server, &code).await);
        let pid = terminal.pid().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
        let ended = terminal.end();
        assert_eq!(ended.code, Some(130), "{signal}: {}", ended.text);
        assert!(
            ended.text.ends_with("hallpass: cancelled\n"),
            "{:?}",
            ended.text
        );
        assert!(
            !is_waiting(&server, &code).await,
            "{signal}: the device code is withdrawn"
        );
        assert!(
            TcpStream::connect(("127.0.0.1", port(&url))).is_err(),
            "{signal}"
        );
        assert!(home.sessions().is_empty());
    }
}

#[tokio::test]
async fn a_second_login_says_where_the_first_one_waits_and_helpers_do_not_wait() {
    let (server, home) = (Server::start(), Home::new());
    let terminal = home.types(&server.login(&["--device"]));
    let code = terminal.wait_until("a user code", user_code);
    terminal.wait_for("Waiting");
    let second = home.run(&server.login(&["--device"]));
    assert_eq!(second.code, Some(9), "{second}");
    let expected = format!(
        "sign-in already waiting (pid {}): {}/device?user_code={code}",
        terminal.pid(),
        server.issuer
    );
    assert!(second.stderr.contains(&expected), "{expected} in {second}");
    assert_eq!(home.run(&["token"]).code, Some(4));
    server.person().approve(&code, "ada").await;
    assert_eq!(terminal.end().code, Some(0));
}

#[tokio::test]
async fn c_69_somebody_else_is_stored_only_after_a_clear_yes() {
    let (server, home) = (Server::start(), Home::new());
    server.sign_in(&home).await;
    for (answer, code, subject) in [("no\n", 8, "ada"), ("yes\n", 0, "mallory")] {
        let terminal = home.types(&server.login(&["--device", "--force"]));
        let user_code = terminal.wait_until("a user code", user_code);
        server.person().approve(&user_code, "mallory").await;
        terminal.wait_for("Type yes");
        terminal.press(answer);
        let ended = terminal.end();
        assert_eq!(ended.code, Some(code), "{}", ended.text);
        assert_eq!(home.runs(&["whoami", "--json"]).json()["subject"], subject);
    }
}

#[tokio::test]
async fn events_tell_a_program_everything_and_an_attacker_is_not_stored() {
    let (server, home) = (Server::start(), Home::new());
    server.sign_in(&home).await;
    for (person, more, code) in [
        ("ada", &[][..], 0),
        ("mallory", &[], 8),
        ("mallory", &["--switch-account"], 0),
    ] {
        let words = [
            &server.login(&["--events", "--force", "--callback-port", "0"])[..],
            more,
        ]
        .concat();
        let mut command = over_ssh(&home, &words);
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let mut events: Vec<Value> = Vec::new();
        for line in lines {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if event["event"] == "device_code" {
                let user_code = event["user_code"].as_str().unwrap().to_owned();
                server.person().approve(&user_code, person).await;
            }
            events.push(event);
        }
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{events:#?}");
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
        let flow = events
            .iter()
            .find(|event| event["event"] == "flow")
            .unwrap();
        assert_eq!(
            (&flow["flow"], &flow["why"][0]),
            (&"remote".into(), &"SSH_CONNECTION".into())
        );
        let names: Vec<_> = events
            .iter()
            .filter_map(|event| event["event"].as_str())
            .collect();
        assert!(
            names.contains(&"device_code") && names.contains(&"authorize_url"),
            "{names:?}"
        );
        let last = events.last().unwrap();
        if code == 0 {
            assert_eq!(
                (&last["event"], &last["subject"]),
                (&"done".into(), &person.into())
            );
        } else {
            assert_eq!(last["error"]["exit"], 8, "{last}");
            assert_eq!(home.runs(&["whoami", "--json"]).json()["subject"], "ada");
        }
    }
}

#[tokio::test]
async fn an_event_stream_that_times_out_ends_with_an_error_object() {
    let (server, home) = (Server::start(), Home::new());
    let ran = home.run(&server.login(&[
        "--events",
        "--timeout",
        "1s",
        "--callback-port",
        "0",
        "--flow",
        "browser",
    ]));
    assert_eq!(ran.code, Some(6), "{ran}");
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["schema"], "hallpass.error/1");
    assert_eq!(
        (&last["error"]["code"], &last["error"]["exit"]),
        (&"timed_out".into(), &6.into())
    );
}

#[tokio::test]
async fn a_dumb_terminal_without_utf_8_gets_plain_lines() {
    let (server, home) = (Server::start(), Home::new());
    let mut command = over_ssh(&home, &server.login(&["--callback-port", "0"]));
    command.env("TERM", "dumb").env("LANG", "C");
    let terminal = Terminal::start(command, 40, 24);
    let screen = terminal.wait_for("press Enter for");
    server
        .person()
        .approve(&user_code(&screen).unwrap(), "ada")
        .await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(
        ended.raw.is_ascii() && !ended.raw.contains('\u{1b}'),
        "{:?}",
        ended.raw
    );
}
