//! An API that the profile does not list: a person is asked once, and nobody else decides.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::json;

use crate::home::Home;
use crate::server_process::{Server, user_code};

/// An API that says (RFC 9728) that it takes tokens of this issuer; returns its origin.
fn api_of(issuer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let body = json!({"resource": origin, "authorization_servers": [issuer]}).to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            let head: Vec<_> = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let tells = head
                .iter()
                .any(|line| line.to_ascii_lowercase().starts_with("authorization:"));
            assert!(!tells, "nothing secret: {head:?}");
            let is_place = first.contains("/.well-known/oauth-protected-resource ");
            let (status, body) = if is_place {
                ("200 OK", body.as_str())
            } else {
                ("404 Not Found", "{}")
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .unwrap();
        }
    });
    origin
}

#[tokio::test]
async fn c_75_and_a_110_an_api_that_the_profile_does_not_list_is_asked_about_once_at_a_terminal() {
    let (server, home) = (Server::start(), Home::new());
    let terminal = home.types(&server.login(&["--device"]));
    let code = user_code(&terminal.wait_for("Waiting…")).unwrap();
    server.person().approve(&code, "ada").await;
    assert_eq!(terminal.end().code, Some(0));

    let (ours, others) = (api_of(&server.issuer), api_of("https://other.test"));
    let (address, foreign) = (format!("{ours}/v1/me"), format!("{others}/v1/me"));
    // Without a terminal nobody is asked.
    let alone = home.run(&["token", "--for", &address]);
    assert_eq!(
        (alone.code, alone.stdout.as_str()),
        (Some(5), ""),
        "{alone}"
    );
    assert!(alone.stderr.contains(&ours), "{alone}");
    // Of another server's API nobody is asked either.
    let other = home.types(&["token", "--for", &foreign]).end();
    assert_eq!(other.code, Some(5), "{}", other.text);
    assert!(
        other.text.contains("takes tokens of https://other.test"),
        "{}",
        other.text
    );

    let no = home.types(&["token", "--for", &address]);
    no.wait_for("Type yes to go on");
    no.press("no\r");
    assert_eq!(no.end().code, Some(5));
    let yes = home.types(&["token", "--for", &address]);
    let screen = yes.wait_for("Type yes to go on");
    assert!(screen.contains("says that it takes tokens of"), "{screen}");
    yes.press("yes\r");
    // The session has no tokens for it yet.
    let ended = yes.end();
    assert_eq!(ended.code, Some(4), "{}", ended.text);
    assert!(
        ended.text.contains("was not asked for tokens"),
        "{}",
        ended.text
    );

    // The answer is remembered: the next sign-in asks for it, and nobody is asked again.
    let terminal = home.types(&["login", "--device"]);
    let code = user_code(&terminal.wait_for("Waiting…")).unwrap();
    server.person().approve(&code, "ada").await;
    assert_eq!(terminal.end().code, Some(0));
    let token = home.runs(&["token", "--for", &address, "--json"]).json();
    assert_eq!(token["resource"], json!([ours]));
}
