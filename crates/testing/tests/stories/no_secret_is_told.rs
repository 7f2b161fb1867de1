//! Row C-49: whatever is logged, shown and complained about, no secret is in it.

use std::collections::BTreeSet;
use std::process::Command;

use hallpass_testing::Terminal;

use crate::home::{Home, Ran};
use crate::server_process::{Server, user_code};

/// What a test plants, and what the server and the program made up in this run.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

/// Everything that was said.
#[derive(Default)]
struct Told(String);

const PASSPHRASE: &str = "planted-passphrase-8b21d4";
const PROXY_PASSWORD: &str = "planted-proxy-word-77aa01";
const GIVEN: &str = "planted-given-token-11c0de";
const PLANTED: &str = "planted-client-secret-5f0c1e";

#[tokio::test]
async fn c_49_a_89_trace_debug_and_errors_of_a_whole_run_tell_no_secret() {
    let server = Server::start();
    let home = Home::new();
    let (mut told, mut secrets) = (Told::default(), Secrets::default());
    secrets.0.insert(PLANTED.to_owned());
    home.write("secret", PLANTED);

    // Signing in, with everything shown.
    let login = loud(home.hallpass(&server.login(&["--device", "-vvv"])));
    let terminal = Terminal::start(login, 80, 24);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    told.0.push_str(&ended.raw);

    // Its use, its renewal, and what goes wrong with it.
    secrets.read_session(&home);
    for (words, code) in [
        (vec!["token", "-vvv"], 0),
        (vec!["token", "-vvv", "--refresh"], 0),
        (vec!["token", "-vv", "--type", "id"], 0),
        (vec!["whoami", "-vvv"], 0),
        (vec!["userinfo", "-vvv"], 0),
        (vec!["token", "--nonsense"], 2),
    ] {
        let ran = run(&home, &words);
        assert_eq!(ran.code, Some(code), "{words:?}: {ran}");
        secrets.read_session(&home);
        told.0.push_str(&ran.stderr);
        if words[0] != "token" {
            told.0.push_str(&ran.stdout);
        }
    }
    let issuer = server.issuer.clone();
    let robot = Home::new();
    robot.write("secret", PLANTED);
    for issuer in [issuer.as_str(), "http://127.0.0.1:1/default"] {
        let words = [
            "login",
            "-vvv",
            "--flow",
            "client-credentials",
            "--issuer",
            issuer,
            "--client-id",
            "robot",
            "--client-secret-file",
            "secret",
        ];
        let ran = run(&robot, &words);
        told.0.push_str(&ran.stderr);
        told.0.push_str(&ran.stdout);
    }
    with_a_token_of_the_environment(&server, &mut secrets, &mut told);
    secrets.read_requests(&server).await;

    behind_a_passphrase(&server, &home, &mut secrets, &mut told).await;

    // A session that the server ended, and a file that is damaged.
    let path = home.sessions().remove(0);
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, good.replace("\"checksum\": \"", "\"checksum\": \"0")).unwrap();
    let damaged = run(&home, &["token", "-vvv"]);
    assert_eq!(damaged.code, Some(9), "{damaged}");
    told.0.push_str(&damaged.stderr);
    std::fs::rename(home.kept("corrupt-").remove(0), &path).unwrap();
    std::fs::write(&path, good).unwrap();
    let ended = run(&home, &["logout", "-vvv"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    told.0.extend([ended.stdout.as_str(), &ended.stderr]);

    secrets.read_requests(&server).await;
    assert!(told.0.contains("TRACE") && told.0.len() > 10_000);
    assert!(secrets.0.len() >= 8, "{}", secrets.0.len());
    for secret in &secrets.0 {
        assert!(!told.0.contains(secret.as_str()), "{secret} was told");
        // Nor a good part of it.
        if let Some((half, _)) = secret.split_at_checked(secret.len() / 2)
            && half.len() >= 16
        {
            assert!(!told.0.contains(half), "half of {secret} was told");
        }
    }
}

/// Row C-81: it is sent, refused, malformed; and shown only by `token`.
fn with_a_token_of_the_environment(server: &Server, secrets: &mut Secrets, told: &mut Told) {
    secrets.0.insert(GIVEN.to_owned());
    let home = Home::new();
    let url = format!("{}/userinfo", server.issuer);
    for (words, given, code) in [
        (
            &["request", "GET", &url, "-vvv", "--trace", "trace"][..],
            GIVEN,
            1,
        ),
        (&["request", "GET", "https://api.test", "-vvv"], GIVEN, 5),
        (&["token", "--for", "https://api.test", "-vvv"], GIVEN, 5),
        (&["login", "-vvv", "--events"], GIVEN, 0),
        (&["whoami", "-vvv"], GIVEN, 0),
        (&["userinfo", "-vvv"], GIVEN, 5),
        (&["token", "-vvv"], &format!("two {GIVEN}"), 5),
    ] {
        let mut command = loud(home.hallpass(words));
        command.env("HALLPASS_TOKEN", given);
        command.env("HALLPASS_TOKEN_FOR", &server.url);
        let ran: Ran = command.output().unwrap().into();
        assert_eq!(ran.code, Some(code), "{words:?}: {ran}");
        told.0.extend([ran.stdout.as_str(), &ran.stderr]);
    }
    told.0 += &std::fs::read_to_string(home.path("trace")).unwrap();
}

/// Signs in and looks, sealed by a passphrase and with a proxy that wants a password.
async fn behind_a_passphrase(server: &Server, home: &Home, secrets: &mut Secrets, told: &mut Told) {
    let passphrase = home.write("passphrase", &format!("{PASSPHRASE}\n"));
    secrets
        .0
        .extend([PASSPHRASE, PROXY_PASSWORD].map(str::to_owned));
    let sealed = Home::new();
    for (more, code) in [
        (&["--device", "--force"][..], 0),
        (&["--par-is-no-flag"], 2),
    ] {
        let words = [
            &server.login(&["-vvv", "--store", "sealed", "--trace", "trace"])[..],
            more,
        ]
        .concat();
        let mut command = loud(sealed.hallpass(&words));
        command.env("HALLPASS_PASSPHRASE_FILE", &passphrase);
        command.env(
            "HTTPS_PROXY",
            format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1"),
        );
        let terminal = Terminal::start(command, 80, 24);
        if code == 0 {
            let code = terminal.wait_until("a user code", user_code);
            server.person().approve(&code, "ada").await;
        }
        let ended = terminal.end();
        assert_eq!(ended.code, Some(code), "{}", ended.text);
        told.0.push_str(&ended.raw);
    }
    told.0 += &std::fs::read_to_string(sealed.path("trace")).unwrap();
    for words in [&["token", "-vvv"][..], &["whoami", "-vvv"], &["doctor"]] {
        let proxy = format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1");
        let words = [words, &["--store", "sealed", "--proxy", &proxy]].concat();
        for file in [passphrase.as_str(), "no-such-file"] {
            let mut command = loud(sealed.hallpass(&words));
            command.env("HALLPASS_PASSPHRASE_FILE", file);
            let ran: Ran = command.output().unwrap().into();
            told.0.push_str(&ran.stderr);
            if words[0] != "token" {
                told.0.push_str(&ran.stdout);
            }
        }
    }
    secrets.read_requests(server).await;
}

/// With the words of every library too.
fn loud(mut command: Command) -> Command {
    command.env("HALLPASS_LOG", "trace");
    command.env("RUST_BACKTRACE", "1");
    command
}

fn run(home: &Home, words: &[&str]) -> Ran {
    loud(home.hallpass(words)).output().unwrap().into()
}

impl Secrets {
    /// The tokens of the session.
    fn read_session(&mut self, home: &Home) {
        let text = std::fs::read_to_string(home.sessions().remove(0)).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        for name in ["access_token", "refresh_token", "id_token"] {
            let token = file["sessions"][0][name].as_str();
            // A signature is what makes a token: its head is the same for all.
            self.0.insert(token.unwrap().to_owned());
            self.0
                .extend(token.unwrap().rsplit('.').next().map(str::to_owned));
        }
    }

    /// What the program sent.
    async fn read_requests(&mut self, server: &Server) {
        let person = server.person();
        let url = format!("{}/_hallpass/requests", server.url);
        let answer = person.send(person.http().get(url)).await.json();
        for request in answer["requests"].as_array().unwrap() {
            for name in SECRET_FIELDS {
                let value = request["form"][name].as_str();
                self.0.extend(value.map(str::to_owned));
            }
            let authorization = request["headers"]["authorization"].as_str();
            let value = authorization.and_then(|value| value.split(' ').nth(1));
            self.0.extend(value.map(str::to_owned));
        }
    }
}

const SECRET_FIELDS: [&str; 7] = [
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
    "subject_token",
    "token",
];
