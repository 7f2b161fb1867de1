//! `logout --browser`: the server's own session with the browser ends too.

use std::time::Duration;

use hallpass_testing::{Answer, Person, Terminal};
use url::Url;

use crate::home::{Home, Ran};
use crate::server_process::Server;

/// Signs ada in with a browser that stays signed in at the server.
async fn sign_in(server: &Server, home: &Home, person: &Person) {
    let mut command = home.hallpass(&server.login(&["--browser"]));
    command.env("BROWSER", home.browser());
    let terminal = Terminal::start(command, 120, 30);
    let screen = terminal.wait_for("Ctrl-C cancels");
    let address = screen.lines().find(|line| line.starts_with("  http"));
    let page = person.open(address.unwrap().trim()).await;
    let answer = person.submit(&page, &[("username", "ada")]).await;
    let callback = Url::parse(answer.header("location")).unwrap();
    let moved = person.send(person.http().get(callback.clone())).await;
    let last = callback.join(moved.header("location")).unwrap();
    person.send(person.http().get(last)).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

/// Whether the server still knows this browser.
async fn is_known(server: &Server, person: &Person) -> bool {
    let authorize = Person::authorization_path("story-cli", "openid");
    let page = person.open(&format!("{}{authorize}", server.url)).await;
    !page.body.contains("name=\"username\"")
}

/// The addresses that the browser was told to open, once there are so many.
async fn opened(home: &Home, count: usize) -> Vec<String> {
    loop {
        let text = std::fs::read_to_string(home.path("opened")).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        if lines.len() >= count && text.ends_with('\n') {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn c_67_the_browser_is_signed_out_of_the_server_without_a_question() {
    let (server, home) = (Server::start(), Home::new());
    let person = server.person();
    sign_in(&server, &home, &person).await;
    assert!(is_known(&server, &person).await);
    let stranger = server.person();

    let trace = home.path("trace").display().to_string();
    let mut command = home.hallpass(&["logout", "--browser", "-vvv", "--trace", &trace]);
    command.env("BROWSER", home.browser());
    let terminal = Terminal::start(command, 120, 30);
    let lead = opened(&home, 2).await.pop().unwrap();
    assert!(lead.starts_with("http://127.0.0.1:"), "{lead}");
    // The browser's command line holds no token (row C-49), and a page that guesses gets nothing.
    assert!(!lead.contains("id_token") && lead.len() < 80, "{lead}");
    let guess = Url::parse(&lead).unwrap().join("/sign-out/").unwrap();
    let guessed: Answer = stranger.send(stranger.http().get(guess)).await;
    assert_eq!(guessed.status, 404);

    let answer = person.send(person.http().get(&lead)).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let hinted = answer.header("location").to_owned();
    assert!(
        hinted.starts_with(&format!("{}/", server.issuer)),
        "{hinted}"
    );
    let page = person.open(&hinted).await;
    assert!(page.body.contains("You&#39;re signed out"), "{}", page.body);
    assert!(!is_known(&server, &person).await);

    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    for line in [
        "Opening your browser to sign out of localhost\n",
        "  refresh token: revoked\n",
        "  browser: sent to the page that signs out\n",
        "✔ Signed out (profile \"default\")\n",
    ] {
        assert!(ended.text.contains(line), "{line:?} in:\n{}", ended.text);
    }
    // Nor does what it says of itself, whatever it is asked for.
    let (_, hint) = hinted.split_once("id_token_hint=").unwrap();
    let hint = hint.split('&').next().unwrap();
    let traced = std::fs::read_to_string(trace).unwrap();
    for said in [&ended.text, &traced] {
        assert!(
            !said.contains(hint) && !said.contains("id_token_hint"),
            "{said}"
        );
    }
    assert!(home.sessions().is_empty());
}

#[tokio::test]
async fn c_67_where_no_browser_is_the_address_is_shown_without_the_token() {
    let (server, home) = (Server::start(), Home::new());
    let mut person = server.person();
    let by_hand = format!("{}/endsession?client_id=story-cli", server.issuer);
    for (variable, value) in [("HALLPASS_NO_BROWSER", "1"), ("SSH_CONNECTION", "a b c d")] {
        person = server.person();
        sign_in(&server, &home, &person).await;
        let before = opened(&home, 1).await.len();
        let mut command = home.hallpass(&["logout", "--browser", "--json"]);
        command.env("DISPLAY", ":0").env(variable, value);
        let done = Ran::from(command.output().unwrap());
        assert_eq!(done.code, Some(0), "{done}");
        let step = done.json()["steps"][3].clone();
        assert_eq!(step["what"], "end_browser_session");
        assert_eq!(step["result"], "skipped");
        let why = step["why"].as_str().unwrap();
        assert!(why.contains(&by_hand), "{why}");
        assert!(!done.to_string().contains("id_token_hint"), "{done}");
        assert_eq!(opened(&home, 1).await.len(), before);
    }
    // The address asks first (row S-240): nobody is signed out by a link alone.
    let page = person.open(&by_hand).await;
    assert!(page.body.contains("Sign out of"), "{}", page.body);
    assert!(is_known(&server, &person).await);
    let done = person.submit(&page, &[("confirm", "yes")]).await;
    assert!(done.body.contains("You&#39;re signed out"), "{}", done.body);
}

#[test]
fn a_local_logout_tells_no_server_and_so_opens_no_page_of_it() {
    let home = Home::new();
    let refused = home.run(&["logout", "--local", "--browser"]);
    assert_eq!(refused.code, Some(2), "{refused}");
}
