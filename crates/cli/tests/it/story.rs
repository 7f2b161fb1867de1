//! From `login` to `logout`, in processes of their own, against a server in another.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use crate::hallpass::{Home, Ran};
use crate::person;
use crate::server::Server;

/// Runs a sign-in by browser, whose address is printed, and plays the person. The tokens are bound to no
/// key: they are used by hand.
pub(crate) fn sign_in(home: &Home, words: &[&str]) -> Ran {
    sign_in_as_told(home, &[words, &["--no-dpop"]].concat())
}

/// The same with nothing but these words.
pub(crate) fn sign_in_as_told(home: &Home, words: &[&str]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["login", "--browser", "--no-browser"])
        .args(words)
        .env_clear()
        .env("HALLPASS_HOME", home.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let mut line = String::new();
        assert!(talk.read_line(&mut line).unwrap() > 0, "it ended: {said}");
        said.push_str(&line);
        if line.trim_start().starts_with("http://") {
            break line.trim().to_owned();
        }
    };
    person::sign_in(&address);
    talk.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: said,
    }
}

#[test]
fn a_person_signs_in_uses_tokens_and_signs_out() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let ran = sign_in(
        &home,
        &[
            "work",
            "--issuer",
            &issuer,
            "--client-id",
            "cli",
            "--explain",
        ],
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran}");
    assert!(ran.stderr.starts_with("Flow: browser"), "{ran}");
    assert!(
        ran.stderr
            .contains("ok: Signed in as ada\n  Profile \"work\"\n"),
        "{ran}"
    );

    // The profile and the session are remembered: nothing more has to be said.
    let who = home.run(&["whoami", "--json"]).json();
    assert_eq!(who["schema"], "hallpass.whoami/1");
    assert_eq!(
        (&who["signed_in"], &who["state"]),
        (&true.into(), &"valid".into())
    );
    assert_eq!(
        (&who["subject"], &who["profile"]),
        (&"ada".into(), &"work".into())
    );
    let text = home.run(&["whoami", "--userinfo"]);
    assert!(
        text.stdout
            .starts_with("ada\n  issuer    http://localhost:"),
        "{text}"
    );
    let again = home.run(&["login"]);
    assert!(
        again.code == 0 && again.stderr.contains("Already signed in as ada"),
        "{again}"
    );

    use_tokens(&home);

    // A session stays with its issuer.
    let other = home.run(&[
        "login",
        "--issuer",
        "https://other.test",
        "--client-id",
        "cli",
    ]);
    assert_eq!(other.code, 5, "{other}");

    let out = home.run(&["logout", "--json"]).json();
    let steps: Vec<_> = out["steps"].as_array().unwrap().iter().collect();
    assert_eq!(steps.len(), 3, "{out}");
    assert!(steps.iter().all(|step| step["result"] == "ok"), "{out}");
    assert_eq!(home.run(&["token"]).code, 4);
}

fn use_tokens(home: &Home) {
    let token = home.run(&["token"]);
    assert_eq!(
        (token.stderr.as_str(), token.stdout.lines().count()),
        ("", 1),
        "{token}"
    );
    let header = home.run(&["token", "--header"]).stdout;
    assert_eq!(header, format!("Authorization: Bearer {}", token.stdout));
    let json = home.run(&["token", "--json"]).json();
    assert_eq!(json["access_token"], token.stdout.trim());
    assert_eq!(
        (&json["refreshed"], &json["token_type"]),
        (&false.into(), &"Bearer".into())
    );
    assert!(json["expires_in"].as_i64().unwrap() > 3000, "{json}");
    let json = home.run(&["token", "--json", "--refresh"]).json();
    assert_eq!(json["refreshed"], true);
    assert_ne!(json["access_token"], token.stdout.trim());

    let id_token = home.run(&["token", "--type", "id"]).stdout;
    let decoded = home
        .run_with(&["jwt", "decode", "--json"], &id_token)
        .json();
    assert_eq!(decoded["claims"]["aud"], "cli");
    let info = home.run(&["userinfo", "--json"]).json();
    assert_eq!(info["claims"]["sub"], "ada");
    let exchanged = home
        .run(&["exchange", "--audience", "service-b", "--json"])
        .json();
    assert_eq!(exchanged["schema"], "hallpass.token/1");
}

#[test]
fn an_answer_for_a_program_is_one_object_and_logout_can_stay_local() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let ran = sign_in(
        &home,
        &["--issuer", &issuer, "--client-id", "cli", "--json"],
    );
    assert_eq!(ran.json()["username"], "ada", "{ran}");
    let out = home.run(&["logout", "--local", "--json"]).json();
    let results: Vec<_> = out["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["result"])
        .collect();
    assert_eq!(results, ["skipped", "skipped", "ok"], "{out}");
    assert_eq!(home.run(&["whoami"]).code, 4);
}

#[test]
fn without_the_server_a_session_is_kept_and_a_refresh_exits_7() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let ran = sign_in(&home, &["--issuer", &issuer, "--client-id", "cli"]);
    assert_eq!(ran.code, 0, "{ran}");
    drop(server);
    assert_eq!(home.run(&["token"]).code, 0);
    let ran = home.run(&["token", "--refresh", "--json"]);
    assert_eq!(ran.code, 7, "{ran}");
    assert_eq!(ran.error()["error"]["code"], "unavailable");
    assert_eq!(home.run(&["whoami", "--offline"]).code, 0);
}

#[test]
fn a_program_signs_in_as_itself() {
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
    let secret = ["--client-secret-file", "secret", "--scope", "api:read"];
    let ran = home.run(&[&words[..], &secret].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("The client robot can fetch tokens"),
        "{ran}"
    );
    // Each time a token of its own: nothing is stored but where the secret is.
    let json = home.run(&["token", "robot", "--json"]).json();
    assert_eq!(
        (&json["client_id"], &json["scope"]),
        (&"robot".into(), &"api:read".into())
    );
    let ran = home.run(&["token", "robot", "--type", "id"]);
    assert_eq!(ran.code, 5, "{ran}");
    let remembered = std::fs::read_to_string(home.path("state/profiles.toml")).unwrap();
    assert!(!remembered.contains("s3cret"), "{remembered}");
}

#[test]
fn a_token_from_a_pipe_is_exchanged_without_a_session() {
    let home = Home::new();
    let server = Server::start(&home);
    let mut words = vec![
        "login",
        "--flow",
        "client-credentials",
        "--client-secret-stdin",
    ];
    let issuer = server.issuer();
    words.extend(["--issuer", &issuer, "--client-id", "svc", "--json"]);
    let token = home.run_with(&words, "s3cret").json();
    let token = token["access_token"].as_str().unwrap();
    let ran = home.run_with(
        &["exchange", "--audience", "b", "--subject-token-file", "-"],
        token,
    );
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1), "{ran}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_exits_130_and_leaves_nothing() {
    let home = Home::new();
    let server = Server::start(&home);
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["login", "--device", "--client-id", "cli", "--issuer"])
        .arg(server.issuer())
        .env_clear()
        .env("HALLPASS_HOME", home.path(""))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("and enter the code") {
        assert!(talk.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    let interrupt = format!("kill -INT {}", child.id());
    let sent = Command::new("/bin/sh").args(["-c", &interrupt]).status();
    assert!(sent.unwrap().success());
    talk.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.ends_with("\nhallpass: cancelled\n"), "{said}");
    assert_eq!(home.run(&["whoami"]).code, 4);
    assert!(!home.path("state/profiles.toml").exists());
}
