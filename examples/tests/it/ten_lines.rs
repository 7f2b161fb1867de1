//! The ten lines: a browser, a second run without any, and nobody at the terminal.

use hallpass_testing::Terminal;
use url::Url;

use crate::api::Api;
use crate::world::{Home, Running, nowhere, server};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ten-lines");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_once_and_the_api_knows_them() {
    let (server, api, home) = (server("").await, Api::start(), Home::new());
    let mut command = home.program(PROGRAM, &server.issuer(), &api.url);
    // A screen, and a browser that leaves the address to the test.
    command.env("DISPLAY", ":0").env("BROWSER", "true");
    let terminal = Terminal::start(command, 200, 24);
    let url = terminal.wait_until("an address", |screen| {
        let words = screen.split_whitespace();
        words
            .filter(|word| word.contains("/authorize?"))
            .find_map(|word| Url::parse(word).ok())
    });
    let person = server.person();
    let answer = person.sign_in_at(url.as_str(), "ada").await;
    let callback = answer.header("location").to_owned();
    let moved = person.send(person.http().get(callback)).await;
    assert_eq!(moved.status, 303, "{}", moved.body);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(ended.text.contains("Signed in as ada"), "{}", ended.text);
    assert!(ended.text.contains("hello, ada!"), "{}", ended.text);

    // Without a terminal: the session is there.
    let (code, said) = Running::start(home.program(PROGRAM, &server.issuer(), &api.url)).end();
    assert_eq!((code, said.as_str()), (Some(0), "hello, ada!\n"));
    let [first, second] = api.seen().try_into().unwrap();
    assert_eq!(first.line, "GET /me");
    assert!(first.authorization.starts_with("DPoP "), "{first:?}");
    assert_eq!(first.authorization, second.authorization);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_session_and_terminal_it_ends_with_4_and_asks_nobody() {
    let (server, api, home) = (server("").await, Api::start(), Home::new());
    let (code, said) = Running::start(home.program(PROGRAM, &server.issuer(), &api.url)).end();
    assert_eq!(code, Some(4), "{said}");
    assert!(
        said.starts_with("acme: ") && said.contains("\n  hint: "),
        "{said}"
    );
    assert!(api.seen().is_empty());
}

#[test]
fn a_server_that_is_away_is_exit_code_7() {
    let (api, home) = (Api::start(), Home::new());
    let mut command = home.program(PROGRAM, &nowhere(), &api.url);
    command.env("DISPLAY", ":0").env("BROWSER", "true");
    let ended = Terminal::start(command, 200, 24).end();
    assert_eq!(ended.code, Some(7), "{}", ended.text);
    assert!(api.seen().is_empty());
}
