//! What a store of files must withstand.

use std::fs::File;

use super::*;
use crate::credentials::record::tests::record;

fn key() -> SessionKey {
    SessionKey::new("https://as.test", "cli")
}

fn stores(folder: &Path) -> [FileStore; 2] {
    [
        FileStore::at(folder.join("app/credentials.json")),
        FileStore::in_state_dir(folder.join("state")),
    ]
}

#[test]
fn a_session_is_kept_changed_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        assert!(store.load(&key()).unwrap().is_none());
        store.remove(&key()).unwrap();
        let first = store.compare_and_swap(&key(), None, &record()).unwrap();
        let found = store.load(&key()).unwrap().unwrap();
        assert_eq!(
            (found.generation, &found.value.access_token),
            (first, &record().access_token)
        );
        assert!(matches!(
            store.compare_and_swap(&key(), None, &record()),
            Err(StoreError::Conflict)
        ));
        let other = SessionKey::new("https://other.test", "cli");
        store.compare_and_swap(&other, None, &record()).unwrap();
        assert_eq!(store.list().unwrap(), [key(), other.clone()]);
        store.remove(&key()).unwrap();
        assert_eq!(store.list().unwrap(), std::slice::from_ref(&other));
        store.remove(&other).unwrap();
        assert!(store.list().unwrap().is_empty());
    }
}

#[test]
fn one_holder_at_a_time_and_the_lock_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        let held = store.try_lock(&key()).unwrap();
        let LockAttempt::Busy(Some(holder)) = store.try_lock(&key()).unwrap() else {
            panic!("two holders")
        };
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        // Another session, and a write, do not wait for it.
        let other = SessionKey::new("https://other.test", "cli");
        assert!(matches!(
            store.try_lock(&other).unwrap(),
            LockAttempt::Locked(_)
        ));
        store.compare_and_swap(&key(), None, &record()).unwrap();
        drop(held);
        assert!(matches!(
            store.try_lock(&key()).unwrap(),
            LockAttempt::Locked(_)
        ));
        assert!(
            store
                .folder()
                .join(store.refresh_lock_name(&key()))
                .exists()
        );
    }
}

#[test]
fn a_damaged_file_is_moved_aside_and_named() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        store.compare_and_swap(&key(), None, &record()).unwrap();
        let path = store.document_path(&key());
        let half = std::fs::read(&path).unwrap();
        std::fs::write(&path, &half[..half.len() / 2]).unwrap();
        let error = store.load(&key()).unwrap_err();
        let StoreError::Corrupt { moved_to, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(std::fs::read(moved_to).unwrap(), half[..half.len() / 2]);
        assert!(error.to_string().contains(".corrupt-"), "{error}");
        assert!(store.load(&key()).unwrap().is_none());
    }
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::at(folder.path().join("credentials.json"));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let store = &store;
            scope.spawn(move || {
                let key = SessionKey::new(format!("https://{n}.test"), "cli");
                store.compare_and_swap(&key, None, &record()).unwrap();
            });
        }
    });
    assert_eq!(store.list().unwrap().len(), 8);
}

#[test]
fn names_of_applications_stay_inside_the_folder() {
    assert_eq!(file_name("../../etc"), "-..-etc");
    assert_eq!(file_name("acme"), "acme");
    assert_eq!(file_name(".."), "app");
}

#[test]
fn the_home_of_everything_moves_the_state() {
    let state = FileStore::state_dir("hallpass", Some(Path::new("/moved"))).unwrap();
    assert_eq!(state, Path::new("/moved/state"));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_90_files_are_0600_and_folders_0700() {
        let folder = tempfile::tempdir().unwrap();
        for store in stores(folder.path()) {
            store.compare_and_swap(&key(), None, &record()).unwrap();
            drop(store.try_lock(&key()).unwrap());
            assert_eq!(mode(store.folder()), 0o700);
            for path in [
                store.document_path(&key()),
                store.folder().join(store.write_lock_name()),
                store.folder().join(store.refresh_lock_name(&key())),
            ] {
                assert_eq!(mode(&path), 0o600, "{path:?}");
            }
        }
    }

    #[test]
    fn a_90_a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        for store in stores(folder.path()) {
            store.compare_and_swap(&key(), None, &record()).unwrap();
            let path = store.document_path(&key());
            for bits in [0o644, 0o640, 0o604, 0o666] {
                std::fs::set_permissions(&path, PermissionsExt::from_mode(bits)).unwrap();
                let error = store.load(&key()).unwrap_err();
                assert!(matches!(error, StoreError::TooOpen { .. }), "{error}");
                assert!(
                    error.hint().unwrap().contains("chmod 600"),
                    "{:?}",
                    error.hint()
                );
            }
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            assert!(store.load(&key()).unwrap().is_some());
        }
    }

    #[test]
    fn a_90_a_symbolic_link_is_refused_and_its_target_untouched() {
        let folder = tempfile::tempdir().unwrap();
        for store in stores(folder.path()) {
            store.compare_and_swap(&key(), None, &record()).unwrap();
            let path = store.document_path(&key());
            let target = folder.path().join("target");
            std::fs::rename(&path, &target).unwrap();
            symlink(&target, &path).unwrap();
            let before = std::fs::read(&target).unwrap();
            assert!(matches!(
                store.load(&key()),
                Err(StoreError::NotAFile { .. })
            ));
            assert!(store.compare_and_swap(&key(), None, &record()).is_err());
            assert_eq!(std::fs::read(&target).unwrap(), before);
        }
    }

    #[test]
    fn a_90_a_file_of_another_owner_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::at(folder.path().join("credentials.json"));
        store.compare_and_swap(&key(), None, &record()).unwrap();
        // Only root can give a file away; elsewhere the other rows stand.
        if std::os::unix::fs::chown(store.document_path(&key()), Some(65_534), None).is_ok() {
            let error = store.load(&key()).unwrap_err();
            assert!(
                matches!(error, StoreError::OtherOwner { owner: 65_534, .. }),
                "{error}"
            );
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_90_a_folder_that_anybody_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        let error = FileStore::at(open.join("c.json")).compare_and_swap(&key(), None, &record());
        assert!(matches!(error, Err(StoreError::TooOpen { .. })));
    }
}

#[test]
fn what_a_killed_writer_left_is_removed_by_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::in_state_dir(folder.path());
    store.compare_and_swap(&key(), None, &record()).unwrap();
    let put = |name: &str, age: u64| {
        let path = store.folder().join(name);
        let file = File::create(&path).unwrap();
        let now = u64::try_from(SystemClock.now().unix_seconds()).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(now - age);
        file.set_modified(at).unwrap();
        path
    };
    let (old, young) = (put(".hallpass-a.tmp", 90), put(".hallpass-b.tmp", 10));
    let other = put("somebody-elses.tmp", 90);
    let first = store.load(&key()).unwrap().unwrap().generation;
    store
        .compare_and_swap(&key(), Some(first), &record())
        .unwrap();
    assert!(!old.exists() && young.exists() && other.exists());
}
