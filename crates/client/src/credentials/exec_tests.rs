//! What a store of a command must withstand.

#![cfg(unix)]

use std::path::PathBuf;

use super::*;
use crate::credentials::record::tests::record;

/// A keeper in a few lines: one file per account beside the script. Its exit is the test's to spoil.
const KEEPER: &str = r#"
folder=$(dirname "$0")
request=$(cat)
field() { printf '%s' "$request" | sed -n "s/.*\"$1\":\"\([0-9a-z]*\)\".*/\1/p"; }
file=$folder/$(field account).kept
case $(field action) in
load)
    if [ -f "$file" ]; then
        printf '{"version":1,"session":%s}' "$(cat "$file")"
    else
        printf '{"version":1,"session":null}'
    fi ;;
save)
    printf '%s' "$request" | sed 's/.*"session":\("\([^"\\]\|\\.\)*"\).*/\1/' >"$file"
    printf '%s' "$request" | sed 's/.*"key":\({[^}]*}\).*/\1/' >"$file.key"
    printf '{"version":1}' ;;
remove)
    rm -f "$file" "$file.key"
    printf '{"version":1}' ;;
list)
    printf '{"version":1,"sessions":[%s]}' "$(cat "$folder"/*.key 2>/dev/null | paste -sd,)" ;;
esac
"#;

struct Keeper {
    folder: tempfile::TempDir,
    store: ExecStore,
}

fn keeper(script: &str) -> Keeper {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keeper");
    std::fs::write(&path, script).unwrap();
    let command = vec!["/bin/sh".to_owned(), path.display().to_string()];
    let store = ExecStore::new(command, &folder.path().join("state"));
    Keeper { folder, store }
}

fn key() -> SessionKey {
    SessionKey::new("https://as.test", "cli").in_profile("work")
}

fn kept(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "kept"))
        .collect()
}

#[test]
fn a_session_is_kept_changed_listed_and_removed_by_a_command() {
    let Keeper { folder, store } = keeper(KEEPER);
    store.prepare().unwrap();
    assert!(
        kept(folder.path()).is_empty(),
        "the self-test left something"
    );
    assert!(store.load(&key()).unwrap().is_none());
    store.remove(&key()).unwrap();
    let first = store.compare_and_swap(&key(), None, &record()).unwrap();
    let found = store.load(&key()).unwrap().unwrap();
    assert_eq!(found.generation, first);
    assert_eq!(found.value.refresh_token, record().refresh_token);
    assert!(matches!(
        store.compare_and_swap(&key(), None, &record()),
        Err(StoreError::Conflict)
    ));
    store
        .compare_and_swap(&key(), Some(first), &record())
        .unwrap();
    assert_eq!(store.list().unwrap(), [key()]);
    store.remove(&key()).unwrap();
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn a_token_larger_than_a_pipe_arrives_whole() {
    let Keeper {
        folder: _folder,
        store,
    } = keeper(KEEPER);
    let mut large = record();
    large.access_token = Some(Secret::new("x".repeat(100_000)));
    store.compare_and_swap(&key(), None, &large).unwrap();
    let found = store.load(&key()).unwrap().unwrap();
    assert_eq!(found.value.access_token, large.access_token);
}

#[test]
fn c_49_secrets_travel_on_standard_input_and_in_no_message() {
    let script = r#"
        cat >"$0.input"
        tr '\0' ' ' </proc/$$/cmdline >"$0.arguments"
        env >"$0.environment"
        printf '{"version":1,"session":"access-canary","canary'
    "#;
    let Keeper { folder, store } = keeper(script);
    let save = store.save(&key(), &Secret::from("refresh-canary"));
    let message = format!("{:?}", save.unwrap_err());
    assert!(!message.contains("canary"), "{message}");
    let read = |end: &str| std::fs::read_to_string(folder.path().join(format!("keeper.{end}")));
    assert!(read("input").unwrap().contains("refresh-canary"));
    for end in ["arguments", "environment"] {
        assert!(!read(end).unwrap().contains("canary"), "{end}");
    }
}

#[test]
fn each_way_to_fail_is_named() {
    for (script, said) in [
        ("cat >/dev/null; exit 3", "exit status: 3"),
        ("exec >&- <&-; exit 0", "not of version 1"),
        ("cat >/dev/null; echo '{\"version\":2}'", "not of version 1"),
        ("cat >/dev/null; echo hello", "not of version 1"),
        (
            "cat >/dev/null; echo '{\"version\":1,\"session\":\"x\"}'",
            "damaged",
        ),
        (
            "cat >/dev/null; head -c 2000000 /dev/zero",
            "exit status|too long|signal",
        ),
    ] {
        let Keeper {
            folder: _folder,
            store,
        } = keeper(script);
        let error = store.load(&key()).unwrap_err();
        let text = error.to_string();
        assert!(said.split('|').any(|said| text.contains(said)), "{text}");
        assert!(error.hint().is_some());
    }
    let folder = tempfile::tempdir().unwrap();
    let store = ExecStore::new(vec!["/no/such/program".to_owned()], folder.path());
    let text = store.load(&key()).unwrap_err().to_string();
    assert!(text.contains("cannot be started"), "{text}");
}

#[test]
fn a_command_that_keeps_nothing_is_found_out_before_a_token_is_lost() {
    let script = "cat >/dev/null; echo '{\"version\":1}'";
    let Keeper {
        folder: _folder,
        store,
    } = keeper(script);
    for failed in [
        store.prepare(),
        store.compare_and_swap(&key(), None, &record()).map(|_| ()),
    ] {
        let text = failed.unwrap_err().to_string();
        assert!(text.contains("does not give back"), "{text}");
    }
}

#[test]
fn a_command_that_hangs_is_ended() {
    let Keeper { folder, mut store } = keeper("echo $$ >\"$0.pid\"; exec sleep 600");
    store.limit = Duration::from_millis(300);
    let text = store.load(&key()).unwrap_err().to_string();
    assert!(text.contains("no answer within"), "{text}");
    let pid = std::fs::read_to_string(folder.path().join("keeper.pid")).unwrap();
    let is_running = Path::new("/proc").join(pid.trim()).exists();
    assert!(!is_running, "pid {pid} was left behind");
}

#[test]
fn c_80_arguments_reach_the_command_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    std::fs::write(
        &path,
        "cat >/dev/null; printf '%s\\n' \"$@\" >\"$0.arguments\"; echo '{\"version\":1}'",
    )
    .unwrap();
    let touched = folder.path().join("touched");
    let nasty = format!(";touch {} $(touch {0}) `touch {0}`", touched.display());
    let command = vec!["/bin/sh".to_owned(), path.display().to_string(), nasty];
    let store = ExecStore::new(command.clone(), folder.path());
    store.load(&key()).unwrap();
    assert!(!touched.exists());
    let seen = std::fs::read_to_string(folder.path().join("script.arguments")).unwrap();
    assert_eq!(seen.trim_end(), command[2]);
}

#[test]
fn one_refreshes_at_a_time_whatever_the_command_does() {
    let Keeper {
        folder: _folder,
        store,
    } = keeper("exit 1");
    let held = store.try_lock(&key()).unwrap();
    assert!(matches!(
        store.try_lock(&key()).unwrap(),
        LockAttempt::Busy(_)
    ));
    drop(held);
    assert!(matches!(
        store.try_lock(&key()).unwrap(),
        LockAttempt::Locked(_)
    ));
}
