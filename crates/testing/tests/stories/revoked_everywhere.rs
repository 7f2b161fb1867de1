//! A revocation at one node of `hallpass serve` is seen by the others within a second, and a process
//! that was stopped for a while does not answer from what it knew before (rows S-264, S-265).

use std::time::Duration;

use hallpass_testing::TestPostgres;
use tokio::time::{Instant, sleep};

use crate::desk::Desk;
use crate::production::{Database, Production};

/// A second, and a margin for machines that do a lot at once.
const SOON: Duration = Duration::from_millis(1_500);

/// The status and the body of what introspection says.
async fn introspect(http: &reqwest::Client, url: &str, token: &str) -> (u16, String) {
    let asked = http
        .post(format!("{url}/oauth2/introspect"))
        .basic_auth("rs", Some("a secret for a story"))
        .form(&[("token", token)]);
    let answer = asked.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_265_a_process_that_slept_does_not_answer_from_its_memory() {
    let server = Production::start(Database::Server(TestPostgres::start()), &["ada"]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let desk = Desk::new(&server.url, 1);
    let person = desk.signed_in_person("ada").await;
    let mine = desk.sign_in_by_device(&person).await.unwrap();
    for _ in 0..2 {
        let (status, body) = introspect(&http, &server.url, &mine.access_token).await;
        assert!(status == 200 && body.contains("\"active\":true"), "{body}");
    }
    server.signal("STOP");
    // As another node would.
    let revoke = "UPDATE authorizations SET revoked_at = 1, revoke_reason = 2";
    server.postgres().sql("test_0", revoke);
    // This is what is tested: it sleeps for longer than what it knew may count.
    sleep(Duration::from_secs(5)).await;
    let (token, url) = (mine.access_token.clone(), server.url.clone());
    let asked = tokio::spawn(async move { introspect(&http, &url, &token).await });
    // The question waits in the socket while the process wakes up.
    sleep(Duration::from_millis(50)).await;
    server.signal("CONT");
    let (status, body) = asked.await.unwrap();
    let is_right = status == 200 && body == "{\"active\":false}";
    assert!(is_right || status == 503, "{status} {body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: `just nightly`"]
async fn s_264_a_thousand_revocations_are_seen_within_a_second() {
    let server = Production::start(Database::Server(TestPostgres::start()), &["ada"]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let desk = Desk::new(&server.url, 1);
    let person = desk.signed_in_person("ada").await;
    let (mut slowest, mut all) = (Duration::ZERO, Duration::ZERO);
    for round in 0..1_000 {
        let mine = desk.sign_in_by_device(&person).await.unwrap();
        let (_, body) = introspect(&http, &server.url, &mine.access_token).await;
        assert!(body.contains("\"active\":true"), "{round}: {body}");
        // As another node would.
        let revoke = "UPDATE authorizations SET revoked_at = 1, revoke_reason = 2 \
                      WHERE revoked_at IS NULL";
        server.postgres().sql("test_0", revoke);
        let revoked_at = Instant::now();
        while introspect(&http, &server.url, &mine.access_token).await.1 != "{\"active\":false}" {
            assert!(revoked_at.elapsed() < SOON, "round {round}");
        }
        slowest = slowest.max(revoked_at.elapsed());
        all += revoked_at.elapsed();
    }
    println!(
        "seen after {:?} on average, {slowest:?} at most",
        all / 1_000
    );
}
