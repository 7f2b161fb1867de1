//! The revocations of other nodes: none is skipped, and a node that cannot hear of them says so.

use std::time::Duration;

use hallpass_issuer::authorization::RevokeReason;
use hallpass_protocol::{AuthorizationId, hex};
use hallpass_store::{SeenLive, Store, StoreError, TokenNames, authorizations, revocations};
use hallpass_testing::{SilentNetwork, TestPostgres};
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};

use crate::key;
use crate::postgres::{database, keep, open, revoke, until};
use crate::records::{ISSUER, authorization, now};

/// Beyond this the promise is broken; the margin is for machines that do a lot at once.
const SOON: Duration = Duration::from_millis(1_500);

fn has_ended(store: &Store, jti: &str) -> bool {
    store.revocations().has_ended(TokenNames {
        issuer: ISSUER,
        jti: Some(jti),
        authorization: None,
    })
}

fn is_over(store: &Store, id: AuthorizationId) -> bool {
    store.revocations().has_ended(TokenNames {
        issuer: ISSUER,
        jti: None,
        authorization: Some(id),
    })
}

/// A connection of somebody else's, on which a transaction can be left open.
async fn stranger(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn three_nodes(address: &str) -> Vec<Store> {
    vec![
        open(address).await,
        open(address).await,
        open(address).await,
    ]
}

/// How long it takes until all nodes know.
async fn all_know(nodes: &[Store], known: impl Fn(&Store) -> bool) -> Duration {
    let start = Instant::now();
    until(|| async { nodes.iter().all(&known) }).await;
    start.elapsed()
}

/// Whether a node hears of revocations, and believes nothing of what it saw before.
async fn doubts(node: &Store, seen: &SeenLive) -> bool {
    match node.revocations().now().await {
        Ok(now) => !node.revocations().believes(seen, now),
        Err(_) => false,
    }
}

/// Ends the connections on which nodes listen; how many they were.
fn stop_listening(server: &TestPostgres, address: &str) -> usize {
    let ended = server.sql(
        database(address),
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE application_name = 'hallpass revocations' AND datname = current_database()",
    );
    ended.lines().filter(|line| *line == "t").count()
}

/// Lets nobody hear of news any more: triggers write the feed and say nothing.
fn block_notify(server: &TestPostgres, address: &str) {
    let source = "SELECT replace(pg_get_functiondef('feed_revocation'::regproc), \
                  'PERFORM pg_notify(''hallpass'', ''revoked'');', '')";
    let silent = server.sql(database(address), source);
    assert!(!silent.contains("pg_notify") && silent.contains("INSERT INTO"));
    server.sql(database(address), &silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_264_a_99_a_revocation_that_commits_late_is_not_skipped() {
    let server = TestPostgres::shared();
    let address = server.database();
    let nodes = three_nodes(&address).await;
    for (round, is_quiet) in [(0, false), (1, true)] {
        if is_quiet {
            block_notify(server, &address);
            let seen: Vec<_> = nodes.iter().map(|_| SeenLive::default()).collect();
            for (node, seen) in nodes.iter().zip(&seen) {
                seen.note(node.revocations().now().await.unwrap());
            }
            assert_eq!(stop_listening(server, &address), 3);
            for (node, seen) in nodes.iter().zip(&seen) {
                until(|| doubts(node, seen)).await;
            }
        }
        let mut late = stranger(&address).await;
        let open = late.transaction().await.unwrap();
        let jti = format!("late.{round}");
        let values = "INSERT INTO revocations (issuer, jti, not_after) VALUES ($1, $2, $3)";
        let not_after = i64::MAX;
        open.execute(values, &[&ISSUER, &jti, &not_after])
            .await
            .unwrap();
        let hundred: Vec<_> = (0..100).map(|n| format!("{round}.{n}")).collect();
        for (n, other) in hundred.iter().enumerate() {
            revoke(&nodes[n % 3], other.clone()).await.unwrap();
        }
        all_know(&nodes, |node| {
            hundred.iter().all(|one| has_ended(node, one))
        })
        .await;
        assert!(nodes.iter().all(|node| !has_ended(node, &jti)));
        open.commit().await.unwrap();
        let took = all_know(&nodes, |node| has_ended(node, &jti)).await;
        assert!(took < SOON, "round {round}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_264_every_way_to_revoke_is_fed_also_that_of_an_older_version() {
    let server = TestPostgres::shared();
    let address = server.database();
    let nodes = three_nodes(&address).await;
    let kept: Vec<_> = (0..4).map(|_| authorization()).collect();
    for one in &kept {
        keep(&nodes[0], one.clone()).await;
    }
    let ids: Vec<_> = kept.iter().map(|one| one.id).collect();
    let (one, user) = (ids[0], kept[0].seed.user.id.clone());
    let reason = RevokeReason::User;
    let revoked = nodes[1].write(move |tx| authorizations::revoke(tx, one, reason, now()));
    assert_eq!(revoked.await, Ok(true));
    assert!(is_over(&nodes[1], one), "here at once");
    all_know(&nodes, |node| is_over(node, one)).await;
    assert!(!is_over(&nodes[2], ids[1]));
    // What a version did that knew of no feed.
    let digits = hex::encode(ids[1].as_bytes());
    server.sql(
        database(&address),
        &format!(
            "UPDATE authorizations SET revoked_at = 1, revoke_reason = 2 WHERE id = '\\x{digits}'"
        ),
    );
    all_know(&nodes, |node| is_over(node, ids[1])).await;
    let rest = nodes[2]
        .write(move |tx| authorizations::revoke_by_user(tx, (ISSUER, &user), reason, now()));
    assert_eq!(rest.await, Ok(2));
    let took = all_know(&nodes, |node| ids.iter().all(|id| is_over(node, *id))).await;
    assert!(took < SOON, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_264_a_refresh_feeds_nothing() {
    let server = TestPostgres::shared();
    let address = server.database();
    let store = open(&address).await;
    let kept = authorization();
    keep(&store, kept.clone()).await;
    let saved = store.write(move |tx| authorizations::save(tx, &kept));
    saved.await.unwrap();
    let rows = server.sql(database(&address), "SELECT count(*) FROM revocation_feed");
    assert_eq!(rows, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_264_whoever_was_cut_off_believes_nothing_of_before() {
    let server = TestPostgres::shared();
    let address = server.database();
    let store = open(&address).await;
    let seen = SeenLive::default();
    seen.note(store.revocations().now().await.unwrap());
    assert!(
        store
            .revocations()
            .believes(&seen, store.revocations().now().await.unwrap())
    );
    assert_eq!(stop_listening(server, &address), 1);
    until(|| doubts(&store, &seen)).await;
    // And it hears of what comes next.
    let other = open(&address).await;
    revoke(&other, "next".to_owned()).await.unwrap();
    all_know(&[store], |node| has_ended(node, "next")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_265_a_98_a_node_whose_packets_vanish_knows_it_within_a_second() {
    let server = TestPostgres::shared();
    let address = server.database();
    let network = SilentNetwork::to(server.port()).await;
    let through = format!(
        "postgres://hallpass@127.0.0.1:{}/{}?sslmode=disable",
        network.port(),
        database(&address)
    );
    let (cut_off, other) = (
        Store::connect(&through, key()).await.unwrap(),
        open(&address).await,
    );
    let seen = SeenLive::default();
    seen.note(cut_off.revocations().now().await.unwrap());
    network.fall_silent();
    let start = Instant::now();
    revoke(&other, "unheard".to_owned()).await.unwrap();
    let error = loop {
        match cut_off.revocations().now().await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => break error,
        }
        assert!(start.elapsed() < SOON, "it still speaks");
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(start.elapsed() < SOON);
    // A silence that is shorter than its patience ends with what it missed; this one outlasts it.
    network.next_connection().await;
    network.talk_again();
    until(|| async { cut_off.revocations().now().await.is_ok() }).await;
    // The row is not in its memory, and needs not be: it believes nothing that it saw before.
    let now = cut_off.revocations().now().await.unwrap();
    assert!(!cut_off.revocations().believes(&seen, now));
    let asked = cut_off.read(|tx| revocations::is_revoked_jti(tx, ISSUER, "unheard"));
    assert_eq!(asked.await, Ok(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_264_the_feed_keeps_what_somebody_may_not_have_seen() {
    let server = TestPostgres::shared();
    let address = server.database();
    let store = open(&address).await;
    let rows = || server.sql(database(&address), "SELECT count(*) FROM revocation_feed");
    let mut late = stranger(&address).await;
    let open = late.transaction().await.unwrap();
    let values = "INSERT INTO revocations (issuer, jti, not_after) VALUES ('/', 'late', 1)";
    open.execute(values, &[]).await.unwrap();
    revoke(&store, "a".to_owned()).await.unwrap();
    let first = store.purge_revocation_feed(None).await.unwrap();
    assert_eq!(rows(), "1", "the first round has seen nothing before");
    revoke(&store, "b".to_owned()).await.unwrap();
    open.commit().await.unwrap();
    let second = store.purge_revocation_feed(first).await.unwrap();
    assert_eq!(rows(), "2", "`b`, and `late`, which committed since");
    let third = store.purge_revocation_feed(second).await.unwrap();
    assert_eq!(rows(), "0");
    assert!(third.is_some());
}

#[tokio::test]
async fn a_standby_or_a_server_without_an_answer_does_not_start() {
    let network = SilentNetwork::to(1).await;
    network.fall_silent();
    let address = format!(
        "postgres://a@127.0.0.1:{}/a?sslmode=disable",
        network.port()
    );
    let refused = Store::connect(&address, key()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}
