//! A revocation counts at its own node at once, and everywhere within a second.

use std::time::Duration;

use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, SilentNetwork, TestPostgres, TestServer};
use tokio::time::{Instant, timeout};

use super::nodes::{Nodes, SOON, service_token};
use crate::accounts::{PASSWORD, code, is_active, redeem};

/// What introspection says of a token; a fault is no answer.
async fn introspect(node: &TestServer, token: &str) -> Answer {
    let asked = [("token", token)];
    node.post_basic("/oauth2/introspect", ("rs", "s"), &asked)
        .await
}

async fn revoke(node: &TestServer, token: &str) {
    let form = [("token", token)];
    let revoked = node.post_basic("/oauth2/revoke", ("svc", "s3cret"), &form);
    let revoked = revoked.await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_s_264_a_revocation_counts_here_at_once_and_everywhere_within_a_second() {
    let nodes = Nodes::start("").await;
    for round in 0..30 {
        let revoking = &nodes.all[round % 3];
        let token = service_token(revoking).await;
        // All of them have looked at it before, and believe what they saw.
        for node in &nodes.all {
            assert!(is_active(node, &token).await);
        }
        revoke(revoking, &token).await;
        let revoked_at = Instant::now();
        let found = introspect(revoking, &token).await;
        assert_eq!(found.body, "{\"active\":false}", "round {round}");
        let asked = revoking.http().get(revoking.url("/oauth2/userinfo"));
        let asked = revoking.send(asked.bearer_auth(&token)).await;
        assert_eq!(asked.status, 401);
        for node in &nodes.all {
            // A fault would not be active either.
            while introspect(node, &token).await.body != "{\"active\":false}" {
                assert!(revoked_at.elapsed() < SOON, "round {round}");
            }
            let asked = node.http().get(node.url("/oauth2/userinfo"));
            assert_eq!(node.send(asked.bearer_auth(&token)).await.status, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_signing_somebody_out_ends_their_tokens_everywhere_within_a_second() {
    let nodes = Nodes::start("").await;
    let person = nodes.all[0].person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&nodes.all[1], &code(&person, "ada").await).await;
    let token = tokens.member("access_token");
    for node in &nodes.all {
        assert!(is_active(node, &token).await);
    }
    let refresh_token = tokens.member("refresh_token");
    let form = [("client_id", "cli"), ("token", refresh_token.as_str())];
    let revoked = nodes.all[2].post("/oauth2/revoke", &form).await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    let revoked_at = Instant::now();
    for node in &nodes.all {
        while introspect(node, &token).await.body != "{\"active\":false}" {
            assert!(revoked_at.elapsed() < SOON);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_a_token_that_was_seen_is_answered_without_the_database() {
    let nodes = Nodes::start("").await;
    let (node, token) = (&nodes.all[0], service_token(&nodes.all[0]).await);
    let own = service_token(node).await;
    let other = service_token(&nodes.all[1]).await;
    assert!(is_active(node, &token).await);
    TestPostgres::shared().sql(&nodes.database, "ALTER TABLE revocations RENAME TO away");
    for _ in 0..3 {
        assert!(is_active(node, &token).await);
    }
    assert!(is_active(node, &own).await, "it was signed here");
    assert_ne!(
        introspect(node, &other).await.status,
        200,
        "nobody saw this one"
    );
    TestPostgres::shared().sql(&nodes.database, "ALTER TABLE away RENAME TO revocations");
    assert!(is_active(node, &other).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_265_a_98_a_node_that_is_cut_off_in_silence_says_503_and_never_active() {
    let folder = tempfile::tempdir().unwrap();
    let address = TestPostgres::shared().database();
    let (path, _) = address.split_once('?').unwrap();
    let database = path.rsplit('/').next().unwrap();
    let network = SilentNetwork::to(TestPostgres::shared().port()).await;
    let through = format!(
        "postgres://hallpass@127.0.0.1:{}/{database}",
        network.port()
    );
    let through = format!("{through}?sslmode=disable");
    let start = async |address: &str| {
        TestServer::start(production_settings(CLIENTS, folder.path(), address)).await
    };
    let (whole, cut_off) = (start(&address).await, start(&through).await);
    let (known, unknown) = (service_token(&whole).await, service_token(&whole).await);
    assert!(is_active(&cut_off, &known).await);
    assert_eq!(cut_off.get("/readyz").await.status, 200);

    network.fall_silent();
    for token in [&known, &unknown] {
        revoke(&whole, token).await;
    }
    let silent_since = Instant::now();
    let refused = loop {
        let answer = introspect(&cut_off, &known).await;
        if answer.status == 503 {
            break answer;
        }
        assert!(silent_since.elapsed() < SOON, "{}", answer.body);
    };
    assert_eq!(refused.refusal().1, "temporarily_unavailable");
    assert!(!refused.header("retry-after").is_empty());
    let asked = |path: &str| cut_off.http().get(cut_off.url(path)).bearer_auth(&known);
    for answer in [
        introspect(&cut_off, &unknown).await,
        cut_off.send(asked("/oauth2/userinfo")).await,
        cut_off.send(asked("/readyz")).await,
    ] {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(cut_off.get("/livez").await.status, 200);

    network.talk_again();
    let back = async {
        while cut_off.get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), back)
        .await
        .expect("it recovers");
    for token in [&known, &unknown] {
        assert_eq!(introspect(&cut_off, token).await.body, "{\"active\":false}");
    }
}
