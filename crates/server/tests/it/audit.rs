//! What happened is written down, can be trusted, and tells no secret.

use std::sync::Arc;
use std::time::Duration;

use hallpass_issuer::audit::Event;
use hallpass_protocol::Secret;
use hallpass_server::Settings;
use hallpass_server::audit::{Search, Trail};
use hallpass_server::settings::AuditSink;
use hallpass_testing::TestServer;
use hallpass_testing::server::{CLIENTS, production_settings};
use serde_json::Value;
use tokio::time::Instant;

use crate::accounts::{PASSWORD, code, is_in, log_in, redeem, refresh};

/// The names of what happened, in order.
async fn events(server: &TestServer) -> Vec<String> {
    let records = server.audited().await;
    let names = records
        .iter()
        .map(|record| record["event"].as_str().unwrap().to_owned());
    names.collect()
}

async fn verified(server: &TestServer) -> u64 {
    let report = server.audit_trail().verify(&[]).await.unwrap();
    assert_eq!(report.findings, []);
    report.chains.iter().map(|chain| chain.records).sum()
}

#[tokio::test]
async fn a_life_with_an_account_is_written_down() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(!is_in(
        &log_in(&server.person(), "ada", "not it at all").await
    ));
    let tokens = redeem(&server, &code(&person, "ada").await).await;
    let sid = tokens.claims("access_token")["sid"].clone();
    let first = tokens.member("refresh_token");
    let second = refresh(&server, &first).await.member("refresh_token");
    refresh(&server, &second).await;
    // A slow racer, then a thief.
    assert_eq!(refresh(&server, &first).await.status, 400);
    server.advance(31);
    assert_eq!(refresh(&server, &first).await.status, 400);
    let user = server.accounts().find("ada").await.unwrap().id.to_string();
    let records = server.audited().await;
    let names: Vec<&str> = records
        .iter()
        .map(|record| record["event"].as_str().unwrap())
        .collect();
    let expected = [
        "system.started",
        "key.created",
        "user.created",
        "login.failure",
        "login.success",
        "authorize.granted",
        "refresh.late",
        "refresh.reuse",
    ];
    let mut rest = names.iter();
    for event in expected {
        assert!(rest.any(|name| *name == event), "{event} in {names:?}");
    }
    for record in &records {
        let name = record["event"].as_str().unwrap();
        match name {
            "login.failure" | "user.created" => assert_eq!(record["subject"], user, "{record}"),
            "login.success" | "authorize.granted" => {
                assert_eq!(record["actor"], format!("user:{user}"), "{record}");
                assert_eq!(record["ip"], "127.0.0.1");
            }
            "refresh.late" | "refresh.reuse" => {
                assert_eq!((&record["sid"], &record["client"]), (&sid, &"cli".into()));
                assert_eq!(record["detail"]["family_ended"], name == "refresh.reuse");
            }
            _ => {}
        }
    }
    assert_eq!(verified(&server).await, records.len() as u64);
}

#[tokio::test]
async fn what_an_operator_does_is_theirs() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let accounts = server.accounts();
    accounts.lock("ada").await.unwrap();
    accounts.unlock("ada").await.unwrap();
    let password = Secret::new("another word to say".to_owned());
    accounts.set_password("ada", password).await.unwrap();
    accounts.reset_factors("ada").await.unwrap();
    let events = [
        "user.created",
        "user.locked",
        "user.unlocked",
        "password.reset",
        "mfa.removed",
    ];
    for event in events {
        let records = server.audited_as(event).await;
        assert_eq!(records.len(), 1, "{event}");
        assert_eq!(records[0]["actor"], "operator");
        assert!(records[0].get("ip").is_none(), "nobody knows from where");
    }
}

#[tokio::test]
async fn a_deleted_person_is_cleared_from_the_records_and_they_hold() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let user = server.accounts().find("ada").await.unwrap().id.to_string();
    assert!(
        server
            .has_audited(&["login.success", &user, "127.0.0.1"])
            .await
    );
    let page = person.open("/account/delete").await;
    let answer = person.submit(&page, &[("name", "ada")]).await;
    assert!(
        answer.body.contains("Your account is deleted"),
        "{}",
        answer.body
    );
    let records = server.audited().await;
    let naming = records
        .iter()
        .filter(|record| record.to_string().contains(&user));
    let naming: Vec<&Value> = naming.map(|record| &record["event"]).collect();
    assert_eq!(
        naming,
        ["user.deleted"],
        "it says that somebody is gone, and no more"
    );
    assert!(events(&server).await.contains(&"login.success".to_owned()));
    verified(&server).await;
}

#[tokio::test]
async fn a_02_everybodys_wrong_codes_trip_the_limit_and_that_is_written_down() {
    let toml = "trusted_proxies = [\"127.0.0.0/8\"]\n[limits]\nuser_code_global_fail = \"10/1m\"\n";
    let server = TestServer::production(toml).await;
    let guess = async |number: u8| {
        let person = server.person_at(number);
        let page = person.open("/device").await;
        person.submit(&page, &[("user_code", "BCDF-GHJK")]).await
    };
    for number in 1..=10 {
        assert_eq!(guess(number).await.status, 422, "{number}");
    }
    let tripped = server.audited_as("limit.tripped").await;
    assert_eq!(tripped.len(), 1, "{tripped:?}");
    assert_eq!(tripped[0]["detail"]["limit"], "user_code_global_fail");
    assert_eq!(tripped[0]["outcome"], "alert");
    assert_eq!(server.audited_as("device.code_failed").await.len(), 10);
    // From now on strangers are asked to sign in first.
    let page = server.person_at(11).open("/device").await;
    assert!(!page.body.contains("name=\"user_code\""), "{}", page.body);
}

#[tokio::test]
async fn a_refusal_that_was_shown_is_found_by_its_reference() {
    let server = TestServer::production("").await;
    let page = server
        .get("/oauth2/authorize?client_id=cli&response_type=code&redirect_uri=https://evil.test/")
        .await;
    assert_eq!(page.status, 400);
    let records = server.audited_as("authorize.denied").await;
    let reference = records[0]["ref"].as_str().unwrap();
    assert!(page.body.contains(reference), "{}", page.body);
    let search = Search {
        reference: Some(reference.to_owned()),
        ..Search::default()
    };
    let found = server.audit_trail().search(&search, 10).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn a_client_that_guesses_is_written_down_and_its_guesses_are_not() {
    let server = TestServer::production("").await;
    let form = [("grant_type", "client_credentials")];
    for _ in 0..50 {
        let wrong = ("svc", "planted-guess");
        server.post_basic("/oauth2/token", wrong, &form).await;
    }
    let stranger = ("planted-name", "planted-guess");
    server.post_basic("/oauth2/token", stranger, &form).await;
    let failures = server.audited_as("client.auth_failed").await;
    // 20 wrong ones are looked at, the others are locked out.
    assert!(
        failures.len() >= 20 && failures.len() <= 30,
        "{}",
        failures.len()
    );
    assert_eq!(failures[0]["client"], "svc");
    let tripped = server.audited_as("limit.tripped").await;
    assert_eq!(tripped[0]["detail"]["limit"], "client_secret_fail");
    assert!(!server.has_audited(&["planted"]).await);
}

/// Lets the purge of the server run, and waits until it has done something.
async fn purged(server: &TestServer, is_done: impl Fn(&[Value]) -> bool) {
    server.clean_up().await;
    for _ in 0..1000 {
        if is_done(&server.audited().await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}", server.audited().await);
}

#[tokio::test]
async fn where_people_were_is_cleared_after_90_days_and_the_chain_holds() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let before = verified(&server).await;
    server.advance(91 * 86_400);
    let has_no_place = |record: &Value| record.get("ip").is_none();
    purged(&server, |records| records.iter().all(has_no_place)).await;
    assert!(
        server.has_audited(&["login.success", "user:"]).await,
        "people are kept"
    );
    assert_eq!(verified(&server).await, before);
}

#[tokio::test]
async fn old_records_go_and_the_chain_goes_on() {
    let server = TestServer::production("[audit]\nretention = \"100d\"\n").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let before = server.audited().await.len() as u64;
    server.advance(101 * 86_400);
    purged(&server, <[Value]>::is_empty).await;
    assert_eq!(verified(&server).await, 0);
    assert!(!is_in(
        &log_in(&server.person(), "ada", "wrong word here").await
    ));
    let records = server.audited().await;
    assert_eq!(records[0]["seq"], before + 1);
    assert_eq!(verified(&server).await, records.len() as u64);
}

fn settings(folder: &std::path::Path, toml: &str) -> Settings {
    let database = format!("sqlite://{}", folder.join("x.db").display());
    Settings {
        consent: None,
        ..production_settings(&format!("{toml}\n{CLIENTS}"), folder, &database)
    }
}

#[tokio::test]
async fn a_restart_goes_on_with_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let server = TestServer::start(settings(folder.path(), "")).await;
        assert_eq!(server.audited_as("system.started").await.len(), round);
        verified(&server).await;
        let report = server.audit_trail().verify(&[]).await.unwrap();
        assert_eq!(report.chains.len(), 1, "one file has one chain");
        server.stop().await;
    }
}

#[tokio::test]
async fn lines_go_to_a_file_with_the_end_of_the_chain() {
    use hallpass_server::audit::read_anchors;

    let folder = tempfile::tempdir().unwrap();
    let toml = "[audit]\nsink = [\"db\", \"file\"]\nfile = \"audit.jsonl\"\n";
    let server = TestServer::start(settings(folder.path(), toml)).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let kept = server.audited().await;
    let read = || std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let mut lines: Vec<Value> = read()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The end of the chain may stand between them.
    lines.retain(|line| line.get("anchor").is_none());
    assert_eq!(lines, kept, "the same records in the same order");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(folder.path().join("audit.jsonl")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    // The ends of the chains are what `verify` compares with.
    let anchors = server.audit_trail().anchors().await.unwrap();
    let lines: Vec<String> = anchors.iter().map(ToString::to_string).collect();
    let text = lines.join("\n");
    let anchors = read_anchors(&text);
    assert_eq!(anchors.len(), 1);
    let report = server.audit_trail().verify(&anchors).await.unwrap();
    assert_eq!((report.findings.len(), report.anchors), (0, 1));
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let toml = "[audit]\nsink = [\"file\"]\nfile = \"no/such/folder/audit.jsonl\"\n";
    let started = hallpass_server::Server::start(settings(folder.path(), toml)).await;
    let error = started.map(drop).unwrap_err().to_string();
    assert!(error.contains("[audit] file"), "{error}");
}

#[tokio::test]
async fn dev_mode_keeps_nothing() {
    let mut settings = Settings::for_tests();
    assert_eq!(
        settings.audit.sinks,
        [AuditSink::Database],
        "tests look at records"
    );
    settings.audit.sinks.clear();
    let server = TestServer::start(settings).await;
    server.sign_in("cli", "openid", "ada").await;
    assert_eq!(server.audited().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_break_no_chain() {
    let server = Arc::new(TestServer::production("").await);
    let tasks = (0..8).map(|_| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            for _ in 0..20 {
                let form = [("client_id", "cli"), ("scope", "openid")];
                server.post("/oauth2/device_authorization", &form).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let started = server.audited_as("device.started").await.len();
    assert!(started >= 1, "{started}");
    verified(&server).await;
}

#[tokio::test]
async fn what_happened_is_in_the_database_a_second_later_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "");
    let server = TestServer::start(settings.clone()).await;
    let form = [("client_id", "cli"), ("scope", "openid")];
    let started = server.post("/oauth2/device_authorization", &form).await;
    assert_eq!(started.status, 200, "{}", started.body);
    let begun = Instant::now();
    // Somebody else, whom the server does not write for.
    let other = Trail::open(&settings).await.unwrap();
    let search = Search {
        event: Some("device".to_owned()),
        ..Search::default()
    };
    while other.search(&search, 1).await.unwrap().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody writes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    other.close().await;
    server.stop().await;
}

#[test]
fn the_docs_name_every_event() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    for event in Event::ALL {
        assert!(docs.contains(&format!("`{event}`")), "{event}");
    }
}
