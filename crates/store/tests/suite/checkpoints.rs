//! The write-ahead log of a file: it is moved into the file beside the writer, and begins anew.

use std::fs;
use std::path::PathBuf;

use hallpass_store::{Store, revocations};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::key;
use crate::records::{ISSUER, now};

/// A page of the log, with its head.
const FRAME: u64 = 4096 + 24;
/// A log of so many pages should begin anew; it must when it has twice as many.
const LONG: u64 = 4_096;

struct File {
    folder: TempDir,
    store: Store,
}

impl File {
    fn create() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("hallpass.db"), key()).unwrap();
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes about so many pages, in many commits, and reads each back.
    async fn write(&self, what: &str, pages: usize) {
        // A text of 60,000 bytes lies in the table and in its index.
        let texts = pages / 30;
        for number in 0..texts {
            let text = format!("{what} {number} {}", "-".repeat(60_000));
            let asked = text.clone();
            let write = self
                .store
                .write(move |tx| revocations::insert_jti(tx, ISSUER, &text, now()));
            write.await.unwrap();
            let read = self
                .store
                .read(move |tx| revocations::is_revoked_jti(tx, ISSUER, &asked));
            assert_eq!(read.await, Ok(true), "{what} {number}");
        }
    }

    fn log_length(&self) -> u64 {
        fs::metadata(self.path("hallpass.db-wal")).unwrap().len() / FRAME
    }

    /// How often the log began anew: <https://www.sqlite.org/fileformat2.html#walformat>
    fn beginnings(&self) -> u32 {
        let log = fs::read(self.path("hallpass.db-wal")).unwrap();
        u32::from_be_bytes(log[12..16].try_into().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_written_without_rest_begins_anew() {
    let file = File::create();
    let before = file.beginnings();
    file.write("text", 16_000).await;
    let (length, beginnings) = (file.log_length(), file.beginnings() - before);
    assert!(length <= 2 * LONG + 1_000, "{length} pages in the log");
    assert!((2..=5).contains(&beginnings), "{beginnings} beginnings");
    let copied = fs::metadata(file.path("hallpass.db")).unwrap().len() / 4096;
    assert!(copied > 8_000, "{copied} pages are in the file already");
    file.store.close().await;
    assert!(!file.path("hallpass.db-wal").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_an_old_state_keeps_the_log_and_loses_nothing() {
    let file = File::create();
    file.write("before", 300).await;
    let old = Connection::open(file.path("hallpass.db")).unwrap();
    let count = || -> u32 {
        old.query_row("SELECT count(*) FROM revocations", [], |row| row.get(0))
            .unwrap()
    };
    old.execute_batch("BEGIN").unwrap();
    let (seen, beginnings) = (count(), file.beginnings());
    file.write("meanwhile", 12_000).await;
    assert_eq!(file.beginnings(), beginnings);
    assert!(file.log_length() > 2 * LONG);
    assert_eq!(count(), seen, "the old state is still whole");
    old.execute_batch("COMMIT").unwrap();
    // The first commit finds the way free, the next one takes it.
    file.write("after", 90).await;
    assert_eq!(file.beginnings(), beginnings + 1);
    assert_eq!(count(), seen + 12_000 / 30 + 3);
    file.store.close().await;
}
