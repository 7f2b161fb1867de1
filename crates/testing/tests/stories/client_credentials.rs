//! A program that signs in as itself: its secret reaches the server and nobody else.

use std::path::Path;

use serde_json::{Value, json};

use crate::home::Home;
use crate::server_process::Server;

const SECRET: &str = "canary-Zm9yLW5vLWV5ZQ";

fn server() -> Server {
    let client = format!(
        "[[client]]\nid = \"robot\"\ntype = \"confidential\"\nsecret = \"{SECRET}\"\n\
         grants = [\"client_credentials\"]\nscopes = [\"api:read\"]\n\
         [[client]]\nid = \"rs\"\ntype = \"confidential\"\nsecret = \"s\"\ngrants = []\nintrospect = true\n"
    );
    Server::with(&client, &["--strict"])
}

#[tokio::test]
async fn a_program_fetches_tokens_and_its_secret_is_seen_nowhere() {
    let (server, home) = (server(), Home::new());
    let secret = home.write("secret", &format!("{SECRET}\n"));
    let words = [
        "login",
        "robot",
        "--issuer",
        &server.issuer,
        "--client-id",
        "robot",
        "--scope",
        "api:read",
        "--flow",
        "client-credentials",
        "--client-secret-file",
        &secret,
        "-vvv",
    ];
    let login = home.runs(&words);
    let token = home.runs(&["token", "robot", "-vvv"]);
    assert!(server.is_active(token.line()).await);
    let json = home.runs(&["token", "robot", "--json", "-vvv"]);
    assert_eq!(json.json()["scope"], "api:read", "{json}");
    for ran in [&login, &token, &json] {
        assert!(!ran.to_string().contains(SECRET), "{ran}");
    }
    assert!(login.stderr.len() > 100, "-vvv says something: {login}");
    // Nothing that the server issued is kept, and the secret stays in its own file.
    assert!(home.sessions().is_empty());
    std::fs::remove_file(&secret).unwrap();
    assert!(!holds(&home.path(""), SECRET));

    let wrong = home.write("secret", "another-canary");
    let refused = home.run(&["token", "robot", "-vvv"]);
    assert_eq!(refused.code, Some(5), "{refused}");
    assert!(refused.stderr.contains("invalid_client"), "{refused}");
    assert!(!refused.to_string().contains("another-canary"), "{refused}");
    std::fs::remove_file(wrong).unwrap();
    server.signal("TERM");
    let (status, log) = server.end();
    assert!(status.success(), "{log}");
    assert!(
        !log.contains(SECRET) && !log.contains("another-canary"),
        "{log}"
    );
}

#[test]
fn the_rules_choose_client_credentials_and_a_program_that_drives_it_hears_so() {
    let (server, home) = (server(), Home::new());
    let secret = home.write("secret", SECRET);
    let words = |more: &[&'static str]| {
        let words = [
            "login",
            "robot",
            "--issuer",
            &server.issuer,
            "--client-id",
            "robot",
            "--scope",
            "api:read",
            "--client-secret-file",
            &secret,
            "--events",
            "--explain",
        ];
        let words = [&words[..], more].concat();
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = |more: &[&'static str]| {
        let words = words(more);
        home.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let events = |stdout: &str| -> Vec<Value> {
        let lines = stdout.lines();
        lines.map(|it| serde_json::from_str(it).unwrap()).collect()
    };
    let chosen = run(&[]);
    assert_eq!(chosen.code, Some(0), "{chosen}");
    let done = json!({"event": "done", "subject": null});
    let flow = |why: Value| json!({"event": "flow", "flow": "client-credentials", "why": why});
    assert_eq!(
        events(&chosen.stdout),
        [flow(json!(["client secret"])), done.clone()]
    );
    for line in [
        "Flow: client credentials (client secret)\n",
        "     a token is given: no sign-in, it is used\n",
        "  -> the program has credentials, and no person is meant [client secret]: client credentials\n",
        // Who asks for events reads along.
        "     nobody is here to answer: exit 4 at once\n",
    ] {
        assert!(chosen.stderr.contains(line), "{line:?} in {chosen}");
    }
    // Now it is known as a program; and a flow may be named.
    for more in [&[][..], &["--flow", "client-credentials"]] {
        let named = run(more);
        assert_eq!(events(&named.stdout), [flow(json!([])), done.clone()]);
        assert!(named.stderr.contains("(asked for)\n"), "{named}");
    }
    home.write("secret", "another-canary");
    let refused = run(&[]);
    assert_eq!(refused.code, Some(5), "{refused}");
    let [first, last] = events(&refused.stdout).try_into().unwrap();
    assert_eq!(first["event"], "flow");
    assert_eq!(last["error"]["exit"], 5);
    assert!(!refused.to_string().contains("canary"), "{refused}");
}

#[test]
fn c_49_a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let home = Home::new();
    for words in [
        ["token", "--client-secret", SECRET].as_slice(),
        &["login", &format!("--client-secret={SECRET}")],
    ] {
        let refused = home.run(words);
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(refused.stderr.contains("--client-secret-file"), "{refused}");
        assert!(!refused.to_string().contains(SECRET), "{refused}");
    }
}

/// Whether a file below this folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds(&path, text)
        } else {
            let bytes = std::fs::read(&path).unwrap();
            String::from_utf8_lossy(&bytes).contains(text)
        }
    })
}
