//! The authorization request goes to the server itself, and an address that lies around too long is
//! followed by another.

use hallpass_testing::Terminal;
use url::Url;

use crate::home::{Home, Ran};
use crate::server_process::Server;

fn address(screen: &str, after: &str) -> Option<Url> {
    let (_, rest) = screen.split_once(after)?;
    let line = rest.lines().find(|line| line.contains("request_uri="))?;
    Url::parse(line.trim()).ok()
}

#[tokio::test]
async fn c_59_whoever_opens_the_address_late_gets_a_new_one_and_signs_in() {
    let (server, home) = (Server::with("[ttl]\npar = \"2s\"\n", &[]), Home::new());
    let words = server.login(&["--browser", "--no-browser"]);
    let terminal = Terminal::start(home.hallpass(&words), 200, 40);
    let first = terminal.wait_until("an address", |screen| address(screen, "Open this address"));
    let second = terminal.wait_until("a new address", |screen| address(screen, "has expired"));
    let names: Vec<_> = first
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    assert_ne!(first, second);
    let person = server.person();
    // S-205: what expired is over at the server, too.
    assert_eq!(person.open(first.as_str()).await.status, 400);
    // By now the second one may be over as well; the newest one is good.
    let mut newest = second;
    let page = loop {
        let page = person.open(newest.as_str()).await;
        if page.status == 200 {
            break page;
        }
        newest = terminal.wait_until("a newer address", |screen| {
            let (_, rest) = screen.split_once(newest.as_str())?;
            address(rest, "has expired")
        });
    };
    let answer = person.submit(&page, &[("username", "ada")]).await;
    let callback = Url::parse(answer.header("location")).unwrap();
    let moved = person.send(person.http().get(callback.clone())).await;
    let last = callback.join(moved.header("location")).unwrap();
    person.send(person.http().get(last)).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

#[test]
fn c_59_a_profile_says_whether_requests_are_pushed() {
    let server = Server::with("[par]\nrequired = true\n", &[]);
    let home = Home::new();
    let profile = |par: &str| {
        let issuer = &server.issuer;
        let text = format!(
            "version = 1\n[profile.work]\nissuer = \"{issuer}\"\nclient_id = \"cli\"\npar = \"{par}\"\n"
        );
        home.write("config.toml", &text)
    };
    let config = profile("off");
    let words = [
        "login",
        "work",
        "--browser",
        "--no-browser",
        "--config",
        &config,
    ];
    let refused = home.run(&words);
    assert_eq!(refused.code, Some(5), "{refused}");
    assert!(
        refused
            .stderr
            .contains("demands pushed authorization requests"),
        "{refused}"
    );
    assert!(
        refused.stderr.contains("hint: set `par = \"auto\"`"),
        "{refused}"
    );
    // The settings of a program that listens to events: the address is a reference.
    profile("required");
    let words = [&words[..], &["--events", "--timeout", "1s"]].concat();
    let ran: Ran = home.hallpass(&words).output().unwrap().into();
    assert_eq!(ran.code, Some(6), "{ran}");
    assert!(
        ran.stdout.contains("request_uri=") && !ran.stdout.contains("code_challenge"),
        "{ran}"
    );
}
