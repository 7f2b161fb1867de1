//! A key ring that grows and shrinks under a database, and copies of a SQLite file.

use std::path::Path;

use hallpass_issuer::tokens::signing_key::KeyState;
use hallpass_protocol::{Secret, UserId};
use hallpass_store::{
    Restore, Store, StoreError, StoreKey, StoreKeys, authorizations, backup, device_grants,
    lasting_secrets, ring_keys, signing_keys, totp_secrets,
};
use tempfile::TempDir;

use crate::factors::totp_secret;
use crate::key;
use crate::records::{self, ISSUER, minutes, now};

fn ring(ids: &[u8]) -> StoreKeys {
    StoreKeys::new(ids.iter().map(|id| (*id, StoreKey::from_bytes([*id; 32]))))
}

/// Another test's child process may hold the lock for a moment, between its fork and its start.
async fn open(address: &str, ids: &[u8]) -> Result<Store, StoreError> {
    loop {
        match Store::connect(address, ring(ids)).await {
            Err(StoreError::InUse { .. }) => tokio::task::yield_now().await,
            outcome => return outcome,
        }
    }
}

/// Row S-262: what apps and papers say counts on.
async fn assert_factors_are_kept(store: &Store) {
    let found = store.read(|tx| totp_secrets::find(tx, &UserId::new("ada")));
    let found = found.await.unwrap().unwrap();
    assert_eq!(found.seed.as_bytes(), totp_secret().seed.as_bytes());
    let another = Secret::new([8; 32]);
    let kept = store.write(move |tx| {
        lasting_secrets::load_or_insert(tx, lasting_secrets::RECOVERY_CODES, &another)
    });
    assert_eq!(kept.await.unwrap().expose(), &[7; 32]);
}

async fn assert_signing_key_is_kept(store: &Store) {
    let found = store.read(|tx| signing_keys::find(tx, ISSUER)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.pkcs8.expose(), b"the private half");
}

async fn a_ring_turns(address: &str) {
    let store = open(address, &[1]).await.unwrap();
    let inserted = store.write(|tx| {
        signing_keys::insert(tx, &records::signing_key("k", b"the private half"))?;
        totp_secrets::save(tx, &UserId::new("ada"), &totp_secret())?;
        let drawn = Secret::new([7; 32]);
        lasting_secrets::load_or_insert(tx, lasting_secrets::RECOVERY_CODES, &drawn)?;
        device_grants::insert(tx, &records::device_grant("device", "WDJBMJHT"))
    });
    inserted.await.unwrap();
    store.close().await;

    // Another key of that name, and a ring without it.
    let other = StoreKeys::new([(1, StoreKey::from_bytes([9; 32]))]);
    let error = loop {
        match Store::connect(address, other.clone()).await.unwrap_err() {
            StoreError::InUse { .. } => tokio::task::yield_now().await,
            error => break error,
        }
    };
    assert!(
        matches!(error, StoreError::WrongKey { id: 1, .. }),
        "{error}"
    );
    let error = open(address, &[2]).await.unwrap_err();
    let missing = |needed_until| StoreError::MissingKey {
        id: 1,
        needed_until,
    };
    assert_eq!(error, missing(None));

    // A new first key opens what is there, and seals what is new.
    let store = open(address, &[2, 1]).await.unwrap();
    assert_signing_key_is_kept(&store).await;
    let mut resealed = 0;
    loop {
        match store.write(|tx| ring_keys::reseal(tx, 1)).await.unwrap() {
            0 => break,
            some => resealed += some,
        }
    }
    assert_eq!(resealed, 4);
    let long = std::time::Duration::from_hours(24);
    store
        .write(move |tx| ring_keys::release(tx, long))
        .await
        .unwrap();
    let known = store.read(ring_keys::list).await.unwrap();
    assert_eq!(known.iter().map(|key| key.id).collect::<Vec<_>>(), [1, 2]);
    assert!(known[0].superseded_at.is_some() && known[1].superseded_at.is_none());
    assert_eq!(
        known[0].needed_until,
        known[0].superseded_at.map(|at| at + long)
    );
    assert_eq!(known[1].needed_until, None);
    store.close().await;
    // Row S-261: tokens of the old key may live for a day.
    let error = open(address, &[2]).await.unwrap_err();
    assert_eq!(error, missing(known[0].needed_until));
    let store = open(address, &[2, 1]).await.unwrap();
    store
        .write(|tx| ring_keys::release(tx, std::time::Duration::ZERO))
        .await
        .unwrap();
    store.close().await;

    // Nothing of it lives any more: the ring may forget it, and so does the database.
    let store = open(address, &[2]).await.unwrap();
    assert_signing_key_is_kept(&store).await;
    let grant = store
        .read(|tx| device_grants::list_pending(tx, ISSUER, now()))
        .await
        .unwrap();
    assert_eq!(grant[0].user_code, "WDJBMJHT");
    assert_factors_are_kept(&store).await;
    assert_eq!(store.read(ring_keys::list).await.unwrap().len(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_261_s_262_a_ring_turns_under_a_file() {
    let folder = TempDir::new().unwrap();
    a_ring_turns(&format!(
        "sqlite://{}",
        folder.path().join("x.db").display()
    ))
    .await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn s_261_s_262_a_ring_turns_under_postgresql() {
    a_ring_turns(&hallpass_testing::TestPostgres::shared().database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_changes_its_state_once_however_many_nodes_try() {
    let store = Store::open_in_memory(key()).unwrap();
    let next = KeyState::Next { signs_from: now() };
    let active = KeyState::Active { until: Some(now()) };
    let mut record = records::signing_key("k1", b"private");
    record.state = next;
    let again = record.clone();
    store
        .write(move |tx| signing_keys::add(tx, &record))
        .await
        .unwrap();
    // A second successor of the same algorithm is one too many.
    let mut second = again;
    second.kid = hallpass_protocol::KeyId::new("k2");
    let added = store.write(move |tx| signing_keys::add(tx, &second)).await;
    assert_eq!(added, Err(StoreError::Conflict));
    let activate = || {
        store.write(move |tx| {
            let kid = hallpass_protocol::KeyId::new("k1");
            signing_keys::change(tx, ISSUER, (&kid, next, active))
        })
    };
    assert_eq!(activate().await, Ok(()));
    assert_eq!(activate().await, Err(StoreError::Conflict));
    let facts = store
        .read(|tx| signing_keys::facts(tx, ISSUER))
        .await
        .unwrap();
    assert_eq!((facts.len(), facts[0].state), (1, active));
}

fn open_file(path: &Path) -> Store {
    Store::open(path, key()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_moment_and_comes_back() {
    let folder = TempDir::new().unwrap();
    let [database, copy] = ["x.db", "copy.db"].map(|name| folder.path().join(name));
    let store = open_file(&database);
    let authorization = records::authorization();
    let id = authorization.id;
    store
        .write(move |tx| authorizations::insert(tx, &authorization))
        .await
        .unwrap();
    // While it is in use: most of it is still in the log.
    backup(&database, &copy).unwrap();
    assert!(backup(&database, &copy).is_err(), "nothing is overwritten");
    let busy = Restore::begin(&copy, &database).unwrap_err();
    assert!(matches!(busy, StoreError::InUse { .. }), "{busy}");
    store.write(authorizations::delete_all).await.unwrap();
    store.close().await;

    let restore = Restore::begin(&copy, &database).unwrap();
    let waiting = open_file(restore.waiting());
    let ended = waiting.write(|tx| hallpass_store::end_all_sessions(tx, now() + minutes(1)));
    assert_eq!(ended.await, Ok(1));
    waiting.close().await;
    let before = restore.finish().unwrap().unwrap();
    let restored = open_file(&database);
    let found = restored
        .read(move |tx| authorizations::is_live(tx, id))
        .await;
    assert_eq!(found, Ok(false), "it is there, and it has ended");
    restored.close().await;
    // The one before is whole, too.
    let old = open_file(&before);
    assert_eq!(
        old.read(move |tx| authorizations::find(tx, id)).await,
        Ok(None)
    );
    old.close().await;
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("restoring"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_copy_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let [database, copy] = ["x.db", "copy.db"].map(|name| folder.path().join(name));
    open_file(&database).close().await;
    let before = std::fs::read(&database).unwrap();
    let mut broken = before.clone();
    for byte in broken.iter_mut().skip(4096 + 100).take(4000) {
        *byte = 0xff;
    }
    for content in [&b"no database"[..], &broken] {
        std::fs::write(&copy, content).unwrap();
        let error = Restore::begin(&copy, &database).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        assert_eq!(std::fs::read(&database).unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_looked_at_without_a_key_and_without_a_change() {
    let folder = TempDir::new().unwrap();
    let mut addresses = vec![format!("sqlite://{}", folder.path().join("x.db").display())];
    #[cfg(unix)]
    addresses.push(hallpass_testing::TestPostgres::shared().database());
    for address in addresses {
        let none = Store::schema(&address).await.unwrap();
        assert!(
            none.applied.is_empty() && none.pending.len() >= 14,
            "{address}: {none:?}"
        );
        if address.starts_with("sqlite") {
            assert!(!folder.path().join("x.db").exists());
        }
        open(&address, &[1]).await.unwrap().close().await;
        let all = Store::schema(&address).await.unwrap();
        assert!(
            all.pending.is_empty() && all.unknown.is_empty(),
            "{address}: {all:?}"
        );
        assert_eq!(all.applied.len(), none.pending.len());
    }
}
