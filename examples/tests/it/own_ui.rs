//! The program with a user interface of its own.

use crate::world::{EVERY_SECOND, Home, Running, approve, nowhere, server, user_code};

const PROGRAM: &str = env!("CARGO_BIN_EXE_own-ui");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_own_lines_lead_to_a_session_that_the_next_run_finds() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    let mut program = Running::start(home.program(PROGRAM, &server.issuer(), &nowhere()));
    let mut line = program.line();
    // Before the code comes the notice that there is no keychain here.
    while line.starts_with("notice ") {
        line = program.line();
    }
    let code = user_code(&line).unwrap();
    let expected = format!("code {code} at {}/device for 10 min", server.issuer());
    assert_eq!(line, expected);
    approve(&server.person(), &server, &code).await;
    assert_eq!(program.line(), "welcome ada");
    assert_eq!(program.line(), "session of ada");
    assert_eq!(program.end(), (Some(0), String::new()));

    let mut silent = home.program(PROGRAM, &server.issuer(), &nowhere());
    silent.arg("--silent");
    let ended = Running::start(silent).end();
    assert_eq!(ended, (Some(0), "session of ada\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_declines_ends_it_with_3() {
    let (server, home) = (server(EVERY_SECOND).await, Home::new());
    let mut program = Running::start(home.program(PROGRAM, &server.issuer(), &nowhere()));
    let lines = std::iter::from_fn(|| Some(program.line()).filter(|line| !line.is_empty()));
    let code = lines.into_iter().find_map(|line| user_code(&line));
    server.person().deny(&code.unwrap(), "ada").await;
    crate::world::lets_ask(&server);
    let (code, said) = program.end();
    assert_eq!(code, Some(3), "{said}");
    assert!(!said.contains("welcome"), "{said}");
    assert!(said.starts_with("own-ui: "), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_and_without_session_it_ends_with_4() {
    let (server, home) = (server("").await, Home::new());
    let mut silent = home.program(PROGRAM, &server.issuer(), &nowhere());
    silent.arg("--silent");
    let (code, said) = Running::start(silent).end();
    assert_eq!(code, Some(4), "{said}");
}
