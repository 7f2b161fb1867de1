//! What only a file can show: batches, reopening, a crash, a dump.

use std::fs;
use std::path::Path;
use std::sync::mpsc;

use hallpass_issuer::tokens::one_time::Kind;
use hallpass_protocol::random::SystemRandom;
use hallpass_store::{
    Store, StoreError, StoreKey, authorization_codes, authorizations, browser_sessions,
    device_grants, revocations, signing_keys,
};
use tempfile::TempDir;

use crate::key;
use crate::records::{self, ISSUER, hash, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_in_the_middle_of_a_batch_harms_nobody() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("hallpass.db"), key()).unwrap();
    let (open_gate, gate) = mpsc::channel::<()>();
    let insert = |jti: &'static str, fails: bool| {
        store.write(move |tx| {
            revocations::insert_jti(tx, ISSUER, jti, now())?;
            if fails {
                Err(StoreError::Conflict)
            } else {
                Ok(())
            }
        })
    };
    // The writer waits in the first job until all the others are queued behind it.
    let (gate, before, failing, panicking, after, ()) = tokio::join!(
        store.write(move |_| gate.recv().map_err(|_| StoreError::Conflict)),
        insert("before", false),
        insert("failing", true),
        store.write(|_| -> Result<(), StoreError> { panic!("a test's panic") }),
        insert("after", false),
        async { open_gate.send(()).unwrap() },
    );
    assert_eq!((gate, before, after), (Ok(()), Ok(()), Ok(())));
    assert_eq!(failing, Err(StoreError::Conflict));
    assert!(matches!(panicking, Err(StoreError::Unavailable(_))));
    let revoked = store.read(|tx| {
        ["before", "failing", "after"]
            .into_iter()
            .map(|jti| revocations::is_revoked_jti(tx, ISSUER, jti))
            .collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(revoked.await, Ok(vec![true, false, true]));
    store.close().await;
}

#[tokio::test]
async fn reopening_a_file_keeps_everything() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    let store = Store::open(&path, key()).unwrap();
    fill(&store, "secret", "WDJBMJHT").await;
    store.close().await;
    check(&Store::open(&path, key()).unwrap(), "secret", "WDJBMJHT").await;
}

#[tokio::test]
async fn what_was_answered_is_in_the_files_at_once() {
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = Store::open(&folder.path().join("hallpass.db"), key()).unwrap();
    fill(&store, "secret", "WDJBMJHT").await;
    // The files as a killed process leaves them.
    for name in ["hallpass.db", "hallpass.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    check(
        &Store::open(&copy.path().join("hallpass.db"), key()).unwrap(),
        "secret",
        "WDJBMJHT",
    )
    .await;
}

#[tokio::test]
async fn one_process_writes_a_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    let store = Store::open(&path, key()).unwrap();
    let second = Store::open(&path, key());
    let error = second.map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }));
    assert!(
        error.to_string().starts_with("another process uses `"),
        "{error}"
    );
    store.close().await;
    // A clone that is still around does not keep the file.
    Store::open(&path, key()).unwrap().close().await;
}

#[tokio::test]
async fn whoever_only_reads_may_stand_beside_the_one_who_writes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    let url = format!("sqlite://{}", path.display());
    assert!(
        Store::connect_to_read(&url, key()).await.is_err(),
        "no file"
    );
    assert!(!path.exists(), "and none is made");
    let store = Store::open(&path, key()).unwrap();
    let reader = Store::connect_to_read(&url, key()).await.unwrap();
    for round in 0..3 {
        let jti = format!("token {round}");
        let written = jti.clone();
        let write = store.write(move |tx| revocations::insert_jti(tx, ISSUER, &written, now()));
        write.await.unwrap();
        let read = reader.read(move |tx| revocations::is_revoked_jti(tx, ISSUER, &jti));
        assert_eq!(read.await, Ok(true));
    }
    let refused = reader
        .write(|tx| revocations::insert_jti(tx, ISSUER, "x", now()))
        .await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    reader.close().await;
    store.close().await;
    // Nobody is there who writes, and the file is whole.
    let reader = Store::connect_to_read(&url, key()).await.unwrap();
    let read = reader.read(|tx| revocations::is_revoked_jti(tx, ISSUER, "token 2"));
    assert_eq!(read.await, Ok(true));
    reader.close().await;
}

#[tokio::test]
async fn a_wrong_key_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    Store::open(&path, key()).unwrap().close().await;
    let error = Store::open(&path, StoreKey::from_bytes([1; 32]))
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    Store::open(&path, key()).unwrap().close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    fs::write(
        &path,
        "no database, whatever its length may be. ".repeat(100),
    )
    .unwrap();
    let error = Store::open(&path, key()).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    let missing = Store::open(&folder.path().join("no/such/folder.db"), key()).map(|_| ());
    assert!(matches!(missing, Err(StoreError::Unavailable(text)) if text.contains("folder.db")));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("hallpass.db"), key()).unwrap();
    fill(&store, "secret", "WDJBMJHT").await;
    for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn s_06_a_88_a_dump_holds_no_secret_in_clear() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("hallpass.db"), key()).unwrap();
    let draw = |kind: Kind| kind.generate(&SystemRandom);
    let (device_code, device_hash) = draw(Kind::DeviceCode);
    let (code, code_hash) = draw(Kind::AuthorizationCode);
    let (cookie, cookie_hash) = draw(Kind::BrowserSession);
    store
        .write(move |tx| {
            let mut grant = records::device_grant("", "WDJBMJHT");
            grant.code_hash = device_hash;
            device_grants::insert(tx, &grant)?;
            let mut issued = records::code("");
            issued.code_hash = code_hash;
            authorization_codes::insert(tx, &issued)?;
            let mut session = records::browser_session("");
            session.token_hash = cookie_hash;
            browser_sessions::insert(tx, &session)?;
            signing_keys::insert(tx, &records::signing_key("k", b"the private half")).map(|_| ())
        })
        .await
        .unwrap();
    let secrets = [device_code.expose(), code.expose(), cookie.expose()]
        .map(|secret| secret.get(4..).unwrap())
        .into_iter()
        .chain(["WDJBMJHT", "WDJB-MJHT", "the private half"]);
    let secrets: Vec<&str> = secrets.collect();
    assert_dump_without(folder.path(), &secrets);
    store.close().await;
    assert_dump_without(folder.path(), &secrets);
}

fn assert_dump_without(folder: &Path, secrets: &[&str]) {
    let mut dump = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        dump.extend(fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |text: &str| dump.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("my-cli"), "the rows are in the dump");
    for secret in secrets.iter().chain(&["********************************"]) {
        assert!(!holds(secret), "{secret}");
    }
}

/// One row in each table.
async fn fill(store: &Store, secret: &'static str, user_code: &'static str) {
    store
        .write(move |tx| {
            authorization_codes::insert(tx, &records::code(secret))?;
            device_grants::insert(tx, &records::device_grant(secret, user_code))?;
            authorizations::insert(tx, &records::authorization())?;
            browser_sessions::insert(tx, &records::browser_session(secret))?;
            signing_keys::insert(tx, &records::signing_key("k", b"private"))?;
            revocations::insert_jti(tx, ISSUER, "jti", now())
        })
        .await
        .unwrap();
}

async fn check(store: &Store, secret: &'static str, user_code: &'static str) {
    store
        .read(move |tx| {
            assert!(authorization_codes::find(tx, ISSUER, &hash(secret))?.is_some());
            let grant = device_grants::find_by_code(tx, ISSUER, &hash(secret))?.unwrap();
            assert_eq!(grant, records::device_grant(secret, user_code));
            assert_eq!(
                authorizations::list_by_user(tx, ISSUER, &records::user().id)?.len(),
                1
            );
            assert!(browser_sessions::find(tx, ISSUER, &hash(secret))?.is_some());
            let key = signing_keys::find(tx, ISSUER)?.unwrap();
            assert_eq!(key.pkcs8.expose(), b"private");
            assert!(revocations::is_revoked_jti(tx, ISSUER, "jti")?);
            Ok(())
        })
        .await
        .unwrap();
    store.close().await;
}
