//! `hallpass login` and its neighbours where nobody is there, or nobody is signed in.

use std::time::{Duration, Instant};

use crate::hallpass::{Home, Ran};
use crate::server::Server;

/// Nothing listens there: whoever tries the network fails with 7, not with 4.
const SERVER: [&str; 4] = ["--issuer", "http://127.0.0.1:1/x", "--client-id", "cli"];

#[test]
#[expect(clippy::disallowed_methods, reason = "the promise is about real time")]
fn without_a_terminal_login_exits_4_at_once() {
    let home = Home::new();
    // Once before, so that the program is in memory.
    home.run(&["--version"]);
    for extra in [&[][..], &["--force"], &["--flow", "auto"]] {
        let words = [&["login"], &SERVER[..], extra].concat();
        let began = Instant::now();
        let ran = home.run(&words);
        let took = began.elapsed();
        assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran}");
        assert!(ran.stderr.contains("stdin is not a terminal"), "{ran}");
        let hint = "hint: run `hallpass login --issuer http://127.0.0.1:1/x --client-id cli`";
        assert!(ran.stderr.contains(hint), "{ran}");
        // 100 ms are promised; the rest is for a machine that is busy with other tests.
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[test]
fn ci_no_input_and_a_pipe_are_nobody_too() {
    let home = Home::new();
    let words = [&["login"], &SERVER[..]].concat();
    for (name, value, sign) in [
        ("CI", "1", "CI"),
        ("HALLPASS_NO_INPUT", "1", "no input"),
        ("X", "", "stdin is not a terminal"),
    ] {
        let mut command = home.command(&words);
        let output = command
            .env(name, value)
            .write_stdin("y\n")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert!(
            String::from_utf8(output.stderr).unwrap().contains(sign),
            "{name}"
        );
    }
}

#[test]
fn a_flow_on_the_command_line_goes_to_the_network_all_the_same() {
    let home = Home::new();
    for flow in ["device", "browser"] {
        let words = [&["login"], &SERVER[..], &["--flow", flow]].concat();
        let ran = home.run(&words);
        assert_eq!(ran.code, 7, "{ran}");
        assert!(
            ran.stderr
                .contains("cannot reach 127.0.0.1:1 (connection refused)"),
            "{ran}"
        );
        // The same wish from the environment does not.
        let words = [&["login"], &SERVER[..]].concat();
        let mut command = home.command(&words);
        let output = command.env("HALLPASS_FLOW", flow).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
    }
}

#[test]
fn what_is_no_issuer_is_a_configuration_error() {
    let home = Home::new();
    for issuer in ["http://as.test", "as.test", "https://as.test?x"] {
        let ran = home.run(&["login", "--issuer", issuer, "--client-id", "cli"]);
        assert_eq!(ran.code, 5, "{issuer}: {ran}");
    }
}

#[test]
fn nobody_signed_in_is_4_and_names_the_command() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[profile.work]\nissuer = \"http://127.0.0.1:1/x\"\nclient_id = \"cli\"\n",
    );
    for command in ["token", "userinfo", "whoami"] {
        let ran = home.run(&[command, "work"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran}");
        assert_eq!(
            ran.stderr,
            "hallpass: nobody is signed in with profile `work`\n  hint: run `hallpass login work` in a terminal\n"
        );
    }
    let ran = home.run(&["token", "work", "--json"]);
    assert_eq!(ran.error()["error"]["code"], "login_required");
    let ran = home.run(&["whoami", "work", "--json"]);
    assert_eq!(
        (ran.code, &ran.json()["state"]),
        (4, &"none".into()),
        "{ran}"
    );
    let ran = home.run(&["token"]);
    assert_eq!(ran.code, 4, "{ran}");
    let ran = home.run(&["token", "other"]);
    assert_eq!(ran.code, 5, "{ran}");
}

#[test]
fn logout_of_nobody_is_fine() {
    let ran = Home::new().run(&["logout", "--json"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.json()["steps"][0]["result"], "skipped");
}

#[test]
fn a_secret_comes_from_a_file_or_standard_input() {
    let home = Home::new();
    home.write("secret", "s3cret\n");
    home.write("empty", "\n");
    let words = |extra: &[&'static str]| [&["login"], &SERVER[..], extra].concat();
    // With a secret and nothing that a user has, the program signs in as itself: 7, not 4.
    let ran = home.run(&words(&["--client-secret-file", "secret"]));
    assert_eq!(ran.code, 7, "{ran}");
    let ran = home.run_with(&words(&["--client-secret-stdin"]), "s3cret");
    assert_eq!(ran.code, 7, "{ran}");
    for file in ["empty", "absent"] {
        let ran = home.run(&words(&["--client-secret-file", file]));
        assert_eq!(ran.code, 5, "{ran}");
    }
    let ran = home.run(&words(&["--flow", "client-credentials"]));
    assert_eq!(ran.code, 5, "{ran}");
}

/// The rules that need a person: `auth login --explain` of other programs prints the same lines (the test of
/// `examples` has them).
const RULES: &str = "
     nobody is here to answer: exit 4 at once
  -> remote, container or no screen [SSH_CONNECTION]: remote screen
     Windows Subsystem for Linux: browser on Windows
     otherwise: browser here
";

#[test]
fn c_08_explain_prints_the_table_whether_somebody_is_there_or_not() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let words = [
        "login",
        "--issuer",
        &issuer,
        "--client-id",
        "cli",
        "--explain",
    ];
    let mut command = home.command(&[&words[..], &["--events", "--timeout", "1s"]].concat());
    command.env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 6, "{ran}");
    let first =
        "Flow: remote screen: device code, forwarded port, pasted address (SSH_CONNECTION)\n";
    assert!(ran.stderr.starts_with(first), "{ran}");
    assert!(ran.stderr.ends_with(RULES), "{ran}");
    // Nobody is there, and the server is not asked for its metadata either.
    let words = [&["login"], &SERVER[..], &["--explain"]].concat();
    let ran = home.run(&words);
    assert_eq!(ran.code, 4, "{ran}");
    let rule = "  -> nobody is here to answer [stdin is not a terminal, stderr is not a terminal]";
    assert!(ran.stderr.contains(rule), "{ran}");
}
