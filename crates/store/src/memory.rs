//! A database in memory: one connection behind a lock, and no thread of its own.
//!
//! Nothing waits for a disk, a job takes microseconds, and two hops between threads would cost more
//! than the job: so jobs run on the task that asks. A shared-cache URI would allow a second
//! connection but locks whole tables.
//!
//! Whoever wants to write while the lock is taken does not sleep on it: the job is left, and the one
//! with the lock takes all that were left into one more commit.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::database::sqlite::Database;
use crate::database::{Job, Transaction};
use crate::error::StoreError;

/// The database until it is closed, and the jobs that were left for whoever has it.
pub(crate) struct Memory {
    database: Mutex<Option<Database>>,
    left: Mutex<Vec<Box<dyn Job>>>,
}

impl Memory {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database: Mutex::new(Some(database)),
            left: Mutex::default(),
        }
    }

    /// Runs a job that may write, here or wherever the database is in use. After the end it is
    /// dropped unanswered.
    pub(crate) fn write(&self, job: Box<dyn Job>) {
        lock(&self.left).push(job);
        self.run_left();
    }

    /// Runs a job that only reads; `None` after the end.
    pub(crate) fn read<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let database = lock(&self.database);
        let outcome = database.as_ref().map(|database| database.read_alone(job));
        drop(database);
        self.run_left();
        outcome
    }

    /// Ends the database.
    pub(crate) fn close(&self) {
        drop(lock(&self.database).take());
        self.run_left();
    }

    /// Runs what was left, unless somebody else has the lock: they come here after they let it go.
    fn run_left(&self) {
        while !lock(&self.left).is_empty() {
            let database = match self.database.try_lock() {
                Ok(database) => database,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let jobs = std::mem::take(&mut *lock(&self.left));
            if let Some(database) = database.as_ref()
                && !jobs.is_empty()
            {
                // Memory has no fsync that could fail.
                let _ = database.write(jobs);
            }
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// What the locks guard is whole after a panic too: jobs are guarded, the rest does not panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::database::Context;
    use crate::sealed::StoreKey;

    struct Insert(&'static str, Sender<bool>);

    impl Job for Insert {
        fn run(&mut self, tx: &Transaction<'_>) -> bool {
            let insert = "INSERT INTO texts (text) VALUES ($1)";
            tx.execute(insert, &[&self.0]).is_ok()
        }

        fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
            self.1.send(committed.is_ok()).unwrap();
        }
    }

    fn memory() -> Memory {
        let context = Context::alone(StoreKey::from_bytes([1; 32])).unwrap();
        let database = Database::open_in_memory(context).unwrap();
        database
            .write_alone(|tx| tx.migrate("CREATE TABLE texts (text TEXT NOT NULL) STRICT"))
            .unwrap();
        Memory::new(database)
    }

    fn count(memory: &Memory) -> u64 {
        let all = |tx: &Transaction<'_>| tx.count("SELECT count(*) FROM texts", &[]);
        memory.read(all).unwrap().unwrap()
    }

    #[test]
    fn a_job_that_finds_the_lock_taken_is_run_by_whoever_has_it() {
        let memory = memory();
        let (answers, answered) = channel();
        memory
            .read(|_| {
                // This would wait for itself for ever if it slept on the lock.
                memory.write(Box::new(Insert("a", answers.clone())));
                memory.write(Box::new(Insert("b", answers.clone())));
                assert!(answered.try_recv().is_err(), "not while somebody reads");
                Ok(())
            })
            .unwrap()
            .unwrap();
        assert_eq!(answered.try_iter().collect::<Vec<_>>(), [true, true]);
        assert_eq!(count(&memory), 2);
    }

    #[test]
    fn no_job_is_left_behind_by_many_threads() {
        let memory = memory();
        let (answers, answered) = channel();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (memory, answers) = (&memory, answers.clone());
                scope.spawn(move || {
                    for _ in 0..500 {
                        memory.write(Box::new(Insert("a", answers.clone())));
                    }
                });
            }
        });
        assert_eq!(answered.try_iter().filter(|done| *done).count(), 2000);
        assert_eq!(count(&memory), 2000);
    }

    #[test]
    fn after_the_end_nobody_waits() {
        let memory = memory();
        let (answers, answered) = channel();
        memory.close();
        memory.write(Box::new(Insert("a", answers)));
        assert!(answered.recv().is_err(), "dropped, and its channel with it");
        assert!(memory.read(|_| Ok(())).is_none());
    }
}
