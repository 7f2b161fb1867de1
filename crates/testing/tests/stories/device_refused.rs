//! A sign-in by device code that does not come to its end.

use hallpass_testing::pty::CTRL_C;

use crate::home::Home;
use crate::server_process::{Server, user_code};

#[tokio::test]
async fn who_denies_gets_exit_code_3() {
    let (server, home) = (Server::start(), Home::new());
    let terminal = home.types(&server.login(&["--device"]));
    let code = terminal.wait_until("a user code", user_code);
    server.person().deny(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("\nhallpass: "), "{}", ended.text);
    assert!(ended.text.contains("\n  hint: "), "{}", ended.text);
    assert!(home.sessions().is_empty());
}

#[test]
fn c_05_who_is_too_late_gets_exit_code_6() {
    let config = "[ttl]\ndevice = \"2s\"\n[device]\ninterval = \"1s\"\n";
    let (server, home) = (Server::with(config, &[]), Home::new());
    let ended = home.types(&server.login(&["--device"])).end();
    assert_eq!(ended.code, Some(6), "{}", ended.text);
    assert!(
        ended.text.contains("start the sign-in again"),
        "{}",
        ended.text
    );
    assert!(!ended.text.contains("Waiting"), "{}", ended.text);
    assert!(home.sessions().is_empty());
}

#[test]
fn ctrl_c_leaves_a_clean_line_and_nothing_else() {
    let (server, home) = (Server::start(), Home::new());
    let terminal = home.types(&server.login(&["--device"]));
    terminal.wait_for("Ctrl-C cancels");
    terminal.press(CTRL_C);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(130), "{}", ended.text);
    assert!(!ended.text.contains("Waiting"), "{}", ended.text);
    let last = ended.text.trim_end().lines().last().unwrap();
    assert!(last.starts_with("hallpass: cancelled"), "{}", ended.text);
    assert!(ended.text.ends_with('\n'), "{}", ended.text);
    assert!(!ended.raw.contains("\u{1b}[?25l"), "the cursor was hidden");
    assert!(home.sessions().is_empty());
    assert_eq!(home.run(&["token"]).code, Some(4));
}
