//! A sign-in by device code, and everything that a person does with it afterwards.

use std::os::unix::fs::PermissionsExt as _;

use hallpass_testing::Terminal;

use crate::home::Home;
use crate::server_process::{Server, user_code};

#[tokio::test]
async fn a_device_signs_in_and_its_tokens_live_until_the_sign_out() {
    let (server, home) = (Server::start(), Home::new());
    let terminal = home.types(&server.login(&["--device"]));
    let screen = terminal.wait_for("Waiting…");
    for expected in [
        "Sign in to localhost",
        &format!("{}/device\n", server.issuer),
        "(good for 10 min)",
        "?user_code=",
        " left, Ctrl-C cancels",
    ] {
        assert!(screen.contains(expected), "{expected:?} in:\n{screen}");
    }
    // 24 lines hold the words but not the QR code too.
    assert!(!screen.contains('▀'), "{screen}");
    let code = user_code(&screen).unwrap();
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(
        ended.text.contains("✔ Signed in as ada\n"),
        "{}",
        ended.text
    );
    assert!(!ended.text.contains("Waiting"), "{}", ended.text);
    // Row C-06: the code that polls is for no eye.
    assert!(!ended.raw.contains("hpd_"), "{}", ended.raw);

    let [file] = home.sessions().try_into().unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = home.runs(&["token"]);
    assert_eq!(token.stderr, "");
    assert!(server.is_active(token.line()).await);
    assert_eq!(home.runs(&["token"]).line(), token.line());

    let whoami = home.runs(&["whoami", "--json"]).json();
    assert_eq!(whoami["schema"], "hallpass.whoami/1");
    assert_eq!(whoami["signed_in"], true);
    assert_eq!(whoami["subject"], "ada");
    assert_eq!(whoami["issuer"], server.issuer);
    let userinfo = home.runs(&["userinfo", "--json"]);
    assert_eq!(userinfo.json()["claims"]["sub"], "ada", "{userinfo}");

    let before = std::fs::read_to_string(&file).unwrap();
    let fresh = home.runs(&["token", "--refresh"]);
    assert_ne!(fresh.line(), token.line());
    let after = std::fs::read_to_string(&file).unwrap();
    // Row S-61: what is bound to a key does not rotate.
    assert!(before.contains("\"token_type\": \"DPoP\""));
    assert_eq!(refresh_token(&before), refresh_token(&after));

    home.runs(&["logout"]);
    assert!(!server.is_active(fresh.line()).await);
    assert!(!server.is_active(&refresh_token(&after)).await);
    assert!(home.sessions().is_empty());
    let token = home.run(&["token"]);
    assert_eq!(
        (token.code, token.stdout.as_str()),
        (Some(4), ""),
        "{token}"
    );
    assert!(
        token.stderr.contains("hint: run `hallpass login"),
        "{token}"
    );
}

#[tokio::test]
async fn a_tall_terminal_shows_a_qr_code_and_no_color_means_none() {
    let (server, home) = (Server::start(), Home::new());
    let mut command = home.hallpass(&server.login(&["--device"]));
    command.env("NO_COLOR", "1");
    let terminal = Terminal::start(command, 80, 60);
    let screen = terminal.wait_for("Waiting…");
    assert!(screen.contains('▀'), "{screen}");
    server
        .person()
        .approve(&user_code(&screen).unwrap(), "ada")
        .await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    // `ESC [ … m` would be a color or bold.
    let painted = ended
        .raw
        .split("\u{1b}[")
        .skip(1)
        .any(|sequence| sequence.find(|c: char| c.is_ascii_alphabetic()) == sequence.find('m'));
    assert!(!painted, "{:?}", ended.raw);
}

#[tokio::test]
async fn forty_columns_are_enough() {
    let (server, home) = (Server::start(), Home::new());
    let words = server.login(&["--device"]);
    let terminal = Terminal::start(home.hallpass(&words), 40, 24);
    let screen = terminal.wait_for("Ctrl-C cancels");
    assert!(!screen.contains('▀'), "{screen}");
    let wide: Vec<_> = screen
        .lines()
        .filter(|line| !line.contains("http") && line.chars().count() > 40)
        .collect();
    assert!(wide.is_empty(), "only addresses may be longer: {wide:#?}");
    terminal.resize(30, 10);
    server
        .person()
        .approve(&user_code(&screen).unwrap(), "ada")
        .await;
    assert_eq!(terminal.end().code, Some(0));
}
/// The refresh token in a session's file.
fn refresh_token(file: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(file).unwrap();
    let mut found = None;
    search(&json, &mut found);
    found.unwrap_or_else(|| panic!("no refresh token: {file}"))
}

fn search(json: &serde_json::Value, found: &mut Option<String>) {
    for (name, value) in json.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) if name == "refresh_token" => *found = Some(text.to_owned()),
            _ => search(value, found),
        }
    }
    json.as_array()
        .into_iter()
        .flatten()
        .for_each(|value| search(value, found));
}
