//! `hallpass admin audit`: beside a running server, and after somebody changed the database.

use std::process::Child;

use serde_json::Value;

use crate::admin::{admin, home, serve};
use crate::hallpass::{Home, Ran};

/// A server that has seen something: an account, and a client that guesses.
fn server(home: &Home) -> (Child, String) {
    let words = ["user", "create", "ada", "--email", "ada@example.com"];
    assert_eq!(admin(home, &words).code, 0);
    let (child, line) = serve(home);
    let port = line.split("localhost:").nth(1).unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let url = format!("http://localhost:{port}/oauth2/token");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let guess = client.post(&url).basic_auth("svc", Some("a guess"));
        let guess = guess.form(&[("grant_type", "client_credentials")]);
        assert_eq!(guess.send().await.unwrap().status(), 401);
    });
    (child, port)
}

/// The records, once the server has written what it saw.
fn records(home: &Home, words: &[&str]) -> Vec<Value> {
    let words = [&["audit"], words, &["-o", "json"]].concat();
    let ran = admin(home, &words);
    assert_eq!(ran.code, 0, "{ran}");
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn wait_for(home: &Home, event: &str) -> Value {
    // Each look takes a while, and the server writes within a second.
    for _ in 0..1000 {
        if let Some(found) = records(home, &["search", "--event", event]).pop() {
            return found;
        }
    }
    panic!("nobody wrote {event} down");
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn assert_refuses(ran: &Ran, words: &str) {
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn records_are_read_beside_a_server_and_verified() {
    let home = home();
    let none = admin(&home, &["audit", "tail"]);
    assert_ne!(none.code, 0, "there is no database: {none}");
    assert!(!home.path("x.db").exists(), "reading makes none");
    let (child, _) = server(&home);
    let failed = wait_for(&home, "client.auth_failed");
    assert_eq!(
        (&failed["client"], &failed["outcome"]),
        (&"svc".into(), &"failure".into())
    );
    let created = wait_for(&home, "user.created");
    assert_eq!(created["actor"], "operator");
    assert_eq!(
        records(&home, &["search", "--user", "ADA"]),
        std::slice::from_ref(&created)
    );
    let id = created["subject"].as_str().unwrap();
    assert_eq!(records(&home, &["search", "--user", id]), [created]);
    let clients = records(&home, &["search", "--client", "svc", "--since", "1h"]);
    assert_eq!(clients, [failed]);
    let until = [
        "search",
        "--client",
        "svc",
        "--until",
        "2020-01-01T00:00:00Z",
    ];
    assert_eq!(records(&home, &until), Vec::<Value>::new());
    let newest = records(&home, &["tail", "-n", "2"]);
    assert_eq!(
        newest.last().unwrap()["event"],
        "client.auth_failed",
        "{newest:?}"
    );
    assert_eq!(
        records(&home, &["search", "--event", "user", "--limit", "1"]).len(),
        1
    );
    let text = admin(&home, &["audit", "tail"]);
    assert!(
        text.stdout.contains("client.auth_failed") && text.stdout.contains("client=svc"),
        "{text}"
    );
    for (words, said) in [
        (&["--event", "logn"][..], "no event `logn`"),
        (&["--sid", "x"], "is no sign-in"),
        (&["--since", "yesterday"], "is no time"),
    ] {
        let ran = admin(&home, &[&["audit", "search"], words].concat());
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains(said), "{ran}");
    }
    let verified = admin(&home, &["audit", "verify"]);
    assert_eq!(verified.code, 0, "{verified}");
    assert!(verified.stderr.contains("hold"), "{verified}");
    let json = admin(&home, &["audit", "verify", "-o", "json"]).json();
    assert_eq!(
        (&json["holds"], &json["chains"][0]["pruned"]),
        (&true.into(), &0.into())
    );
    let anchors = admin(&home, &["audit", "anchor"]);
    home.write("anchors.jsonl", &anchors.stdout);
    let verified = admin(&home, &["audit", "verify", "--anchor", "anchors.jsonl"]);
    assert_eq!(verified.code, 0, "{verified}");
    assert!(
        verified.stderr.contains("anchors compared: 1"),
        "{verified}"
    );
    home.write("nothing", "{\"event\": \"logout\"}\n");
    let nothing = admin(&home, &["audit", "verify", "--anchor", "nothing"]);
    assert_eq!(nothing.code, 2, "{nothing}");
    stop(child);
}

/// The same file with other records: the way of somebody who has a copy from before.
#[test]
fn a_118_an_older_copy_in_the_place_of_the_database_shows_by_its_anchor() {
    let home = home();
    let create = |name: &str| {
        let ran = admin(&home, &["user", "create", name]);
        assert_eq!(ran.code, 0, "{ran}");
    };
    create("ada");
    assert_eq!(admin(&home, &["backup", "copy.db"]).code, 0);
    create("eve");
    let anchors = admin(&home, &["audit", "anchor"]).stdout;
    home.write("anchors.jsonl", &anchors);
    let verify = |words: &[&str]| admin(&home, &[&["audit", "verify"], words].concat());
    let anchor = ["--anchor", "anchors.jsonl"];
    assert_eq!(verify(&anchor).code, 0);
    std::fs::remove_file(home.path("x.db")).unwrap();
    std::fs::rename(home.path("copy.db"), home.path("x.db")).unwrap();
    assert_eq!(verify(&[]).code, 0, "every signature is the server's");
    assert_refuses(&verify(&anchor), "its tail was cut");
    // Whoever goes on from there writes another chain.
    create("mallory");
    assert_refuses(&verify(&anchor), "was written anew");
    let json = verify(&[&anchor[..], &["-o", "json"]].concat());
    assert_eq!(json.code, 1, "{json}");
    assert_eq!(json.json()["holds"], false);
    // Nor does an anchor help that somebody changed.
    home.write("anchors.jsonl", anchors.replace("\"seq\":3", "\"seq\":2"));
    assert_refuses(&verify(&anchor), "is not signed by this server");
}
