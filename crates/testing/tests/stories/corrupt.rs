//! What goes wrong with the files of a session, and how a user gets out of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::home::Home;
use crate::server_process::{Server, user_code};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_damaged_session_is_moved_aside_and_named() {
    let (server, home) = (Server::start(), Home::new());
    server.sign_in(&home).await;
    let [file] = home.sessions().try_into().unwrap();
    let good = std::fs::read_to_string(&file).unwrap();
    for damaged in [good.get(..good.len() / 2).unwrap(), "", "{}", "\u{0}\u{0}"] {
        std::fs::write(&file, damaged).unwrap();
        set_mode(&file, 0o600);
        let told = home.run(&["token"]);
        assert_eq!((told.code, told.stdout.as_str()), (Some(9), ""), "{told}");
        let moved = home.kept("corrupt-");
        let [moved] = moved.as_slice() else {
            panic!("nothing was moved aside for {damaged:?}: {told}")
        };
        for path in [&file, moved] {
            assert!(told.stderr.contains(path.to_str().unwrap()), "{told}");
        }
        assert!(told.stderr.contains("\n  hint: "), "{told}");
        assert_eq!(std::fs::read_to_string(moved).unwrap(), damaged);
        std::fs::remove_file(moved).unwrap();
        assert_eq!(home.run(&["token"]).code, Some(4));
    }
    server.sign_in(&home).await;
    home.runs(&["token"]);
}

#[tokio::test]
async fn a_90_a_session_that_others_can_read_is_refused_with_the_fix() {
    let (server, home) = (Server::start(), Home::new());
    server.sign_in(&home).await;
    let [file] = home.sessions().try_into().unwrap();
    set_mode(&file, 0o644);
    let refused = home.run(&["token"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (Some(9), ""),
        "{refused}"
    );
    let fix = refused
        .stderr
        .split_once("hint: ")
        .and_then(|(_, hint)| hint.split_once(", and"));
    let (fix, _) = fix.unwrap_or_else(|| panic!("no command to run: {refused}"));
    assert!(fix.starts_with("chmod 600 '"), "{fix}");
    let fixed = home.program("sh", &["-c", fix]).status().unwrap();
    assert!(fixed.success(), "{fix}");
    home.runs(&["token"]);
}

#[tokio::test]
async fn a_login_that_is_killed_while_it_waits_leaves_nothing_broken() {
    let (server, home) = (Server::start(), Home::new());
    server.sign_in(&home).await;
    let before = home.runs(&["token"]);
    let mut terminal = home.types(&server.login(&["--device", "--force"]));
    terminal.wait_for("Ctrl-C cancels");
    let code = terminal.wait_until("a user code", user_code);
    terminal.kill();
    assert_eq!(terminal.end().code, None);
    // Somebody approves what nobody asks for any more: the old session is untouched.
    server.person().approve(&code, "mallory").await;
    assert_eq!(home.runs(&["token"]).line(), before.line());
    assert_eq!(home.runs(&["whoami", "--json"]).json()["subject"], "ada");
    assert!(home.kept("tmp").is_empty());
    home.runs(&["token", "--refresh"]);
    home.runs(&["logout"]);
    server.sign_in(&home).await;
}
