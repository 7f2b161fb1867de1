//! `--audience` from the command line to the wire, and back from the profile at the next sign-in.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::hallpass::Home;
use crate::server::Server;
use crate::story::sign_in;

const DEVICE: &str = "device_authorization";
const PUSHED: &str = "pushed_authorization_request";

fn asked(server: &Server, endpoint: &str) -> Vec<Value> {
    let requests = server.requests(endpoint).into_iter();
    requests
        .map(|request| request["form"]["audience"].clone())
        .collect()
}

/// What the token is for, as `jwt decode` prints it.
fn aud(home: &Home, token: &str) -> Value {
    let ran = home.run_with(&["jwt", "decode", "-", "--json"], token);
    assert_eq!(ran.code, 0, "{ran}");
    ran.json()["claims"]["aud"].clone()
}

#[test]
fn an_audience_is_asked_for_remembered_and_asked_for_again_at_a_refresh() {
    let (home, both) = (Home::new(), json!(["reports", "urn:b"]));
    let server = Server::start(&home);
    let issuer = server.issuer();
    let names = ["--audience", "reports", "--audience", "urn:b"];
    let words = ["work", "--issuer", &issuer, "--client-id", "cli"];
    let ran = sign_in(&home, &[&words[..], &names].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(asked(&server, PUSHED), std::slice::from_ref(&both));

    let shown = home.run(&["profile", "show", "--json"]).json();
    assert_eq!(shown["settings"]["audience"], both);
    // The session is for them: nobody is asked again, and nobody is here to be asked for another.
    assert_eq!(home.run(&["login", "--audience", "urn:b"]).code, 0);
    assert_eq!(home.run(&["login", "--audience", "urn:c"]).code, 4);

    let ran = home.run(&["token", "--refresh"]);
    assert_eq!(ran.code, 0, "{ran}");
    let refresh = asked(&server, "token").pop();
    assert_eq!(refresh, Some(both));
}

#[test]
fn a_device_code_is_asked_for_with_the_audience_of_the_profile() {
    let home = Home::new();
    let server = Server::start(&home);
    let text = format!(
        "version = 1\n[profile.work]\nissuer = \"{}\"\nclient_id = \"cli\"\naudience = [\"reports\"]\n",
        server.issuer()
    );
    home.write("config.toml", text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["login", "work", "--device", "--no-dpop"])
        .env_clear()
        .env("HALLPASS_HOME", home.path(""))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let talk = BufReader::new(child.stderr.take().unwrap());
    let is_shown = |line: std::io::Result<String>| line.unwrap().contains("and enter the code");
    assert!(talk.lines().any(is_shown), "it ended");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(asked(&server, DEVICE), [json!("reports")]);
}

#[test]
fn the_token_of_a_program_is_for_the_audience_of_its_profile() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    home.write("secret", "s3cret\n");
    let words = [
        "login",
        "robot",
        "--issuer",
        &issuer,
        "--client-id",
        "robot",
    ];
    let more = ["--client-secret-file", "secret", "--audience", "reports"];
    let ran = home.run(&[&words[..], &more].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let token = home.run(&["token", "robot"]);
    assert_eq!(aud(&home, token.stdout.trim()), json!("reports"));
    let asked = asked(&server, "token");
    assert_eq!(asked, [json!("reports"), json!("reports")]);
}

#[test]
fn an_empty_audience_is_a_usage_error_and_one_in_a_file_an_error_of_the_settings() {
    let home = Home::new();
    let server = ["--issuer", "http://127.0.0.1:1/x", "--client-id", "cli"];
    let ran = home.run(&[&["login"], &server[..], &["--audience", ""]].concat());
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("--audience"), "{ran}");
    for (bad, says) in [
        ("[\"\"]", "`` is no audience"),
        ("\"reports\"", "line 5, column 12"),
    ] {
        let text = format!(
            "version = 1\n[profile.work]\nissuer = \"http://127.0.0.1:1/x\"\nclient_id = \"cli\"\naudience = {bad}\n"
        );
        home.write("config.toml", text);
        let ran = home.run(&["login", "work", "--device"]);
        assert_eq!(ran.code, 5, "{ran}");
        assert!(ran.stderr.contains(says), "{ran}");
    }
}
