//! What moves the write-ahead log of a file into the file, beside the writer.
//!
//! By itself SQLite does that in the commit that makes the log 1,000 pages long, and all who write wait.
//! Among millions of rows nearly each of these pages is another one. Here a thread with a connection of
//! its own copies them. A log of which all is copied begins anew with the next commit; as the writer
//! never rests under load, it copies the few pages that came meanwhile itself, once the log is long.
//!
//! <https://www.sqlite.org/wal.html#ckpt>

use std::ffi::c_int;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, DEFAULT_NAME, Error, ErrorCode};

use super::sqlite_errors::{failed, is_lost};
use crate::error::StoreError;

/// The thread that copies. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Checkpoints {
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

/// When something is done, in pages of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The thread copies so many together. Pages that changed several times are copied once, and while it
    /// waits for the disk, the writer waits longer too: the fewer such times, the better.
    at_once: u32,
    /// From here on the log should begin anew.
    long: u32,
    /// The writer copies so few without a thought; more only when the log has twice its length, as the
    /// disk cannot keep up then.
    short: u32,
}

impl Limits {
    /// 32 and 64 MiB, and 1 MiB. Logs of a quarter of that made the slowest refreshes among millions of
    /// rows 1.6 times as slow.
    pub(super) const OF_FILE: Self = Self {
        at_once: 8_192,
        long: 16_384,
        short: 256,
    };
}

/// The log, as the writer and the thread know it.
#[derive(Debug)]
struct Log {
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
}

/// Numbers are pages of the log.
#[derive(Debug, Default)]
struct State {
    /// As long as it was after the last commit.
    length: u32,
    /// So many of the first ones are in the file.
    copied: u32,
    /// So long it was when the thread last looked. Somebody who reads an old snapshot can keep it from
    /// copying, and then looking again at once would not help.
    seen: u32,
    /// So long it was when the operator was last told of its length.
    told: u32,
    lost: bool,
    closed: bool,
}

impl Checkpoints {
    /// Takes the checkpoints of the one connection that writes a file.
    pub(super) fn start(
        path: &Path,
        writer: &mut Connection,
        limits: Limits,
    ) -> Result<Self, StoreError> {
        let log = Arc::new(Log {
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let connection = Connection::open(path).map_err(failed)?;
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = 1")
            .map_err(failed)?;
        let of_thread = Arc::clone(&log);
        let thread = thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || of_thread.copy_beside(&connection))
            .map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        let of_writer = Arc::clone(&log);
        // A hook takes the place of the automatic checkpoint.
        let hook = move |wal: &mut Wal, length: c_int| {
            of_writer.committed(wal, length.try_into().unwrap_or(0));
            Ok(())
        };
        let started = Self {
            log,
            thread: Some(thread),
        };
        writer.wal_hook(Some(hook)).map_err(failed)?;
        writer
            .pragma_update(None, "journal_size_limit", KEPT_BYTES)
            .map_err(failed)?;
        Ok(started)
    }

    /// Whether the disk did not confirm a copy.
    pub(super) fn have_lost(&self) -> bool {
        self.log.lock().lost
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.log.lock().closed = true;
        self.log.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked copies no more; the writer's last act is a checkpoint.
            drop(thread.join());
        }
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After each commit, in the writer.
    fn committed(&self, wal: &mut Wal, length: u32) {
        let mut state = self.lock();
        state.grow(length);
        let (is_work, is_end) = (state.has_work(self.limits), state.should_end(self.limits));
        drop(state);
        if is_work {
            self.changed.notify_one();
        }
        if is_end {
            self.copied(wal.checkpoint_v2(CheckpointMode::PASSIVE));
        }
    }

    /// Copies whenever there is enough, until the end.
    fn copy_beside(&self, connection: &Connection) {
        loop {
            let mut state = self.lock();
            while !state.closed && !state.has_work(self.limits) {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if state.closed {
                break;
            }
            state.seen = state.length;
            drop(state);
            // A pass holds no lock that the writer wants.
            self.copied(connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE));
        }
    }

    /// How long the log was, and how much of it is in the file now.
    fn copied(&self, outcome: Result<(c_int, c_int), Error>) {
        match outcome {
            Ok((length, copied)) => {
                if let (Ok(length), Ok(copied)) = (length.try_into(), copied.try_into()) {
                    self.lock().copy(length, copied);
                }
            }
            // The other side copies.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => (),
            Err(error) => {
                tracing::warn!(%error, "the log of the database was not moved into its file");
                self.lock().lost |= is_lost(&error);
            }
        }
    }
}

impl State {
    fn grow(&mut self, length: u32) {
        if length < self.length {
            // It began anew.
            (self.copied, self.seen, self.told) = (0, 0, 0);
        }
        self.length = length;
    }

    fn copy(&mut self, length: u32, copied: u32) {
        // A log that began anew meanwhile has nothing of it.
        if copied <= self.length {
            self.copied = copied;
        }
        if copied < length && length >= self.told + TOLD {
            self.told = length;
            let mebibytes = length / PAGES_OF_A_MEBIBYTE;
            tracing::warn!(
                mebibytes,
                "somebody reads an old state of the database, and its log grows"
            );
        }
    }

    /// Whether the thread should look.
    fn has_work(&self, limits: Limits) -> bool {
        self.length.saturating_sub(self.copied.max(self.seen)) >= limits.at_once
    }

    /// Whether the writer should copy the rest, so that the log begins anew.
    fn should_end(&self, limits: Limits) -> bool {
        let rest = self.length.saturating_sub(self.copied);
        self.length >= limits.long && (rest <= limits.short || self.length >= 2 * limits.long)
    }
}

const PAGES_OF_A_MEBIBYTE: u32 = 256;
/// The operator is told at each 256 MiB more.
const TOLD: u32 = 256 * PAGES_OF_A_MEBIBYTE;
/// A log that grew beyond this is cut when it begins anew.
const KEPT_BYTES: i64 = 128 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const LIMITS: Limits = Limits {
        at_once: 100,
        long: 400,
        short: 50,
    };
    /// A page of the log, with its head.
    const FRAME: u64 = 4096 + 24;

    struct File {
        // Ends before the connection.
        _checkpoints: Checkpoints,
        writer: Connection,
        folder: TempDir,
    }

    impl File {
        fn create() -> Self {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("a.db");
            let mut writer = Connection::open(&path).unwrap();
            writer
                .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE texts (text TEXT)")
                .unwrap();
            Self {
                _checkpoints: Checkpoints::start(&path, &mut writer, LIMITS).unwrap(),
                writer,
                folder,
            }
        }

        /// Writes about so many pages, ten in a commit.
        fn write(&self, pages: usize) {
            for number in 0..pages / 10 {
                let text = format!("{number:06} {}", "-".repeat(9 * 4096));
                self.writer
                    .execute("INSERT INTO texts (text) VALUES (?1)", [text])
                    .unwrap();
            }
        }

        fn log_length(&self) -> u64 {
            fs::metadata(self.folder.path().join("a.db-wal"))
                .unwrap()
                .len()
                / FRAME
        }

        /// How often the log began anew: <https://www.sqlite.org/fileformat2.html#walformat>
        fn beginnings(&self) -> u32 {
            let log = fs::read(self.folder.path().join("a.db-wal")).unwrap();
            u32::from_be_bytes(log[12..16].try_into().unwrap())
        }
    }

    fn count(connection: &Connection) -> u32 {
        connection
            .query_row("SELECT count(*) FROM texts", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_log_that_is_written_without_rest_begins_anew() {
        let file = File::create();
        file.write(4_000);
        let (length, beginnings) = (file.log_length(), file.beginnings());
        assert!(length <= 2 * 400 + 20, "{length} pages in the log");
        assert!((4..=12).contains(&beginnings), "{beginnings} beginnings");
        let copied = fs::metadata(file.folder.path().join("a.db")).unwrap().len() / 4096;
        assert!(copied >= 3_000, "{copied} pages are in the file already");
        assert_eq!(count(&file.writer), 400);
    }

    #[test]
    fn whoever_reads_an_old_state_keeps_the_log_and_loses_nothing() {
        let file = File::create();
        file.write(50);
        let old = Connection::open(file.folder.path().join("a.db")).unwrap();
        old.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&old), 5);
        file.write(2_000);
        assert_eq!(file.beginnings(), 0);
        assert!(file.log_length() > 2_000);
        assert_eq!(count(&old), 5, "the old state is still whole");
        old.execute_batch("COMMIT").unwrap();
        // The first commit finds the way free, the next one takes it.
        file.write(20);
        assert_eq!(file.beginnings(), 1);
        assert_eq!(count(&old), 207);
    }

    #[test]
    fn a_file_that_is_closed_needs_no_log() {
        let file = File::create();
        file.write(300);
        let File {
            _checkpoints: checkpoints,
            writer,
            folder,
        } = file;
        drop(checkpoints);
        drop(writer);
        assert!(!folder.path().join("a.db-wal").exists());
        assert_eq!(
            count(&Connection::open(folder.path().join("a.db")).unwrap()),
            30
        );
    }

    #[test]
    fn a_log_that_began_anew_owes_nothing_to_the_one_before() {
        let mut state = State::default();
        state.grow(500);
        state.copy(500, 480);
        assert!(state.should_end(LIMITS) && !state.has_work(LIMITS));
        state.grow(10);
        // A pass over the old log ends late.
        state.copy(500, 500);
        assert_eq!((state.copied, state.seen), (0, 0));
        state.grow(110);
        assert!(state.has_work(LIMITS) && !state.should_end(LIMITS));
        // Somebody keeps it: it is looked at again when it has grown, and not at once.
        state.seen = 110;
        state.copy(110, 20);
        assert!(!state.has_work(LIMITS));
        state.grow(210);
        assert!(state.has_work(LIMITS));
    }
}
