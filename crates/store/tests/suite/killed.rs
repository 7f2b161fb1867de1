//! A process that is killed in the middle of its writes: what it was told is kept, is kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use hallpass_store::{Store, revocations};
use tempfile::TempDir;

use crate::key;
use crate::records::{ISSUER, now};

const ADDRESS: &str = "HALLPASS_TEST_ADDRESS";
const WRITERS: usize = 8;

/// What is written: to a file so much that its log begins anew meanwhile; an entry of an index of
/// PostgreSQL has less room.
fn jti(name: &str, address: &str) -> String {
    let length = if address.starts_with("sqlite:") {
        60_000
    } else {
        2_000
    };
    format!("{name}{}", "-".repeat(length))
}

/// The process that dies. It says what it was told is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs inside the tests below, which kill it"]
async fn writes_until_it_is_killed() {
    let Some(address) = std::env::var_os(ADDRESS) else {
        return;
    };
    let address = address.into_string().unwrap();
    let store = Store::connect(&address, key()).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let (store, address) = (store.clone(), address.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let name = format!("{writer}.{number}");
                let written = jti(&name, &address);
                store
                    .write(move |tx| revocations::insert_jti(tx, ISSUER, &written, now()))
                    .await
                    .unwrap();
                writeln!(std::io::stdout().lock(), "kept {name}").unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// The process dies when it has given so many answers.
async fn nothing_kept_is_lost(address: &str, enough: usize) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["killed::writes_until_it_is_killed", "--exact", "--ignored"])
        .arg("--nocapture")
        .env(ADDRESS, address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let (mut kept, mut line) = (Vec::new(), String::new());
    while output.read_line(&mut line).unwrap() > 0 {
        // A line that was cut off by the death names nobody.
        if let Some(name) = line
            .strip_prefix("kept ")
            .and_then(|line| line.strip_suffix('\n'))
        {
            kept.push(name.to_owned());
        }
        line.clear();
        if kept.len() == enough {
            // SIGKILL; what was said before is still read.
            process.kill().unwrap();
        }
    }
    assert!(!process.wait().unwrap().success());
    assert!(kept.len() >= enough, "{} answers", kept.len());
    let store = Store::connect(address, key()).await.unwrap();
    for name in kept {
        let asked = jti(&name, address);
        let found = store.read(move |tx| revocations::is_revoked_jti(tx, ISSUER, &asked));
        assert_eq!(found.await, Ok(true), "{name}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_file_loses_nothing_when_its_process_is_killed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    nothing_kept_is_lost(&format!("sqlite://{}", path.display()), 700).await;
}

#[cfg(unix)]
#[tokio::test]
async fn postgres_loses_nothing_when_a_node_is_killed() {
    nothing_kept_is_lost(&hallpass_testing::TestPostgres::shared().database(), 300).await;
}
