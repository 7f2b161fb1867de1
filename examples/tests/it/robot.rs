//! The job: signed in as itself, renewed by itself, and refused with the right exit code.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::process::{ChildStdin, Command, Stdio};

use crate::api::Api;
use crate::world::{Home, Running, nowhere, server};

const PROGRAM: &str = env!("CARGO_BIN_EXE_robot");
const SECRET: &str = "canary-bm90LWZvci1leWVz";

/// A server that knows the job.
fn config(more: &str) -> String {
    format!(
        "{more}[[client]]\nid = \"acme-robot\"\ntype = \"confidential\"\nsecret = \"{SECRET}\"\n\
         grants = [\"client_credentials\"]\nscopes = [\"report:write\"]\n\
         [[client]]\nid = \"rs\"\ntype = \"confidential\"\nsecret = \"s\"\ngrants = []\nintrospect = true\n"
    )
}

/// The job, with this secret in its file.
fn robot(home: &Home, (issuer, api): (&str, &str), secret: &str) -> Command {
    let file = home.path("secret");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = home.program(PROGRAM, issuer, api);
    command.env("ACME_SECRET_FILE", file).stdin(Stdio::piped());
    command
}

fn report(input: &mut ChildStdin) {
    input.write_all(b"all is well\n").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_report_carries_the_token_of_the_job_itself() {
    let (server, api, home) = (server(&config("")).await, Api::start(), Home::new());
    let mut job = Running::start(robot(&home, (&server.issuer(), &api.url), SECRET));
    let mut input = job.input();
    for _ in 0..3 {
        report(&mut input);
    }
    drop(input);
    assert_eq!(job.end(), (Some(0), String::new()));
    let seen = api.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|it| it.line == "POST /report"), "{seen:?}");
    // One token for all of them.
    let token = seen[0].authorization.strip_prefix("Bearer ").unwrap();
    assert!(seen.iter().all(|it| it.authorization.ends_with(token)));
    let claims = hallpass_testing::claims_of(token);
    assert_eq!(claims["client_id"], "acme-robot");
    assert_eq!(claims["scope"], "report:write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_nearly_over_is_replaced_by_the_next() {
    let config = config("[ttl]\naccess = \"2s\"\n");
    let (server, api, home) = (server(&config).await, Api::start(), Home::new());
    let mut job = Running::start(robot(&home, (&server.issuer(), &api.url), SECRET));
    let mut input = job.input();
    let mut count = 0;
    loop {
        report(&mut input);
        count += 1;
        let seen = api.wait_until(|seen| seen.len() == count);
        if seen[0].authorization != seen[count - 1].authorization {
            break;
        }
        // The server's time is the test's; the job's goes on by itself.
        server.advance(1);
    }
    drop(input);
    assert_eq!(job.end(), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_5_a_server_that_is_away_7_and_neither_is_told() {
    let (server, api, home) = (server(&config("")).await, Api::start(), Home::new());
    let issuer = server.issuer();
    for (issuer, secret, code) in [(issuer, "wrong-canary", 5), (nowhere(), SECRET, 7)] {
        let mut job = Running::start(robot(&home, (&issuer, &api.url), secret));
        report(&mut job.input());
        let (ended, said) = job.end();
        assert_eq!(ended, Some(code), "{said}");
        assert!(
            said.starts_with("robot: ") && said.contains("\n  hint: "),
            "{said}"
        );
        assert!(!said.contains("canary"), "{said}");
    }
    assert!(api.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_away_and_a_secret_that_is_not_there_are_1() {
    let (server, home) = (server(&config("")).await, Home::new());
    let (issuer, api) = (server.issuer(), nowhere());
    let mut job = Running::start(robot(&home, (&issuer, &api), SECRET));
    report(&mut job.input());
    let (code, said) = job.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.starts_with("robot: ") && !said.contains("canary"),
        "{said}"
    );

    let mut command = robot(&home, (&issuer, &api), SECRET);
    std::fs::remove_file(home.path("secret")).unwrap();
    command.stdin(Stdio::null());
    let (code, said) = Running::start(command).end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/secret: "), "{said}");
}
