//! What only a server can show: two nodes, lost connections, crashes, TLS.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use hallpass_issuer::authorization::{Authorization, RefreshLifetimes};
use hallpass_issuer::grants::device_poll::{PollTime, PolledGrant};
use hallpass_issuer::grants::refresh_token::{self, Refreshed};
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_protocol::ClientId;
use hallpass_protocol::random::SystemRandom;
use hallpass_store::device_polls::{self, Poller};
use hallpass_store::{
    Store, StoreError, StoreKey, authorizations, device_grants, leader, revocations, signing_keys,
};
use hallpass_testing::TestPostgres;

use crate::authorizations::{a_rotation_is_what_the_issuer_decides, brought as shown};
use crate::records::{self, ISSUER, authorization, client, minutes, now};
use crate::{jobs, key};

pub(crate) async fn open(address: &str) -> Store {
    Store::connect(address, key()).await.unwrap()
}

pub(crate) async fn keep(store: &Store, kept: Authorization) {
    store
        .write(move |tx| authorizations::insert(tx, &kept))
        .await
        .unwrap();
}

async fn is_revoked(store: &Store, jti: String) -> Result<bool, StoreError> {
    store
        .read(move |tx| revocations::is_revoked_jti(tx, ISSUER, &jti))
        .await
}

pub(crate) async fn revoke(store: &Store, jti: String) -> Result<(), StoreError> {
    store
        .write(move |tx| revocations::insert_jti(tx, ISSUER, &jti, now() + minutes(5)))
        .await
}

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

/// Every node's connections, ended by the server.
fn hang_up(server: &TestPostgres, address: &str) -> usize {
    let ended = server.sql(
        database(address),
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE application_name LIKE 'hallpass%' AND datname = current_database()",
    );
    ended.lines().filter(|line| *line == "t").count()
}

/// The name in an address of [`TestPostgres::database`].
pub(crate) fn database(address: &str) -> &str {
    let (_, rest) = address.split_once("@/").unwrap();
    rest.split_once('?').unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_60_of_200_refreshes_of_one_token_on_two_nodes_one_moves_the_family() {
    let address = TestPostgres::shared().database();
    let nodes = [open(&address).await, open(&address).await];
    let mut kept = authorization();
    let token = RefreshToken::first(kept.id, &SystemRandom).at(7);
    kept.refresh.as_mut().unwrap().seed_hash = token.seed_hash();
    keep(&nodes[0], kept.clone()).await;

    let refreshes: Vec<_> = (0..200)
        .map(|number| {
            let (store, token) = (nodes[number % 2].clone(), token.clone());
            tokio::spawn(async move {
                store
                    .write(move |tx| {
                        let lifetimes = RefreshLifetimes::default();
                        let client = client();
                        let brought = shown(&client, &token);
                        // Every other request narrows, and takes the long way.
                        if number % 4 < 2
                            && authorizations::rotate(tx, brought, &lifetimes, now())?.is_some()
                        {
                            return Ok(Ok(Refreshed::Rotated));
                        }
                        let mut found = authorizations::find(tx, token.authorization)?.unwrap();
                        let answer = refresh_token::redeem(&mut found, brought, &lifetimes, now());
                        authorizations::save(tx, &found)?;
                        Ok(answer)
                    })
                    .await
                    .unwrap()
                    .unwrap()
            })
        })
        .collect();
    let mut rotated = 0;
    for refresh in refreshes {
        match refresh.await.unwrap() {
            Refreshed::Rotated => rotated += 1,
            Refreshed::Forgiven => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(rotated, 1);
    let after = nodes[1]
        .read(move |tx| authorizations::find(tx, kept.id))
        .await;
    let after = after.unwrap().unwrap();
    assert_eq!(
        (after.refresh.unwrap().generation, after.revoked),
        (8, None)
    );
}

#[tokio::test]
async fn s_56_a_rotation_in_one_statement_is_what_the_issuer_decides() {
    let store = open(&TestPostgres::shared().database()).await;
    a_rotation_is_what_the_issuer_decides(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_47_of_fifty_redemptions_on_two_nodes_one_wins() {
    let address = TestPostgres::shared().database();
    let nodes = [open(&address).await, open(&address).await];
    jobs::of_fifty_redemptions_one_wins(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let server = TestPostgres::shared();
    let address = server.database();
    let (a, b, c) = tokio::join!(open(&address), open(&address), open(&address));
    revoke(&a, "a".to_owned()).await.unwrap();
    for node in [b, c] {
        assert_eq!(is_revoked(&node, "a".to_owned()).await, Ok(true));
    }
    let versions = server.sql(
        database(&address),
        "SELECT max(version) = count(*) FROM schema_version",
    );
    assert_eq!(versions, "t");
}

#[tokio::test]
async fn other_tables_other_keys_and_other_encodings_are_refused() {
    let server = TestPostgres::shared();
    let address = server.database();
    open(&address).await.close().await;
    let refusal = async |address: &str, key| Store::connect(address, key).await.err().unwrap();
    let other = StoreKey::from_bytes([1; 32]);
    assert!(matches!(
        refusal(&address, other).await,
        StoreError::WrongKey { .. }
    ));
    for change in [
        "INSERT INTO schema_version (version, checksum) VALUES (9999, '')",
        "DELETE FROM schema_version WHERE version = 9999; \
         UPDATE schema_version SET checksum = '' WHERE version = 3",
    ] {
        server.sql(database(&address), change);
        let error = refusal(&address, key()).await;
        assert!(matches!(error, StoreError::Migration(_)), "{error}");
    }
    server.sql(
        "postgres",
        "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0",
    );
    let error = refusal(&server.address("bytes"), key()).await;
    assert!(
        matches!(&error, StoreError::Migration(text) if text.contains("UTF8")),
        "{error}"
    );
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let server = TestPostgres::shared();
    let address = server.database();
    open(&address).await.close().await;
    let theirs = server.sql(
        database(&address),
        "SELECT table_name, column_name, CASE data_type WHEN 'bigint' THEN 'INTEGER' \
         WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END, \
         CASE WHEN is_nullable = 'NO' OR table_type = 'VIEW' THEN 1 ELSE 0 END \
         FROM information_schema.columns NATURAL JOIN information_schema.tables \
         WHERE table_schema = 'public' AND table_name NOT IN ('revocation_feed', 'device_polls', \
         'authorizations_by_browser') \
         ORDER BY table_name COLLATE \"C\", ordinal_position",
    );
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    Store::open(&path, key()).unwrap().close().await;
    let file = rusqlite::Connection::open(&path).unwrap();
    let mut columns = file
        .prepare(
            "SELECT t.name || '|' || c.name || '|' || c.type || '|' || (c.\"notnull\" OR c.pk > 0) \
             FROM pragma_table_list t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid",
        )
        .unwrap();
    let ours: Vec<String> = columns
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_lock_each_other_out_run_again() {
    let store = open(&TestPostgres::shared().database()).await;
    let (a, b) = (authorization(), authorization());
    let (first, second) = (a.id, b.id);
    keep(&store, a).await;
    keep(&store, b).await;
    let (runs, both_hold_one) = (Arc::new(AtomicU32::new(0)), Arc::new(Barrier::new(2)));
    let cross = |one, other| {
        let (runs, both_hold_one) = (Arc::clone(&runs), Arc::clone(&both_hold_one));
        store.write(move |tx| {
            authorizations::find(tx, one)?;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                both_hold_one.wait();
            }
            let mut found = authorizations::find(tx, other)?.unwrap();
            found.refresh.as_mut().unwrap().generation += 1;
            authorizations::save(tx, &found)
        })
    };
    let outcomes = tokio::join!(cross(first, second), cross(second, first));
    assert_eq!(outcomes, (Ok(()), Ok(())));
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of them ran twice");
    for id in [first, second] {
        let found = store.read(move |tx| authorizations::find(tx, id)).await;
        let family = found.unwrap().unwrap().refresh.unwrap();
        assert_eq!(family.generation, 8);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_connections_that_the_server_ended_meanwhile() {
    let server = TestPostgres::shared();
    let address = server.database();
    let store = open(&address).await;
    for round in 0..3 {
        let jobs: Vec<_> = (0..40)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { revoke(&store, format!("{round}.{number}")).await })
            })
            .collect();
        for job in jobs {
            assert_eq!(job.await.unwrap(), Ok(()));
        }
        assert!(hang_up(server, &address) > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_connection_ends_in_its_middle_runs_again() {
    let server = TestPostgres::shared();
    let address = server.database();
    let store = open(&address).await;
    let kept = authorization();
    let id = kept.id;
    keep(&store, kept).await;
    let runs = Arc::new(AtomicU32::new(0));
    let (counted, at) = (Arc::clone(&runs), address.clone());
    let written = store.write(move |tx| {
        let mut found = authorizations::find(tx, id)?.unwrap();
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            hang_up(server, &at);
        }
        found.refresh.as_mut().unwrap().generation += 1;
        authorizations::save(tx, &found)?;
        // Nothing but the commit could tell before.
        authorizations::find(tx, id).map(|_| ())
    });
    assert_eq!(written.await, Ok(()));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let found = store.read(move |tx| authorizations::find(tx, id)).await;
    assert_eq!(found.unwrap().unwrap().refresh.unwrap().generation, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_nothing_and_is_found_again() {
    let server = TestPostgres::start();
    let store = open(&server.database()).await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, kept) = (store.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                for number in 0.. {
                    let jti = format!("{writer}.{number}");
                    if let Err(error) = revoke(&store, jti.clone()).await {
                        return error;
                    }
                    kept.lock().unwrap().push(jti);
                }
                unreachable!()
            })
        })
        .collect();
    until(|| async { kept.lock().unwrap().len() > 300 }).await;
    server.crash();
    for writer in writers {
        // Never a conflict or anything else that a caller would read as a refusal.
        let error = writer.await.unwrap();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
    assert!(is_unavailable(&revoke(&store, "down".to_owned()).await));
    assert!(is_unavailable(&is_revoked(&store, "down".to_owned()).await));
    server.start_again();
    until(|| async { revoke(&store, "up".to_owned()).await.is_ok() }).await;
    let kept = kept.lock().unwrap().clone();
    for jti in kept {
        assert_eq!(is_revoked(&store, jti.clone()).await, Ok(true), "{jti}");
    }
}

/// Waits for something that needs no more than a few seconds.
pub(crate) async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !condition().await {
            ticks.tick().await;
        }
    });
    waited.await.unwrap();
}

#[tokio::test]
async fn tls_takes_only_a_certificate_that_it_can_check() {
    let server = TestPostgres::start();
    server.crash();
    let root = server.offer_tls();
    server.start_again();
    server.sql("postgres", "CREATE DATABASE safe");
    let address = server.network_address("safe");
    let good = format!(
        "{address}?sslmode=verify-full&sslrootcert={}",
        root.display()
    );
    let store = open(&good).await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name LIKE 'hallpass%'";
    // One for jobs, one that listens.
    assert_eq!(server.sql("safe", encrypted), "2");
    store.close().await;
    let strange = Store::connect(&format!("{address}?sslmode=require"), key()).await;
    assert!(is_unavailable(&strange), "nobody trusts this certificate");
    let missing = format!("{address}?sslmode=require&sslrootcert=/no/such/file");
    assert!(is_unavailable(&Store::connect(&missing, key()).await));

    let shared = TestPostgres::shared();
    let plain = shared.network_address(database(&shared.database()));
    let plain = format!("{plain}?sslmode=require&sslrootcert={}", root.display());
    let refused = Store::connect(&plain, key()).await;
    assert!(is_unavailable(&refused), "this server has no TLS");
}

#[tokio::test]
async fn s_06_a_88_a_dump_of_the_server_holds_no_secret_in_clear() {
    let server = TestPostgres::shared();
    let address = server.database();
    let store = open(&address).await;
    store
        .write(|tx| {
            device_grants::insert(tx, &records::device_grant("a-device-code", "WDJBMJHT"))?;
            signing_keys::insert(tx, &records::signing_key("k", b"the private half")).map(|_| ())
        })
        .await
        .unwrap();
    let dump = server.dump(database(&address));
    assert!(dump.contains("my-cli"), "the rows are in the dump");
    for secret in [
        "a-device-code",
        "WDJBMJHT",
        "the private half",
        &"*".repeat(32),
    ] {
        let digits = secret.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex: String = digits
            .map(|digit| char::from_digit(digit.into(), 16).unwrap())
            .collect();
        assert!(!dump.contains(secret) && !dump.contains(&hex), "{secret}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for address in [
        "mysql://localhost/a",
        "postgres:///a",
        "postgres://localhost/a?connections=0",
        "postgres://localhost/a?sslmode=maybe",
        "postgres://localhost:port/a",
    ] {
        let refused = Store::connect(address, key()).await;
        assert!(is_unavailable(&refused), "{address}");
    }
    let refused = Store::connect("postgres://ada:s3cret@127.0.0.1:1/a", key()).await;
    let error = refused.err().unwrap();
    assert!(!format!("{error:?}").contains("s3cret"), "{error}");
}

#[tokio::test]
async fn s_18_a_poll_that_is_counted_for_all_nodes_is_answered_as_in_memory() {
    let server = TestPostgres::shared();
    let address = server.database();
    let nodes = [open(&address).await, open(&address).await];
    let grant = records::device_grant("code", "WDJBMJHT");
    let (hash, kept) = (grant.code_hash, grant.clone());
    nodes[0]
        .write(move |tx| device_grants::insert(tx, &kept))
        .await
        .unwrap();
    let mut in_memory = PolledGrant::of(&grant);
    let count = |node: usize, client: ClientId, time| {
        nodes[node].write(move |tx| {
            let poller = Poller {
                client: &client,
                dpop_jkt: Some("thumbprint-2"),
            };
            device_polls::count(tx, (ISSUER, &hash), poller, time)
        })
    };
    let seconds = |n: u64| now() + Duration::from_secs(n);
    // When each poll came and was answered: on time, early, held, held and early, late.
    let polls = [
        (0, 0),
        (1, 1),
        (7, 7),
        (8, 40),
        (40, 40),
        (41, 41),
        (41, 55),
        (300, 300),
    ];
    for (number, (came, answered)) in polls.into_iter().enumerate() {
        let time = PollTime {
            came: seconds(came),
            answered: seconds(answered),
        };
        // Nobody's poll: it counts for nothing.
        let stranger = count(number % 2, ClientId::new("other"), time).await;
        assert!(!stranger.unwrap().unwrap().1);
        let wanted = in_memory.answer(time);
        let (counted, is_early) = count(number % 2, client(), time).await.unwrap().unwrap();
        assert_eq!(
            counted.answer_counted(is_early, time.answered),
            wanted,
            "{number}"
        );
        assert_eq!(counted, in_memory, "{number}");
    }
    let logged = "SELECT relpersistence FROM pg_class WHERE relname = 'device_polls'";
    assert_eq!(server.sql(database(&address), logged), "u");
    let unknown = nodes[0].write(move |tx| {
        let poller = Poller {
            client: &client(),
            dpop_jkt: None,
        };
        let time = PollTime {
            came: now(),
            answered: now(),
        };
        device_polls::count(tx, ("/other", &hash), poller, time)
    });
    assert_eq!(unknown.await, Ok(None));
    let rows = || server.sql(database(&address), "SELECT count(*) FROM device_polls");
    assert_eq!(rows(), "1");
    let end = grant.expires_at;
    let purge = nodes[0].write(move |tx| device_polls::purge_expired(tx, end, 10));
    assert_eq!(purge.await, Ok(1));
    assert_eq!(rows(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_purges_at_a_time() {
    let address = TestPostgres::shared().database();
    let (one, two) = (open(&address).await, open(&address).await);
    let (begun, done) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let first = tokio::spawn({
        let (begun, done) = (Arc::clone(&begun), Arc::clone(&done));
        async move {
            let purge = one.write(move |tx| {
                let may = leader::may_purge(tx)?;
                begun.wait();
                done.wait();
                Ok(may)
            });
            purge.await
        }
    });
    tokio::task::spawn_blocking(move || begun.wait())
        .await
        .unwrap();
    let meanwhile = two.write(leader::may_purge).await;
    tokio::task::spawn_blocking(move || done.wait())
        .await
        .unwrap();
    assert_eq!(first.await.unwrap(), Ok(true));
    assert_eq!(meanwhile, Ok(false));
    assert_eq!(
        two.write(leader::may_purge).await,
        Ok(true),
        "the lock ends with its transaction"
    );
}
