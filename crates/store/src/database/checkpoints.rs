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

use super::sqlite::{failed, is_lost};
use crate::error::StoreError;

/// The thread that copies. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Checkpoints {
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

/// The log, as the writer and the thread know it.
#[derive(Debug, Default)]
struct Log {
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
    pub(super) fn start(path: &Path, writer: &mut Connection) -> Result<Self, StoreError> {
        let log = Arc::new(Log::default());
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
        let (is_work, is_end) = (state.has_work(), state.should_end());
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
            while !state.closed && !state.has_work() {
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
    fn has_work(&self) -> bool {
        self.length.saturating_sub(self.copied.max(self.seen)) >= AT_ONCE
    }

    /// Whether the writer should copy the rest, so that the log begins anew.
    fn should_end(&self) -> bool {
        let rest = self.length.saturating_sub(self.copied);
        self.length >= LONG && (rest <= SHORT || self.length >= 2 * LONG)
    }
}

const PAGES_OF_A_MEBIBYTE: u32 = 256;
/// The thread copies so many pages together, as SQLite would.
const AT_ONCE: u32 = 1_000;
/// From here on, 16 MiB, the log should begin anew.
const LONG: u32 = 4_096;
/// The writer copies so few pages without a thought; more only when the log has twice its length, as the
/// disk cannot keep up then.
const SHORT: u32 = 256;
/// The operator is told at each 256 MiB more.
const TOLD: u32 = 65_536;
/// A log that grew beyond this is cut when it begins anew.
const KEPT_BYTES: i64 = 64 << 20;
