//! What sealed sessions must withstand (row C-74).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::credentials::auto::AutoStore;
use crate::credentials::file::FileStore;
use crate::credentials::record::SessionKey;
use crate::credentials::record::tests::record;
use crate::credentials::token_store::{Generation, TokenStore};

/// A keychain in memory that can fail as real ones do. Clones are one.
#[derive(Clone, Debug, Default)]
struct FakeKeychain {
    kept: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    calls: Arc<AtomicUsize>,
    is_away: bool,
    is_forgetful: bool,
}

impl FakeKeychain {
    fn called(&self) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let reason = "no D-Bus session".to_owned();
        if self.is_away {
            Err(StoreError::Keychain { reason })
        } else {
            Ok(())
        }
    }
}

impl Keychain for FakeKeychain {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        self.called()?;
        Ok(self
            .kept
            .lock()
            .unwrap()
            .get(name)
            .cloned()
            .map(Secret::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        self.called()?;
        if !self.is_forgetful {
            let mut kept = self.kept.lock().unwrap();
            kept.insert(name.to_owned(), secret.to_vec());
        }
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), StoreError> {
        self.called()?;
        self.kept.lock().unwrap().remove(name);
        Ok(())
    }
}

fn key(n: u32) -> SessionKey {
    SessionKey::new(format!("https://{n}.test"), "cli")
}

fn plain(folder: &Path) -> FileStore {
    FileStore::in_state_dir(folder)
}

fn keyring(folder: &Path, keychain: &FakeKeychain) -> FileStore {
    plain(folder).sealed(KeySource::Keyring(Box::new(keychain.clone())))
}

fn passphrase(folder: &Path, text: &str) -> FileStore {
    let path = folder.join("passphrase");
    std::fs::write(&path, text).unwrap();
    plain(folder).sealed(KeySource::Passphrase(Some(path)))
}

fn auto(folder: &Path, keychain: &FakeKeychain, passphrase: Option<PathBuf>) -> AutoStore {
    let source = KeySource::Keyring(Box::new(keychain.clone()));
    AutoStore::new(plain(folder), source, passphrase)
}

fn away(keychain: &FakeKeychain) -> FakeKeychain {
    FakeKeychain {
        is_away: true,
        ..keychain.clone()
    }
}

fn save(store: &dyn TokenStore, key: &SessionKey) -> Result<Generation, StoreError> {
    store.compare_and_swap(key, None, &record())
}

fn path(folder: &Path, key: &SessionKey) -> PathBuf {
    folder.join(format!("sessions/{}.json", key.hash()))
}

fn refresh_token(store: &dyn TokenStore, key: &SessionKey) -> Option<Secret<String>> {
    store.load(key).unwrap().unwrap().value.refresh_token
}

fn has_canary(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder.join("sessions")).unwrap();
    let mut texts = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    texts.any(|bytes| String::from_utf8_lossy(&bytes).contains("canary"))
}

#[test]
fn c_74_a_sealed_session_is_read_by_another_process_and_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    for (n, make) in [
        (
            1,
            &(|| keyring(folder, &keychain)) as &dyn Fn() -> FileStore,
        ),
        (2, &|| passphrase(folder, "correct horse\n")),
    ] {
        let first = save(&make(), &key(n)).unwrap();
        assert_eq!(refresh_token(&make(), &key(n)), record().refresh_token);
        let second = make().compare_and_swap(&key(n), Some(first), &record());
        assert_eq!(second.unwrap(), Generation(2));
        assert!(make().list().unwrap().contains(&key(n)));
    }
    assert!(!has_canary(folder));
    make_sure_only_keys_are_in(&keychain);
}

fn make_sure_only_keys_are_in(keychain: &FakeKeychain) {
    let kept = keychain.kept.lock().unwrap();
    assert_eq!(kept.values().map(Vec::len).collect::<Vec<_>>(), [32]);
}

#[test]
fn tokens_of_any_size_are_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let store = keyring(folder.path(), &FakeKeychain::default());
    let mut large = record();
    large.refresh_token = Some(Secret::new("x".repeat(300_000)));
    store.compare_and_swap(&key(1), None, &large).unwrap();
    assert_eq!(refresh_token(&store, &key(1)), large.refresh_token);
}

#[test]
fn c_74_and_a_113_swapped_files_are_refused_and_left_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    let store = keyring(folder, &keychain);
    let (one, two) = (key(1), key(1).in_profile("work"));
    save(&store, &one).unwrap();
    save(&store, &two).unwrap();
    let (one_path, two_path, aside) = (path(folder, &one), path(folder, &two), folder.join("x"));
    std::fs::rename(&one_path, &aside).unwrap();
    std::fs::rename(&two_path, &one_path).unwrap();
    std::fs::rename(&aside, &two_path).unwrap();
    for key in [&one, &two] {
        let error = store.load(key).unwrap_err();
        assert!(matches!(error, StoreError::Swapped { .. }), "{error}");
        let error = store.compare_and_swap(key, Some(Generation(1)), &record());
        assert!(matches!(error, Err(StoreError::Swapped { .. })));
    }
    assert!(one_path.exists() && two_path.exists());
    // The way out that the hint names.
    store.remove(&one).unwrap();
    save(&store, &one).unwrap();
}

#[test]
fn c_74_twenty_first_runs_at_once_share_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let keychain = FakeKeychain::default();
    std::thread::scope(|scope| {
        for n in 0..20 {
            let (folder, keychain) = (folder.path(), &keychain);
            scope.spawn(move || save(&keyring(folder, keychain), &key(n)).unwrap());
        }
    });
    let store = keyring(folder.path(), &keychain);
    for n in 0..20 {
        assert_eq!(refresh_token(&store, &key(n)), record().refresh_token);
    }
    make_sure_only_keys_are_in(&keychain);
}

#[test]
fn c_74_and_a_113_a_keychain_that_is_away_makes_no_plain_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    save(&auto(folder, &keychain, None), &key(1)).unwrap();
    let away = away(&keychain);
    for store in [
        &keyring(folder, &away) as &dyn TokenStore,
        &auto(folder, &away, None),
        &auto(folder, &away, Some(folder.join("none"))),
    ] {
        for failed in [
            store.load(&key(1)).map(|_| ()),
            store
                .compare_and_swap(&key(1), Some(Generation(1)), &record())
                .map(|_| ()),
            save(store, &key(2)).map(|_| ()),
            store.prepare(),
        ] {
            let error = failed.unwrap_err();
            assert!(matches!(error, StoreError::Keychain { .. }), "{error}");
        }
        assert_eq!(store.take_notice(), None);
    }
    assert!(!has_canary(folder));
    assert_eq!(
        refresh_token(&keyring(folder, &keychain), &key(1)),
        record().refresh_token
    );
}

#[test]
fn c_74_markers_that_vanish_make_no_plain_file_either() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    save(&auto(folder, &keychain, None), &key(1)).unwrap();
    std::fs::remove_file(folder.join("sessions/keyring.seal")).unwrap();
    assert!(save(&auto(folder, &away(&keychain), None), &key(2)).is_err());
    assert!(!has_canary(folder));
    let store = auto(folder, &keychain, None);
    assert_eq!(refresh_token(&store, &key(1)), record().refresh_token);
}

#[test]
fn c_74_a_plain_file_where_sessions_are_sealed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    save(&keyring(folder, &keychain), &key(1)).unwrap();
    save(&plain(folder), &key(2)).unwrap();
    for store in [
        &keyring(folder, &keychain) as &dyn TokenStore,
        &auto(folder, &keychain, None),
        &passphrase(folder, "x"),
    ] {
        let error = store.load(&key(2)).unwrap_err();
        assert!(matches!(error, StoreError::Unsealed { .. }), "{error}");
        assert!(error.hint().unwrap().contains("sign in again"));
    }
}

#[test]
fn a_store_of_plain_files_refuses_a_sealed_one_and_names_the_store_that_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    save(&keyring(folder, &FakeKeychain::default()), &key(1)).unwrap();
    save(&passphrase(folder, "x"), &key(2)).unwrap();
    for (n, name) in [(1, "`keyring`"), (2, "`sealed`")] {
        let error = plain(folder).load(&key(n)).unwrap_err();
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
        assert!(error.hint().unwrap().contains(name));
        assert!(
            plain(folder)
                .compare_and_swap(&key(n), None, &record())
                .is_err()
        );
    }
    // To see and to remove them, no key is needed.
    assert_eq!(plain(folder).list().unwrap(), [key(1), key(2)]);
    plain(folder).remove(&key(1)).unwrap();
    assert_eq!(plain(folder).list().unwrap(), [key(2)]);
}

#[test]
fn sessions_that_were_plain_are_sealed_with_the_first_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    save(&plain(folder), &key(1)).unwrap();
    let first = save(&plain(folder), &key(2)).unwrap();
    let store = auto(folder, &keychain, None);
    assert_eq!(refresh_token(&store, &key(1)), record().refresh_token);
    assert!(has_canary(folder));
    assert_eq!(keychain.calls.load(Ordering::Relaxed), 0);
    store
        .compare_and_swap(&key(2), Some(first), &record())
        .unwrap();
    assert!(!has_canary(folder));
    assert_eq!(refresh_token(&store, &key(1)), record().refresh_token);
}

#[test]
fn a_damaged_sealed_file_is_moved_aside_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = keyring(folder, &FakeKeychain::default());
    save(&store, &key(1)).unwrap();
    let path = path(folder, &key(1));
    let half = std::fs::read(&path).unwrap();
    std::fs::write(&path, &half[..half.len() / 2]).unwrap();
    let error = store.load(&key(1)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(store.load(&key(1)).unwrap().is_none());
}

#[test]
fn a_damaged_marker_costs_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    save(&keyring(folder, &keychain), &key(1)).unwrap();
    std::fs::write(folder.join("sessions/keyring.seal"), "{").unwrap();
    let error = save(&keyring(folder, &keychain), &key(2)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    let store = keyring(folder, &keychain);
    save(&store, &key(2)).unwrap();
    for n in [1, 2] {
        assert_eq!(refresh_token(&store, &key(n)), record().refresh_token);
    }
}

#[test]
fn a_keychain_that_lost_the_key_is_named_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    save(&keyring(folder, &FakeKeychain::default()), &key(1)).unwrap();
    let emptied = FakeKeychain::default();
    for store in [
        &keyring(folder, &emptied) as &dyn TokenStore,
        &auto(folder, &emptied, None),
    ] {
        for failed in [
            store.load(&key(1)).map(|_| ()),
            save(store, &key(2)).map(|_| ()),
            store.prepare(),
        ] {
            let error = failed.unwrap_err();
            assert!(matches!(error, StoreError::KeyMissing { .. }), "{error}");
        }
    }
    assert!(emptied.kept.lock().unwrap().is_empty());
}

#[test]
fn a_keychain_that_keeps_nothing_is_found_out_before_anything_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let forgetful = FakeKeychain {
        is_forgetful: true,
        ..FakeKeychain::default()
    };
    let error = keyring(folder, &forgetful).prepare().unwrap_err();
    assert!(error.to_string().contains("does not keep"), "{error}");
    let store = auto(folder, &forgetful, None);
    save(&store, &key(1)).unwrap();
    assert_eq!(store.describe().kind, "file");
}

#[test]
fn a_wrong_passphrase_is_told_from_none_and_from_a_swap() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    save(&passphrase(folder, "right"), &key(1)).unwrap();
    let store = passphrase(folder, "wrong");
    for failed in [
        store.load(&key(1)).map(|_| ()),
        save(&store, &key(2)).map(|_| ()),
        store.prepare(),
    ] {
        let error = failed.unwrap_err();
        assert!(
            matches!(error, StoreError::WrongPassphrase { .. }),
            "{error}"
        );
        assert!(!error.to_string().contains("wrong"));
    }
    let none = plain(folder).sealed(KeySource::Passphrase(None));
    assert!(matches!(none.load(&key(1)), Err(StoreError::NoPassphrase)));
    let store = passphrase(folder, "right\n");
    assert_eq!(refresh_token(&store, &key(1)), record().refresh_token);
}

#[test]
fn auto_says_once_that_there_is_no_keychain_and_does_not_ask_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let away = away(&FakeKeychain::default());
    let store = auto(folder, &away, None);
    assert_eq!(store.describe().kind, "auto");
    assert!(store.load(&key(1)).unwrap().is_none());
    assert_eq!(away.calls.load(Ordering::Relaxed), 0);
    store.prepare().unwrap();
    let notice = store.take_notice().unwrap();
    assert_eq!(
        notice,
        "system keychain not reachable (no D-Bus session); using a 0600 file instead. hint: \
         --store sealed with HALLPASS_PASSPHRASE_FILE to encrypt it. This is shown once."
    );
    let asked = away.calls.load(Ordering::Relaxed);
    for store in [store, auto(folder, &away, None)] {
        let old = store.load(&key(1)).unwrap().map(|found| found.generation);
        store.compare_and_swap(&key(1), old, &record()).unwrap();
        assert_eq!(store.take_notice(), None);
        let info = store.describe();
        assert_eq!(
            (info.kind, info.is_encrypted, info.key),
            ("file", false, None)
        );
    }
    assert_eq!(away.calls.load(Ordering::Relaxed), asked);
}

#[test]
fn auto_takes_the_passphrase_that_is_named_where_there_is_no_keychain() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("p");
    std::fs::write(&file, "correct horse").unwrap();
    let away = away(&FakeKeychain::default());
    let store = auto(folder, &away, Some(file));
    save(&store, &key(1)).unwrap();
    assert!(!has_canary(folder));
    let info = store.describe();
    assert_eq!(
        (info.kind, info.is_encrypted, info.key),
        ("sealed", true, Some("passphrase"))
    );
    // Without it, the session is out of reach, not plain.
    let store = auto(folder, &FakeKeychain::default(), None);
    assert!(matches!(store.load(&key(1)), Err(StoreError::NoPassphrase)));
    assert!(matches!(
        save(&store, &key(2)),
        Err(StoreError::NoPassphrase)
    ));
}

#[test]
fn the_key_in_the_keychain_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let store = auto(folder.path(), &FakeKeychain::default(), None);
    save(&store, &key(1)).unwrap();
    let info = store.describe();
    assert_eq!(
        (info.kind, info.is_encrypted, info.key),
        ("sealed", true, Some("keyring"))
    );
    assert!(info.is_persistent && info.place.ends_with("sessions"));
}

#[test]
fn one_process_asks_the_keychain_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keychain = FakeKeychain::default();
    save(&keyring(folder, &keychain), &key(1)).unwrap();
    keychain.calls.store(0, Ordering::Relaxed);
    let store = keyring(folder, &keychain);
    for _ in 0..3 {
        store.load(&key(1)).unwrap();
    }
    assert_eq!(keychain.calls.load(Ordering::Relaxed), 1);
}
