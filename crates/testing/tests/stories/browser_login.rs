//! A sign-in by browser: the address, the way back over loopback, and what else comes to the port.

use std::net::TcpStream;

use hallpass_testing::{Answer, Person, Terminal};
use url::Url;

use crate::home::Home;
use crate::server_process::Server;

/// A sign-in that awaits the browser.
struct Attempt {
    home: Home,
    terminal: Terminal,
    /// Where the browser is sent.
    url: Url,
    /// Where its answer is awaited.
    redirect_uri: Url,
}

impl Attempt {
    fn start(server: &Server) -> Self {
        let home = Home::new().without_pushed_requests();
        let mut command = home.hallpass(&server.login(&["--browser"]));
        command.env("BROWSER", home.browser());
        let terminal = Terminal::start(command, 80, 24);
        let screen = terminal.wait_for("Ctrl-C cancels");
        let address = screen.lines().find(|line| line.starts_with("  http"));
        let url = Url::parse(address.unwrap().trim()).unwrap();
        let redirect_uri = Url::parse(&parameter(&url, "redirect_uri")).unwrap();
        Self {
            home,
            terminal,
            url,
            redirect_uri,
        }
    }

    /// The redirect URI with these parameters.
    fn callback(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.redirect_uri.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }

    fn port(&self) -> u16 {
        self.redirect_uri.port().unwrap()
    }
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.unwrap().1.into_owned()
}

/// Signs in as ada at the address; the answer leads back to the program.
async fn sign_in(person: &Person, url: &Url) -> Answer {
    let page = person.open(url.as_str()).await;
    person.submit(&page, &[("username", "ada")]).await
}

/// Follows the answer to the program, as a browser does: the last page.
async fn come_back(person: &Person, answer: &Answer) -> Answer {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let callback = Url::parse(answer.header("location")).unwrap();
    let moved = person.send(person.http().get(callback.clone())).await;
    assert_eq!(moved.status, 303, "{}", moved.body);
    let last = callback.join(moved.header("location")).unwrap();
    // Row C-19: the code is no longer in the address bar.
    assert_eq!(last.query(), None);
    person.send(person.http().get(last)).await
}

#[tokio::test]
async fn strays_come_first_and_the_sign_in_still_works() {
    let server = Server::start();
    let attempt = Attempt::start(&server);
    let (url, person) = (&attempt.url, server.person());
    assert_eq!(attempt.redirect_uri.host_str(), Some("127.0.0.1"));
    assert_eq!(parameter(url, "code_challenge_method"), "S256");
    assert_eq!(parameter(url, "state").len(), 43);

    let state = parameter(url, "state");
    let good = [("code", "c"), ("state", &state), ("iss", &server.issuer)];
    let wrong = [("code", "c"), ("state", "wrong"), ("iss", &server.issuer)];
    let http = person.http();
    let favicon = attempt.redirect_uri.join("/favicon.ico").unwrap();
    for (stray, status) in [
        (http.get(favicon), 404),
        (http.head(attempt.callback(&good)), 404),
        (http.post(attempt.callback(&good)), 404),
        (
            http.get(attempt.callback(&good))
                .header("host", "evil.test"),
            404,
        ),
        (http.get(attempt.callback(&wrong)), 400),
    ] {
        let answer = person.send(stray).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }

    let answer = sign_in(&person, url).await;
    let page = come_back(&person, &answer).await;
    assert!(page.body.contains("<h1>Signed in</h1>"), "{}", page.body);
    let (port, home) = (attempt.port(), attempt.home);
    let ended = attempt.terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(
        ended.text.contains("✔ Signed in as ada\n"),
        "{}",
        ended.text
    );
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert_eq!(home.runs(&["whoami", "--json"]).json()["subject"], "ada");
    // `BROWSER` is honoured, also in a container.
    assert!(home.has_opened());
}

#[tokio::test]
async fn who_cancels_on_the_page_gets_exit_code_3() {
    let server = Server::start();
    let attempt = Attempt::start(&server);
    let person = server.person();
    // The first answer is not followed: now the browser knows ada, and the page can be cancelled.
    sign_in(&person, &attempt.url).await;
    let page = person.open(attempt.url.as_str()).await;
    let refused = person.submit(&page, &[("action", "deny")]).await;
    assert_eq!(refused.redirect_parameters()["error"], "access_denied");
    let page = come_back(&person, &refused).await;
    assert!(page.body.contains("declined the request"), "{}", page.body);
    let (port, home) = (attempt.port(), attempt.home);
    let ended = attempt.terminal.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("\n  hint: "), "{}", ended.text);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(home.sessions().is_empty());
}

#[tokio::test]
async fn c_30_an_answer_of_another_issuer_ends_the_sign_in_with_exit_code_8() {
    let server = Server::start();
    let attempt = Attempt::start(&server);
    let state = parameter(&attempt.url, "state");
    let iss = "https://evil.example";
    let forged = attempt.callback(&[("code", "c"), ("state", &state), ("iss", iss)]);
    let person = server.person();
    let page = person.send(person.http().get(forged)).await;
    assert_eq!(page.status, 400, "{}", page.body);
    let ended = attempt.terminal.end();
    assert_eq!(ended.code, Some(8), "{}", ended.text);
    assert!(ended.text.contains(iss), "{}", ended.text);
    assert!(attempt.home.sessions().is_empty());
}
