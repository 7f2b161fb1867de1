//! Audit events: kept in chains, found again, cleared, pruned; and what somebody with the database, but
//! without the server's key, does to them (rows A-118 and section 3 of the matrix).

use std::time::Duration;

use hallpass_issuer::audit::{
    Actor, AuditKey, Entry, Event, Finding, Head, NodeId, Record, Signed, Unlinked,
};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Secret, Timestamp, UserId};
use hallpass_store::audit_events::{self, Appended, By, Place};
use hallpass_store::{AuditReport, Store, verify_audit};

use crate::records::{client, id, minutes, now};

const DAY: Duration = Duration::from_hours(24);

fn key() -> AuditKey {
    AuditKey::from_seed(&Secret::new([5; 32])).unwrap()
}

fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

fn entry(number: u64) -> Entry {
    Entry::new(Event::LoginSuccess, now() + minutes(number))
        .by_subject(&UserId::new(format!("person-{number}")))
        .with_client(&client())
        .from_place("192.0.2.7".parse().unwrap(), Some("curl/8"))
        .with("number", number)
}

fn contents(numbers: impl IntoIterator<Item = u64>) -> Vec<Unlinked> {
    let numbers = numbers.into_iter();
    numbers
        .map(|number| entry(number).veil(&SystemRandom))
        .collect()
}

async fn append_as(
    store: &Store,
    (node, known): (NodeId, Vec<Head>),
    contents: Vec<Unlinked>,
    key: fn() -> AuditKey,
) -> Appended {
    let append =
        store.write(move |tx| audit_events::append(tx, (node, &known), &contents, (&key(), now())));
    append.await.unwrap()
}

async fn append(
    store: &Store,
    node: NodeId,
    contents: Vec<Unlinked>,
) -> (Vec<Record>, Signed<Head>) {
    match append_as(store, (node, Vec::new()), contents, key).await {
        Appended::Kept(records, head) => (records, head),
        Appended::Broken => panic!("the chain is broken"),
    }
}

async fn verify(store: &Store, anchors: &[Signed<Head>]) -> AuditReport {
    verify_audit(store, &key().public(), anchors).await.unwrap()
}

/// How many records hold, where nothing is wrong.
async fn good(store: &Store) -> u64 {
    let report = verify(store, &[]).await;
    assert_eq!(report.findings, []);
    report.chains.iter().map(|chain| chain.records).sum()
}

async fn chain(store: &Store, node: NodeId) -> Vec<Record> {
    let list = store.read(move |tx| audit_events::list_chain(tx, (&node, 0, u64::MAX), 1000));
    list.await.unwrap()
}

pub(crate) async fn records_come_back_whole_and_in_their_chain(store: &Store) {
    let sid = id();
    let full = entry(1).with_sid(sid).with_reference("8F3K-22QX");
    let bare = Entry::new(Event::SystemStarted, now()).by(Actor::System);
    let written = [full, bare].map(|entry| entry.veil(&SystemRandom));
    let (records, head) = append(store, node(1), written.to_vec()).await;
    assert_eq!(chain(store, node(1)).await, records);
    let stored: Vec<Unlinked> = records.into_iter().map(|record| record.content).collect();
    assert_eq!(stored, written);
    assert_eq!(head.value.seq, 2);
    // The next batch goes on where this one ended, and other nodes have chains of their own.
    append(store, node(1), contents(3..=4)).await;
    append(store, node(2), contents(5..=5)).await;
    assert_eq!(good(store).await, 5);
    // Nothing at all is a chain too.
    assert_eq!(chain(store, node(3)).await, []);
}

pub(crate) async fn a_chain_goes_on_only_where_its_node_left_it(store: &Store) {
    let (_, first) = append(store, node(1), contents(1..=2)).await;
    let (_, second) = append(store, node(1), contents(3..=3)).await;
    // The answer to the last try was lost: either end will do.
    let known = vec![first.value, second.value];
    let kept = append_as(store, (node(1), known), contents(4..=4), key).await;
    assert!(matches!(kept, Appended::Kept(..)));
    // Somebody else wrote here meanwhile.
    let known = vec![second.value];
    let broken = append_as(store, (node(1), known), contents(5..=5), key).await;
    assert_eq!(broken, Appended::Broken);
    // Somebody made the chain with another key.
    let thief = || AuditKey::from_seed(&Secret::new([6; 32])).unwrap();
    append_as(store, (node(2), Vec::new()), contents(1..=1), thief).await;
    let broken = append_as(store, (node(2), Vec::new()), contents(2..=2), key).await;
    assert_eq!(broken, Appended::Broken);
    // A node that wrote finds nothing.
    let mut lost = second.value;
    lost.node = node(3);
    let broken = append_as(store, (node(3), vec![lost]), contents(1..=1), key).await;
    assert_eq!(broken, Appended::Broken);
    assert_eq!(chain(store, node(1)).await.len(), 4, "nothing was added");
}

pub(crate) async fn records_are_found_by_what_they_are_about(store: &Store) {
    let sid = id();
    let mut written = contents(1..=3);
    let other = Entry::new(Event::ClientAuthFailed, now() + minutes(2))
        .by_client(&ClientId::new("other"))
        .with_sid(sid)
        .with_reference("8F3K-22QX");
    written.push(other.veil(&SystemRandom));
    append(store, node(1), written).await;
    append(store, node(2), contents(4..=4)).await;
    let end = Place::at(now() + DAY);
    let find = |by: By, before: Place, since: Timestamp, limit: u32| async move {
        let found = store.read(move |tx| audit_events::list(tx, &by, (before, since), limit));
        let found: Vec<Record> = found.await.unwrap();
        let numbers = found.iter().map(|record| (record.node, record.seq));
        (numbers.collect::<Vec<_>>(), found.last().map(Place::of))
    };
    let at = |chain: u8, seq: u64| (node(chain), seq);
    let start = Timestamp::UNIX_EPOCH;
    let (all, _) = find(By::Time, end, start, 100).await;
    assert_eq!(all, [at(2, 1), at(1, 3), at(1, 4), at(1, 2), at(1, 1)]);
    // Page after page, also where two have the same time.
    let (mut pages, mut before) = (Vec::new(), end);
    while let (page, Some(last)) = find(By::Time, before, start, 2).await {
        pages.extend(page);
        before = last;
    }
    assert_eq!(pages, all);
    let since = now() + minutes(3);
    assert_eq!(
        find(By::Time, end, since, 100).await.0,
        [at(2, 1), at(1, 3)]
    );
    for (by, expected) in [
        (By::Subject(UserId::new("person-2")), vec![at(1, 2)]),
        (By::Client("other".to_owned()), vec![at(1, 4)]),
        (By::Sid(sid), vec![at(1, 4)]),
        (By::Reference("8F3K-22QX".to_owned()), vec![at(1, 4)]),
        (By::Reference("8F3K".to_owned()), vec![]),
        (By::Client("' OR 1=1 --".to_owned()), vec![]),
    ] {
        assert_eq!(find(by, end, start, 100).await.0, expected);
    }
}

pub(crate) async fn places_and_people_are_cleared_and_the_chain_holds(store: &Store) {
    append(store, node(1), contents(1..=4)).await;
    let until = now() + minutes(2);
    let clear = || store.write(move |tx| audit_events::clear_places(tx, until, 1));
    assert_eq!((clear().await, clear().await), (Ok(1), Ok(1)));
    assert_eq!(clear().await, Ok(0), "the others are younger");
    let forget = store.write(|tx| audit_events::forget_user(tx, &UserId::new("person-3")));
    forget.await.unwrap();
    let shown: Vec<[bool; 4]> = chain(store, node(1))
        .await
        .iter()
        .map(|record| {
            let personal = record.content.personal();
            personal.map(|veiled| veiled.unwrap().shown.is_some())
        })
        .collect();
    let (who, all, none) = ([true, true, false, false], [true; 4], [false; 4]);
    assert_eq!(shown, [who, who, none, all]);
    assert_eq!(good(store).await, 4);
}

pub(crate) async fn old_records_go_and_what_is_left_still_holds(store: &Store) {
    let (_, anchor) = append(store, node(1), contents(1..=6)).await;
    append(store, node(2), contents(9..=9)).await;
    let until = now() + minutes(4);
    let old = move || store.read(move |tx| audit_events::list_old(tx, until));
    assert_eq!(old().await, Ok(vec![node(1)]));
    let prune = || store.write(move |tx| audit_events::prune(tx, node(1), (until, 3), &key()));
    assert_eq!(prune().await, Ok(Ok(3)));
    assert_eq!(good(store).await, 4);
    assert_eq!(prune().await, Ok(Ok(1)));
    assert_eq!(prune().await, Ok(Ok(0)));
    assert_eq!(old().await, Ok(vec![]));
    let report = verify(store, &[anchor]).await;
    assert_eq!(report.findings, []);
    assert_eq!((report.chains[0].records, report.chains[0].pruned), (2, 4));
    append(store, node(1), contents(7..=7)).await;
    assert_eq!(good(store).await, 4);
    // All of a chain may go, and it goes on.
    let later = now() + DAY;
    let all = store.write(move |tx| audit_events::prune(tx, node(1), (later, 100), &key()));
    assert_eq!(all.await, Ok(Ok(3)));
    assert_eq!(verify(store, &[anchor]).await.findings, []);
    append(store, node(1), contents(8..=8)).await;
    assert_eq!(good(store).await, 2);
}

/// Two processes with the same chain (the server and a command), and one with its own.
pub(crate) async fn two_who_write_at_once_lose_nothing(store: &Store) {
    let writers = [NodeId::ALONE, NodeId::ALONE, node(2)].map(|node| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..20 {
                append(&store, node, contents(number..number + 2)).await;
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(good(store).await, 120);
}

pub(crate) async fn a_node_names_the_chains_that_it_met(store: &Store) {
    let (_, met) = append(store, node(1), contents(1..=2)).await;
    let named = serde_json::json!([[
        node(1).to_string(),
        met.value.seq,
        hallpass_protocol::hex::encode(&met.value.hash)
    ]]);
    let started = Entry::new(Event::SystemStarted, now()).with("chains", named);
    append(store, node(2), vec![started.veil(&SystemRandom)]).await;
    assert_eq!(good(store).await, 3);
}

/// What somebody does who may run SQL: each is done to a database of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    sql: &'static str,
    expected: fn(&Finding) -> bool,
}

const ATTACKS: &[Attack] = &[
    Attack {
        sql: "DELETE FROM audit_events WHERE seq > 3 AND event = 'login.success'",
        expected: |found| {
            matches!(
                found,
                Finding::Cut {
                    last: 3,
                    signed: 5,
                    ..
                }
            )
        },
    },
    Attack {
        sql: "DELETE FROM audit_events WHERE seq = 2",
        expected: |found| matches!(found, Finding::OutOfLine { seq: 3, .. }),
    },
    Attack {
        sql: "UPDATE audit_events SET event = 'logout' WHERE seq = 2",
        expected: |found| matches!(found, Finding::Changed { seq: 2, .. }),
    },
    Attack {
        sql: "UPDATE audit_events SET ip = '203.0.113.9' WHERE seq = 4",
        expected: |found| matches!(found, Finding::Changed { seq: 4, .. }),
    },
    Attack {
        sql: "UPDATE audit_events SET client_id = NULL WHERE seq = 5",
        expected: |found| matches!(found, Finding::Changed { seq: 5, .. }),
    },
    Attack {
        sql: "UPDATE audit_events SET at = 0 WHERE seq = 1",
        expected: |found| matches!(found, Finding::Changed { seq: 1, .. }),
    },
    Attack {
        sql: "UPDATE audit_events SET sid = substr(hash, 1, 3) WHERE seq = 3",
        expected: |found| matches!(found, Finding::Changed { seq: 3, .. }),
    },
    Attack {
        sql: "UPDATE audit_events SET hash = prev_hash WHERE seq = 3",
        expected: |found| matches!(found, Finding::Changed { seq: 3, .. }),
    },
    Attack {
        sql: "UPDATE audit_chains SET seq = 4",
        expected: |found| matches!(found, Finding::BadHead { .. }),
    },
    Attack {
        sql: "DELETE FROM audit_chains",
        expected: |found| matches!(found, Finding::Headless { .. }),
    },
    Attack {
        sql: "DELETE FROM audit_events",
        expected: |found| matches!(found, Finding::Cut { last: 0, .. }),
    },
    // As if old records had gone by themselves.
    Attack {
        sql: "UPDATE audit_chains SET floor_seq = 5, floor_hash = hash, floor_signature = signature; \
              DELETE FROM audit_events",
        expected: |found| matches!(found, Finding::BadFloor { seq: 5, .. }),
    },
    Attack {
        sql: "INSERT INTO audit_events (node, seq, at, event, outcome, prev_hash, hash) \
              SELECT node, 6, at, 'logout', 'success', hash, hash FROM audit_events WHERE seq = 5",
        expected: |found| matches!(found, Finding::Unsigned { seq: 6, .. }),
    },
];

/// Runs every attack; `fresh` opens an empty database and says how to run SQL on it.
async fn attacked<F: Future<Output = (Store, Box<dyn Fn(&str)>)>>(fresh: impl Fn() -> F) {
    for attack in ATTACKS {
        let (store, sql) = fresh().await;
        let (_, anchor) = append(&store, node(1), contents(1..=5)).await;
        assert_eq!(good(&store).await, 5);
        sql(attack.sql);
        let found = verify(&store, &[]).await.findings;
        assert!(
            found.len() == 1 && (attack.expected)(&found[0]),
            "{attack:?}: {found:?}"
        );
        let anchored = verify(&store, &[anchor]).await.findings;
        assert!(!anchored.is_empty(), "{attack:?}");
        // When the records are old, the server does not sign the change away.
        let prune = store.write(|tx| audit_events::prune(tx, node(1), (now() + DAY, 100), &key()));
        prune.await.unwrap().ok();
        let later = verify(&store, &[]).await.findings;
        assert_eq!(later.len(), 1, "{attack:?}: {later:?}");
        store.close().await;
    }
}

/// Row A-118: the whole of it, by somebody who lacks the key, and by somebody who kept a copy.
async fn rewritten<F: Future<Output = (Store, Box<dyn Fn(&str)>)>>(fresh: impl Fn() -> F) {
    const EVERYTHING: &str = "DELETE FROM audit_events; DELETE FROM audit_chains";
    let (store, sql) = fresh().await;
    let (_, anchor) = append(&store, node(1), contents(1..=5)).await;
    sql(EVERYTHING);
    let missing = [Finding::Missing {
        node: node(1),
        seq: 5,
    }];
    assert_eq!(verify(&store, &[anchor]).await.findings, missing);
    // Every hash is right, and the signature is the thief's.
    let thief = || AuditKey::from_seed(&Secret::new([6; 32])).unwrap();
    append_as(&store, (node(1), Vec::new()), contents(11..=15), thief).await;
    let bad_head = Finding::BadHead { node: node(1) };
    assert_eq!(verify(&store, &[]).await.findings, [bad_head]);
    // With the server's own key, which lies sealed in the database: the anchor tells.
    sql(EVERYTHING);
    append(&store, node(1), contents(11..=15)).await;
    assert_eq!(verify(&store, &[]).await.findings, []);
    let not_anchored = Finding::NotAnchored {
        node: node(1),
        seq: 5,
    };
    assert_eq!(verify(&store, &[anchor]).await.findings, [not_anchored]);
    // The tail goes, with the signed end that belongs to what is left.
    sql(EVERYTHING);
    append(&store, node(1), contents(1..=3)).await;
    let (_, tail) = append(&store, node(2), contents(1..=2)).await;
    sql("DELETE FROM audit_events WHERE event = 'login.success'; DELETE FROM audit_chains");
    append(&store, node(2), contents(1..=1)).await;
    assert_eq!(verify(&store, &[]).await.findings, []);
    let cut = Finding::Cut {
        node: node(2),
        last: 1,
        signed: 2,
    };
    assert_eq!(verify(&store, &[tail]).await.findings, [cut]);
    // Nor does somebody's own anchor say anything.
    let forged = thief().sign_head(tail.value);
    let bad = Finding::BadAnchor {
        node: node(2),
        seq: 2,
    };
    assert_eq!(verify(&store, &[forged]).await.findings, [bad]);
    store.close().await;
}

/// Without any anchor: a chain that a later start met cannot just go.
async fn chain_removed<F: Future<Output = (Store, Box<dyn Fn(&str)>)>>(fresh: impl Fn() -> F) {
    let (store, sql) = fresh().await;
    a_node_names_the_chains_that_it_met(&store).await;
    let of_the_first = "(SELECT node FROM audit_events WHERE event = 'login.success')";
    sql(&format!(
        "DELETE FROM audit_chains WHERE node IN {of_the_first}"
    ));
    sql("DELETE FROM audit_events WHERE event = 'login.success'");
    let missing = [Finding::Missing {
        node: node(1),
        seq: 2,
    }];
    assert_eq!(verify(&store, &[]).await.findings, missing);
    store.close().await;
}

async fn file() -> (Store, Box<dyn Fn(&str)>) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    let store = Store::open(&path, crate::key()).unwrap();
    let sql = move |statements: &str| {
        let _kept = &folder;
        let thief = rusqlite::Connection::open(&path).unwrap();
        thief.execute_batch(statements).unwrap();
    };
    (store, Box::new(sql))
}

#[cfg(unix)]
async fn postgres() -> (Store, Box<dyn Fn(&str)>) {
    let server = hallpass_testing::TestPostgres::shared();
    let address = server.database();
    let store = Store::connect(&address, crate::key()).await.unwrap();
    let sql = move |statements: &str| {
        server.sql(crate::postgres::database(&address), statements);
    };
    (store, Box::new(sql))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_118_whoever_changes_a_file_is_found_out() {
    attacked(file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_118_a_file_whose_chains_were_rewritten_is_found_out() {
    rewritten(file).await;
    chain_removed(file).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_118_whoever_changes_postgres_is_found_out() {
    attacked(postgres).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_118_postgres_whose_chains_were_rewritten_is_found_out() {
    rewritten(postgres).await;
    chain_removed(postgres).await;
}
