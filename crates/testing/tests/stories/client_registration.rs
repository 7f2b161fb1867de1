//! A server that does not know the program: it registers itself, says so, and is known from then on.

use hallpass_testing::{Person, Terminal};
use serde_json::json;
use url::Url;

use crate::between::Between;
use crate::home::Home;
use crate::server_process::{Server, user_code};

/// Signs ada in without a client id; the whole screen, and the client id that was used.
async fn sign_in(server: &Server, home: &Home, more: &[&str]) -> (String, String) {
    let words: &[&str] = &["login", "--issuer", &server.issuer, "--device"];
    let terminal = Terminal::start(home.hallpass(&[words, more].concat()), 120, 40);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let token = home.runs(&["token", "--json"]).json();
    (ended.text, token["client_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn c_56_a_program_that_nobody_registered_signs_in_and_is_known_the_next_time() {
    let (server, home) = (Server::start(), Home::new());
    let (screen, id) = sign_in(&server, &home, &[]).await;
    for expected in [
        format!("✔ Registered this program with {}\n", server.issuer),
        format!("  client id      {id}\n"),
        "  redirect URIs  http://127.0.0.1/callback http://[::1]/callback\n".to_owned(),
        "authorization_code refresh_token urn:ietf:params:oauth:grant-type:device_code".to_owned(),
    ] {
        assert!(screen.contains(&expected), "{expected:?} in:\n{screen}");
    }
    assert!(
        !screen.contains("hpg_"),
        "the registration token is for no eye"
    );
    home.runs(&["token", "--refresh", "--json"]);

    // The next sign-in, and one with another profile, use the same registration.
    let (screen, again) = sign_in(&server, &home, &["--force"]).await;
    assert!(!screen.contains("Registered"), "{screen}");
    assert_eq!(again, id);
    let words = ["login", "second", "--issuer", &server.issuer, "--device"];
    let terminal = home.types(&words);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "eve").await;
    let ended = terminal.end();
    assert!(!ended.text.contains("Registered"), "{}", ended.text);
    let second = home.runs(&["token", "second", "--json"]).json();
    assert_eq!(second["client_id"], id.as_str());

    // It outlives the sessions, and is no session itself.
    home.runs(&["logout", "--all"]);
    assert_eq!(home.sessions().len(), 1);
    let all = home.run(&["whoami", "--all", "--json"]);
    assert_eq!(
        all.json()["other_sessions"].as_array().unwrap().len(),
        0,
        "{all}"
    );
    let (screen, after) = sign_in(&server, &home, &[]).await;
    assert!(!screen.contains("Registered"), "{screen}");
    assert_eq!(after, id);
}

#[tokio::test]
async fn c_56_a_registration_is_sealed_where_the_sessions_are() {
    let (server, home) = (Server::start(), Home::new());
    let passphrase = home.write("passphrase", "correct horse battery staple\n");
    let words = [
        "login",
        "--issuer",
        &server.issuer,
        "--device",
        "--store",
        "sealed",
    ];
    let mut command = home.hallpass(&words);
    command.env("HALLPASS_PASSPHRASE_FILE", passphrase);
    let terminal = Terminal::start(command, 120, 40);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(home.sessions().len(), 2, "the session and the registration");
    for file in home.sessions() {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            !text.contains("hpg_") && !text.contains("redirect_uris"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn c_56_a_server_that_forgot_the_program_registers_it_anew() {
    let home = Home::new();
    let server = Server::start();
    let (_, first) = sign_in(&server, &home, &[]).await;
    // RFC 7592 §2.3: its operator, or whoever has the token, removes the client.
    let kept = home.sessions().into_iter().find_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        let (_, token) = text.split_once("hpg_")?;
        let end = token.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
        Some(format!("hpg_{}", token.get(..end)?))
    });
    let person = server.person();
    let uri = format!("{}/register/{first}", server.issuer);
    let gone = person.http().delete(uri).bearer_auth(kept.unwrap());
    assert_eq!(person.send(gone).await.status, 204);

    let (screen, second) = sign_in(&server, &home, &["--force"]).await;
    assert!(screen.contains("has forgotten this program"), "{screen}");
    assert!(screen.contains("✔ Registered this program"), "{screen}");
    assert_ne!(first, second);
}

#[test]
fn nobody_is_registered_where_nobody_is_there_or_where_the_server_takes_nobody() {
    let home = Home::new();
    let closed = Server::with("", &["--strict"]);
    // Row C-56 with rule 4: without a terminal nothing is sent at all.
    let alone = home.run(&["login", "--issuer", &closed.issuer]);
    assert_eq!(alone.code, Some(4), "{alone}");
    let words = ["login", "--issuer", &closed.issuer, "--device"];
    let refused = home.run(&words);
    assert_eq!(refused.code, Some(5), "{refused}");
    assert!(refused.stderr.contains("registers no clients"), "{refused}");
    assert!(refused.stderr.contains("hint: "), "{refused}");
    assert!(home.sessions().is_empty());
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.unwrap().1.into_owned()
}

/// Signs ada in with a browser at a server whose answers do not name it; the path of the redirect URI.
async fn signs_in_without_iss(
    home: &Home,
    (profile, issuer): (&str, &str),
    person: &Person,
) -> String {
    let words = ["login", profile, "--issuer", issuer, "--browser", "--force"];
    let mut command = home.hallpass(&words);
    command.env("BROWSER", home.browser());
    let terminal = Terminal::start(command, 120, 40);
    let screen = terminal.wait_for("Ctrl-C cancels");
    let address = screen.lines().find(|line| line.starts_with("  http"));
    let url = Url::parse(address.unwrap().trim()).unwrap();
    let page = person.open(url.as_str()).await;
    let answer = person.submit(&page, &[("username", "ada")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let callback = Url::parse(answer.header("location")).unwrap();
    let mut stripped = callback.clone();
    let kept = callback.query_pairs().filter(|(name, _)| name != "iss");
    stripped.query_pairs_mut().clear().extend_pairs(kept);
    let moved = person.send(person.http().get(stripped)).await;
    assert_eq!(moved.status, 303, "{}", moved.body);
    let last = callback.join(moved.header("location")).unwrap();
    person.send(person.http().get(last)).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let redirect_uri = Url::parse(&parameter(&url, "redirect_uri")).unwrap();
    redirect_uri.path().to_owned()
}

#[tokio::test]
async fn c_34_a_program_registers_another_path_with_each_server_that_does_not_name_itself() {
    let home = Home::new().without_pushed_requests();
    let server = Server::start();
    let mut paths = Vec::new();
    for profile in ["one", "two"] {
        let between = Between::start(&server.url, |passing| {
            let reply = passing.forward();
            if !passing.path.contains("/.well-known/o") {
                return reply;
            }
            reply.changed(|document| {
                document["authorization_response_iss_parameter_supported"] = json!(false);
            })
        });
        let (person, issuer) = (Person::new(&between.url), between.issuer());
        let at = (profile, issuer.as_str());
        let first = signs_in_without_iss(&home, at, &person).await;
        // The registration is kept, and its path with it.
        let person = Person::new(&between.url);
        let second = signs_in_without_iss(&home, at, &person).await;
        assert!(first.starts_with("/cb/"), "{first}");
        assert_eq!(first, second);
        paths.push(first);
    }
    assert_ne!(paths[0], paths[1]);
}

#[test]
fn an_address_as_client_id_is_refused_at_once_where_nobody_reads_it() {
    let home = Home::new();
    let id = "https://app.example/client.json";
    for (server, way_out) in [
        (Server::start(), "leave the client id out"),
        (
            Server::with("", &["--strict"]),
            "have the client registered",
        ),
    ] {
        let words = ["login", "--issuer", &server.issuer, "--client-id", id];
        let refused = home.run(&[&words[..], &["--device"]].concat());
        assert_eq!(refused.code, Some(5), "{refused}");
        for expected in [id, "reads no client id metadata documents", way_out] {
            assert!(refused.stderr.contains(expected), "{expected:?}: {refused}");
        }
        assert!(home.sessions().is_empty());
    }
}
