//! Tokens, secrets and the places that they may go to.

use std::net::TcpListener;

use crate::hallpass::{Home, Ran};
use crate::server::Server;
use crate::story::sign_in;

const CONFIG: &str = r#"
    [profile.default]
    issuer = "https://as.test"
    client_id = "cli"
    resource = ["https://api.test/v1"]
    [[match]]
    url = "https://*.match.test/**"
    profile = "default"
"#;

fn with_token(home: &Home, words: &[&str], places: &str) -> Ran {
    let mut command = home.command(words);
    command
        .env("HALLPASS_TOKEN", "given-token")
        .env("HALLPASS_TOKEN_FOR", places);
    Ran::from(command.output().unwrap())
}

#[test]
fn c_81_a_token_of_the_environment_goes_only_where_it_is_said() {
    let home = Home::new();
    home.write("config.toml", CONFIG);
    assert_eq!(with_token(&home, &["token"], "").stdout, "given-token\n");
    for (target, places, code) in [
        ("https://api.test/x", "", 0),
        ("https://git.match.test/x", "", 0),
        ("https://evil.test/", "", 5),
        ("https://api.test.evil.test/", "", 5),
        ("http://api.test/", "", 5),
        (
            "https://other.test:8443/x",
            "https://other.test:8443, https://b.test",
            0,
        ),
        ("https://b.test/", "https://other.test https://b.test", 0),
        ("https://other.test/x", "https://other.test:8443", 5),
        // Who names places means only them.
        ("https://api.test/x", "https://other.test", 5),
    ] {
        let ran = with_token(&home, &["token", "--for", target], places);
        assert_eq!(ran.code, code, "{target} {places}: {ran}");
        assert_eq!(ran.stdout.is_empty(), code != 0, "{target}: {ran}");
    }
    let json = with_token(&home, &["token", "--json"], "").json();
    assert_eq!(
        (&json["access_token"], &json["expires_at"]),
        (&"given-token".into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_token_of_the_environment_does_not_win_silently() {
    let home = Home::new();
    home.write("config.toml", CONFIG);
    let who = with_token(&home, &["whoami"], "");
    assert!(
        who.stdout
            .contains("HALLPASS_TOKEN, used instead of every session"),
        "{who}"
    );
    assert!(!who.to_string().contains("given-token"), "{who}");
    let told = with_token(&home, &["token", "-v"], "");
    assert!(told.stderr.contains("HALLPASS_TOKEN is set"), "{told}");
    assert!(!told.stderr.contains("given-token"), "{told}");
    for words in [&["token", "--refresh"][..], &["token", "--type", "id"]] {
        assert_eq!(with_token(&home, words, "").code, 5, "{words:?}");
    }
    let mut command = home.command(&["token"]);
    let output = command
        .env("HALLPASS_TOKEN", "a\r\nX-Header: b")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn c_75_a_token_is_printed_only_for_the_addresses_of_its_profile() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let words = [
        "work",
        "--issuer",
        &issuer,
        "--client-id",
        "cli",
        "--resource",
        "https://api.test/v1",
    ];
    let ran = sign_in(&home, &words);
    assert_eq!(ran.code, 0, "{ran}");
    let token = home.run(&["token", "--for", "https://api.test/anything"]);
    assert_eq!(token.code, 0, "{token}");
    let refused = home.run(&["token", "--for", "https://evil.test/x"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (5, ""),
        "{refused}"
    );
    assert!(
        refused
            .stderr
            .contains("the tokens of profile `work` are not for https://evil.test"),
        "{refused}"
    );
    assert!(
        refused
            .stderr
            .contains("add \"https://evil.test\" to `resource` of [profile.work]"),
        "{refused}"
    );
}

#[test]
fn c_82_secrets_and_sessions_stay_with_their_issuer() {
    let evil = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    evil.set_nonblocking(true).unwrap();
    let address = format!("http://{}", evil.local_addr().unwrap());
    let home = Home::new();
    home.write("secret", "canary\n");
    let config = r#"
        [profile.robot]
        issuer = "https://as.test"
        client_id = "robot"
        flow = "client-credentials"
        client_secret = { file = "secret" }
        [profile.key]
        issuer = "https://as.test"
        client_id = "key"
        flow = "client-credentials"
        auth_method = "private_key_jwt"
        private_key = { file = "secret" }
    "#;
    home.write("config.toml", config);
    for profile in ["robot", "key"] {
        let mut command = home.command(&["token", profile]);
        let ran = Ran::from(command.env("HALLPASS_ISSUER", &address).output().unwrap());
        assert_eq!(ran.code, 5, "{ran}");
        let said = format!("profile `{profile}` belongs to https://as.test, not to {address}");
        assert!(ran.stderr.contains(&said), "{ran}");
    }
    assert_eq!(
        evil.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
}

#[test]
fn c_80_a_store_command_is_not_taken_from_the_environment() {
    let home = Home::new();
    home.write("config.toml", CONFIG);
    let mark = home.path("made");
    let value = format!("exec:/usr/bin/touch {}", mark.display());
    let mut command = home.command(&["token"]);
    let ran = Ran::from(command.env("HALLPASS_STORE", &value).output().unwrap());
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr.contains("not taken from the environment"),
        "{ran}"
    );
    assert!(!mark.exists());
    let mut command = home.command(&["whoami", "--json"]);
    let ran = Ran::from(command.env("HALLPASS_STORE", "memory").output().unwrap());
    assert_eq!(ran.code, 4, "{ran}");
}

#[test]
fn what_is_not_there_yet_is_named() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[profile.default]\nissuer = \"https://as.test\"\nclient_id = \"c\"\nworkload = { source = \"github\" }\n",
    );
    let ran = home.run(&["token"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(
        ran.stderr
            .contains("needs `workload`, which this version does not have yet"),
        "{ran}"
    );
}

#[cfg(unix)]
#[test]
fn a_secret_comes_from_a_variable_or_a_command() {
    let home = Home::new();
    let server = Server::start(&home);
    let issuer = server.issuer();
    let login = |name: &'static str, more: &[&str]| {
        let words = ["login", name, "--issuer", &issuer, "--client-id", name];
        let words = [&words[..], &["--flow", "client-credentials"], more].concat();
        let mut command = home.command(&words);
        Ran::from(command.env("SECRET_OF_MINE", "canary").output().unwrap())
    };
    let ran = login("variable", &["--client-secret-env", "SECRET_OF_MINE"]);
    assert_eq!(ran.code, 0, "{ran}");
    home.write("secret", "canary\n");
    let command = format!("/bin/cat {}", home.path("secret").display());
    let ran = login("command", &["--client-secret-cmd", &command]);
    assert_eq!(ran.code, 0, "{ran}");
    let missing = login("missing", &["--client-secret-env", "NOT_SET"]);
    assert_eq!(missing.code, 5, "{missing}");
    let shell = login("shell", &["--client-secret-cmd", "echo $HOME"]);
    assert_eq!(shell.code, 2, "{shell}");
    // Where it is was remembered, it itself was not.
    assert_eq!(home.run(&["token", "command"]).code, 0);
    let kept = std::fs::read_to_string(home.path("state/profiles.toml")).unwrap();
    assert!(
        kept.contains("SECRET_OF_MINE") && !kept.contains("canary"),
        "{kept}"
    );
}
