//! Key rings change one node after another, and nobody meets a key that they lack.

use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_protocol::random::SystemRandom;
use hallpass_server::Server;
use hallpass_server::admin::Admin;
use hallpass_server::key_ring::{self, KeyRing};
use hallpass_testing::server::{CLIENTS, START, production_settings};
use hallpass_testing::{TestPostgres, TestServer};
use tokio::time::timeout;

use super::nodes::Nodes;
use crate::accounts::{PASSWORD, code, redeem, refresh};

/// The key of the ring that makes what is new, as the database has it.
fn minting_key(database: &str) -> String {
    let sql = "SELECT id FROM ring_keys WHERE superseded_at IS NULL";
    TestPostgres::shared().sql(database, sql)
}

/// Refreshes at the nodes in turn; the last token.
async fn refresh_in_turn(nodes: [&TestServer; 2], times: usize, mut token: String) -> String {
    for turn in 0..times {
        let answer = refresh(nodes[turn % 2], &token).await;
        assert_eq!(answer.status, 200, "{turn}: {}", answer.body);
        token = answer.member("refresh_token");
    }
    token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_261_a_key_that_one_node_does_not_know_makes_nothing_until_it_does() {
    let [old, new, short] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let address = TestPostgres::shared().database();
    let (path, _) = address.split_once('?').unwrap();
    let database = path.rsplit('/').next().unwrap();
    let settings = |folder: &tempfile::TempDir| {
        let mut settings = production_settings(CLIENTS, folder.path(), &address);
        settings.consent = None;
        settings
    };
    let b = TestServer::start(settings(&old)).await;
    let one = KeyRing::read(&old.path().join("keyring.toml")).unwrap();
    let both = one.with_new_first(&SystemRandom).unwrap();
    let now = Timestamp::from_unix_seconds(START);
    key_ring::create(&new.path().join("keyring.toml"), &both, now).unwrap();
    // A has the new key first; B does not know it.
    let a = TestServer::start(settings(&new)).await;
    assert_eq!(minting_key(database), "1");
    // A page of one node is posted at the other.
    let person = a.person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&b, &code(&person, "ada").await).await;
    let token = refresh_in_turn([&a, &b], 50, tokens.member("refresh_token")).await;
    assert_eq!(minting_key(database), "1");

    // Nothing can be sealed with the new key yet.
    let admin = Admin::open(settings(&new)).await.unwrap();
    let refused = admin.reencrypt().await.unwrap_err();
    assert!(
        refused.to_string().contains("not every node knows it"),
        "{refused}"
    );
    admin.close().await;

    // B is started again with the same ring, and says so.
    b.stop().await;
    let b = TestServer::start(settings(&new)).await;
    let all_know = async {
        while minting_key(database) != "2" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), all_know)
        .await
        .expect("the new key is used");
    refresh_in_turn([&b, &a], 50, token).await;

    // Without the new key nobody starts, nor without the old one: it made tokens that live.
    let refused = Server::start(settings(&old)).await.unwrap_err();
    assert!(refused.to_string().contains("needs key 2"), "{refused}");
    let admin = Admin::open(settings(&new)).await.unwrap();
    let live = admin.nodes().await.unwrap();
    let rings: Vec<Vec<u8>> = live
        .iter()
        .map(|node| node.ring.iter().map(|(id, _)| *id).collect())
        .collect();
    assert_eq!(rings, [[2, 1], [2, 1]]);
    let (_, ring) = admin.reencrypt().await.unwrap();
    admin.close().await;
    assert!(
        ring.iter()
            .any(|key| key.id == 1 && key.needed_until.is_some())
    );
    let without = "\n[[key]]\nid = 1\n";
    let text = std::fs::read_to_string(new.path().join("keyring.toml")).unwrap();
    let (kept, _) = text.split_once(without).unwrap();
    let file = short.path().join("keyring.toml");
    key_ring::create(&file, &one, now).unwrap();
    std::fs::write(&file, kept).unwrap();
    let refused = Server::start(settings(&short)).await.unwrap_err();
    assert!(refused.to_string().contains("needs key 1"), "{refused}");
    let hint = refused.hint().unwrap();
    assert!(hint.contains("live until 20"), "{hint}");
    // A node that slept through a change of the ring is sent nobody.
    TestPostgres::shared().sql(
        database,
        "INSERT INTO ring_keys (id, fingerprint, first_used_at) VALUES (9, 'x', 1)",
    );
    let out = async {
        while a.get("/readyz").await.status != 503 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), out)
        .await
        .expect("it says so");
    for node in [a, b] {
        node.stop().await;
    }
    let left = TestPostgres::shared().sql(database, "SELECT count(*) FROM nodes");
    assert_eq!(left, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_261_nodes_say_what_they_know() {
    let nodes = Nodes::start("").await;
    let known = || {
        let sql = "SELECT count(*), count(DISTINCT ring), count(DISTINCT kids) FROM nodes \
                   WHERE kids LIKE '%es256-%'";
        TestPostgres::shared().sql(&nodes.database, sql)
    };
    let said = async {
        while known() != "3|1|1" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), said)
        .await
        .expect("three nodes with the same keys");
}
