//! The daemon: signed in by a person once, refreshed by itself, ended by a signal.

use hallpass_testing::{Terminal, TestServer};

use crate::api::Api;
use crate::world::{EVERY_SECOND, Home, Running, approve, server, user_code};

const PROGRAM: &str = env!("CARGO_BIN_EXE_daemon");

async fn sign_in(home: &Home, server: &TestServer, api: &Api) {
    let mut command = home.program(PROGRAM, &server.issuer(), &api.url);
    command.args(["auth", "login", "--device"]);
    let terminal = Terminal::start(command, 80, 24);
    let code = terminal.wait_until("a user code", user_code);
    approve(&server.person(), server, &code).await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_outlives_its_tokens_and_ends_when_told() {
    let (api, home) = (Api::start(), Home::new());
    // Every token is already in its last seconds when it comes, so each report needs the next one.
    let config = format!("{EVERY_SECOND}[ttl]\naccess = \"2s\"\n");
    let server = server(&config).await;
    sign_in(&home, &server, &api).await;
    let daemon = Running::start(home.program(PROGRAM, &server.issuer(), &api.url));
    let seen = api.wait_until(|seen| {
        seen.len() >= 2
            && seen.first().map(|r| &r.authorization) != seen.last().map(|r| &r.authorization)
    });
    assert!(
        seen.iter().all(|request| request.line == "POST /report"),
        "{seen:?}"
    );
    daemon.signal("TERM");
    let (code, said) = daemon.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("reported: 200\nended\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stays_while_the_server_is_away() {
    let (api, home) = (Api::start(), Home::new());
    let config = format!("{EVERY_SECOND}[ttl]\naccess = \"2s\"\n");
    let server = server(&config).await;
    sign_in(&home, &server, &api).await;
    let issuer = server.issuer();
    let mut daemon = Running::start(home.program(PROGRAM, &issuer, &api.url));
    assert_eq!(daemon.line(), "reported: 200");
    server.stop().await;
    // It says so each time, and does not end.
    for _ in 0..2 {
        let complaint = daemon.complaint();
        assert!(complaint.starts_with("later: "), "{complaint}");
    }
    daemon.signal("TERM");
    let (code, said) = daemon.end();
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_auth_commands_answer_as_those_of_hallpass() {
    let (server, api, home) = (server(EVERY_SECOND).await, Api::start(), Home::new());
    let auth = |words: &[&str]| {
        let mut command = home.program(PROGRAM, &server.issuer(), &api.url);
        command.arg("auth").args(words);
        Running::start(command).end()
    };
    let (code, said) = auth(&["status", "--json"]);
    assert_eq!(code, Some(4), "{said}");
    let (answer, error) = said.split_once('\n').unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(answer)["signed_in"], false);
    assert_eq!(json(error)["error"]["exit"], 4);
    // Nobody is at a terminal, and nobody asked for a flow that needs none.
    assert_eq!(auth(&["login"]).0, Some(4));

    sign_in(&home, &server, &api).await;
    let (code, said) = auth(&["status", "--json"]);
    assert_eq!((code, &json(&said)["subject"]), (Some(0), &"ada".into()));
    // The server offers DPoP: the token is bound to a key, and alone of no use.
    let (code, said) = auth(&["token"]);
    assert_eq!(code, Some(5), "{said}");
    let (code, token) = auth(&["token", "--allow-bound"]);
    assert_eq!(code, Some(0), "{token}");
    let (_, headers) = auth(&["token", "--header", "--url", &api.url]);
    let (first, second) = headers.trim_end().split_once('\n').unwrap();
    assert_eq!(first, format!("Authorization: DPoP {}", token.trim_end()));
    assert!(second.starts_with("DPoP: ey"), "{second}");
    let (_, config) = auth(&["token", "--curl", "--url", &api.url, "--method", "post"]);
    let lines: Vec<_> = config.lines().collect();
    assert_eq!(lines[0], "request = \"POST\"");
    assert!(
        lines[1].starts_with("url = ") && lines[1].contains(&api.url),
        "{config}"
    );
    assert_eq!(
        lines[2],
        format!("header = \"Authorization: DPoP {}\"", token.trim_end())
    );
    assert!(lines[3].starts_with("header = \"DPoP: ey"), "{config}");
    for words in [
        &["token", "--header", "--json"][..],
        &["token", "--curl"],
        &["token", "--header", "--url", "api.test"],
        &["token", "--min-validity", "soon"],
        &["logout", "--local", "--browser"],
    ] {
        let (code, said) = auth(words);
        assert_eq!(code, Some(2), "{words:?}: {said}");
    }
    let (_, said) = auth(&["token", "--json"]);
    assert_eq!(json(&said)["access_token"], token.trim_end());
    assert_eq!(json(&said)["schema"], "hallpass.token/1");

    let (code, said) = auth(&["logout", "--json", "--browser"]);
    assert_eq!(code, Some(0), "{said}");
    let done = json(&said);
    assert_eq!(done["steps"][0]["what"], "revoke_refresh_token");
    assert_eq!(done["steps"][0]["result"], "ok");
    // There is no screen here, so the person is told where to go.
    let last = done["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["what"], "end_browser_session");
    assert_eq!(last["result"], "skipped", "{last}");
    assert!(!server.is_active(token.trim_end()).await);
    assert_eq!(auth(&["token"]).0, Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_session_it_ends_with_4_and_asks_nobody() {
    let (server, api, home) = (server("").await, Api::start(), Home::new());
    let (code, said) = Running::start(home.program(PROGRAM, &server.issuer(), &api.url)).end();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("daemon: nobody is signed in"), "{said}");
    assert!(api.seen().is_empty());
}
