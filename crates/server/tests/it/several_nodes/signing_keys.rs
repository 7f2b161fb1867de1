//! A key signs when every node publishes it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_server::admin::Admin;
use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{TestPostgres, TestServer};
use tokio::time::timeout;

use super::nodes::service_token;

/// The key that signs at a node.
async fn signs_with(node: &TestServer) -> String {
    let token = service_token(node).await;
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    let head: serde_json::Value = serde_json::from_slice(&head.unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// The keys that a node publishes.
async fn publishes(node: &TestServer) -> Vec<String> {
    let keys = node.get("/.well-known/jwks.json").await.json();
    let kids = keys["keys"].as_array().unwrap().iter();
    kids.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_forced_signs_once_every_node_publishes_it() {
    let folder = tempfile::tempdir().unwrap();
    let address = TestPostgres::shared().database();
    let settings = || production_settings(CLIENTS, folder.path(), &address);
    let (a, b) = (
        TestServer::start(settings()).await,
        TestServer::start(settings()).await,
    );
    let before = signs_with(&a).await;
    // A third node lives, and does not hear of keys.
    let silent = Admin::open(settings()).await.unwrap();
    let admin = Admin::open(settings()).await.unwrap();
    let old: Vec<_> = admin.keys().await.unwrap();
    let old: Vec<_> = old.into_iter().map(|key| key.kid).collect();
    silent.store.beat(old).await.unwrap();
    let refused = admin.rotate_when_published(Duration::ZERO).await;
    let told = refused.unwrap_err();
    assert!(told.to_string().contains("does not publish"), "{told}");
    assert!(told.hint().unwrap().contains("--revoke"));

    let rotating = admin.rotate_when_published(Duration::from_secs(25));
    let mut rotating = std::pin::pin!(rotating);
    let others_publish = async {
        for node in [&a, &b] {
            while publishes(node).await.len() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // They also said so, at their next beat.
        tokio::time::sleep(hallpass_store::nodes::BEAT).await;
    };
    tokio::select! {
        done = &mut rotating => panic!("{done:?} although one node publishes nothing"),
        () = others_publish => {}
    }
    assert_eq!(signs_with(&a).await, before);
    let all = admin.keys().await.unwrap().into_iter();
    let all = all.map(|key| key.kid).collect();
    silent.store.beat(all).await.unwrap();
    rotating.await.unwrap();
    let signs_anew = async {
        for node in [&a, &b] {
            while signs_with(node).await == before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    timeout(Duration::from_secs(10), signs_anew).await.unwrap();
    let now = signs_with(&a).await;
    for node in [&a, &b] {
        assert!(publishes(node).await.contains(&now));
    }
}
