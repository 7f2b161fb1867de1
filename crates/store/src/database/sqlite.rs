//! SQLite: how it is opened, what a transaction is, how several of them share one commit.
//!
//! <https://www.sqlite.org/wal.html>, <https://www.sqlite.org/lang_savepoint.html>

use std::borrow::Cow;
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ffi};

use super::checkpoints::{Checkpoints, Limits};
use super::sqlite_errors::{failed, is_lost, unavailable};
use super::{Access, Context, Job, Session, Transaction, storable};
use crate::columns::{Bind, Value};
use crate::error::StoreError;
use crate::revocation_watch::Revoked;

/// One connection.
#[derive(Debug)]
pub(crate) struct Database {
    /// Of the writer of a file. They end before its connection, which closes the log as the last one.
    checkpoints: Option<Checkpoints>,
    connection: Connection,
    context: Arc<Context>,
    decisions: Arc<AtomicU64>,
    has_decided: Cell<bool>,
}

/// Whether a database may still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    /// An fsync failed. A second one can lie; opening the file again recovers from its log.
    Lost,
}

impl Database {
    /// A database that dies with its connection.
    pub(crate) fn open_in_memory(context: Arc<Context>) -> Result<Self, StoreError> {
        Self::new(Connection::open_in_memory().map_err(failed)?, context)
    }

    /// The one connection that writes a file.
    pub(crate) fn open_writer(path: &Path, context: Arc<Context>) -> Result<Self, StoreError> {
        let mut database = Self::new(Connection::open(path).map_err(failed)?, context)?;
        let mode: String = database
            .connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(failed)?;
        if mode != "wal" {
            return Err(StoreError::Unavailable(format!(
                "journal mode `wal` was refused for `{mode}`"
            )));
        }
        // An answered write must survive a power cut; `fullfsync` is what that takes on macOS.
        database.set("PRAGMA synchronous = FULL; PRAGMA fullfsync = 1")?;
        database.checkpoints = Some(Checkpoints::start(
            path,
            &mut database.connection,
            Limits::OF_FILE,
        )?);
        Ok(database)
    }

    /// A connection that only reads a file which a writer has opened.
    pub(crate) fn open_reader(path: &Path, context: Arc<Context>) -> Result<Self, StoreError> {
        let database = Self::new(Connection::open(path).map_err(failed)?, context)?;
        database.set("PRAGMA query_only = 1")?;
        Ok(database)
    }

    fn new(connection: Connection, context: Arc<Context>) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        let database = Self {
            checkpoints: None,
            connection,
            context,
            decisions: Arc::default(),
            has_decided: Cell::default(),
        };
        database.set("PRAGMA foreign_keys = 1; PRAGMA trusted_schema = 0")?;
        Ok(database)
    }

    /// How often device grants were decided, as long as the database lives.
    pub(crate) fn decisions(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.decisions)
    }

    /// Runs one job on a snapshot of its own.
    pub(crate) fn read<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.control("BEGIN")?;
        let outcome = self.read_alone(job);
        self.control("COMMIT")
            .or_else(|error| self.roll_back().and(Err(error)))?;
        outcome
    }

    /// Runs one job while nobody else can reach the database: no snapshot is needed.
    pub(crate) fn read_alone<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = self.transaction(Access::Read);
        tx.outcome(job(&tx))
    }

    /// Runs one job in a transaction of its own, before there are others.
    pub(crate) fn write_alone<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.control("BEGIN IMMEDIATE")?;
        let tx = self.transaction(Access::Write);
        let outcome = tx
            .outcome(job(&tx))
            .and_then(|answer| self.control("COMMIT").map(|()| answer));
        outcome.or_else(|error| self.roll_back().and(Err(error)))
    }

    /// Runs the jobs in one transaction, each in a savepoint, and answers them after the commit.
    pub(crate) fn write(&self, mut jobs: Vec<Box<dyn Job>>) -> Health {
        let (committed, is_lost) = match self.write_all(&mut jobs) {
            Ok(revoked) => {
                self.context.revocations.learn(revoked);
                let checkpoints = self.checkpoints.as_ref();
                (Ok(()), checkpoints.is_some_and(Checkpoints::have_lost))
            }
            Err(error) => {
                // Whatever is still open goes; the answer is the first error.
                drop(self.roll_back());
                (Err(unavailable(&error)), is_lost(&error))
            }
        };
        // Counted after the commit and before anybody hears of it.
        if self.has_decided.take() {
            self.decisions.fetch_add(1, Ordering::AcqRel);
        }
        for job in jobs {
            job.answer(&committed);
        }
        if is_lost { Health::Lost } else { Health::Good }
    }

    /// Runs the jobs; what they revoked.
    fn write_all(&self, jobs: &mut [Box<dyn Job>]) -> Result<Vec<Revoked>, rusqlite::Error> {
        self.step("BEGIN IMMEDIATE")?;
        // A job alone needs no savepoint: its failure is the transaction's.
        if let [job] = jobs {
            let kept = self.run(job.as_mut())?;
            self.step(if kept.is_some() { "COMMIT" } else { "ROLLBACK" })?;
            return Ok(kept.unwrap_or_default());
        }
        let mut revoked = Vec::new();
        for job in jobs {
            self.step("SAVEPOINT job")?;
            match self.run(job.as_mut())? {
                Some(kept) => revoked.extend(kept),
                None => self.step("ROLLBACK TO job")?,
            }
            self.step("RELEASE job")?;
        }
        self.step("COMMIT")?;
        Ok(revoked)
    }

    /// Runs a job; what it revoked, if its work shall stay.
    fn run(&self, job: &mut dyn Job) -> Result<Option<Vec<Revoked>>, rusqlite::Error> {
        let tx = self.transaction(Access::Write);
        let keep = job.run(&tx);
        self.refuse_autocommit()?;
        Ok(keep.then(|| tx.into_revoked()))
    }

    /// FULL, IOERR, NOMEM, BUSY and INTERRUPT can roll back everything, earlier jobs too: what follows
    /// would be committed alone. <https://www.sqlite.org/lang_transaction.html>
    fn refuse_autocommit(&self) -> Result<(), rusqlite::Error> {
        if self.connection.is_autocommit() {
            return Err(rusqlite::Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK),
                Some("the database rolled the whole batch back".to_owned()),
            ));
        }
        Ok(())
    }

    /// Says that device grants changed, so that nobody answers from what they were.
    pub(super) fn note_device_decision(&self) {
        self.has_decided.set(true);
    }

    fn transaction(&self, access: Access) -> Transaction<'_> {
        Transaction::new(Session::Sqlite(self), &self.context, access)
    }

    fn roll_back(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.control("ROLLBACK")
        }
    }

    fn control(&self, sql: &'static str) -> Result<(), StoreError> {
        self.step(sql).map_err(failed)
    }

    fn step(&self, sql: &'static str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    fn set(&self, pragmas: &'static str) -> Result<(), StoreError> {
        self.connection.execute_batch(pragmas).map_err(failed)
    }
}

/// The changes of its tables that a database has.
pub(crate) fn applied(connection: &Connection) -> Result<Vec<u32>, StoreError> {
    let has_any = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'",
            [],
            |row| row.get::<_, i64>(0),
        )
        .map_err(failed)?;
    if has_any == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare("SELECT version FROM schema_version ORDER BY version")
        .map_err(failed)?;
    let versions = statement.query_map([], |row| row.get(0)).map_err(failed)?;
    versions.collect::<Result<_, _>>().map_err(failed)
}

/// Runs a statement that answers no rows; how many rows it touched.
pub(super) fn execute(
    database: &Database,
    sql: &'static str,
    parameters: &[&dyn Bind],
) -> Result<u64, StoreError> {
    let mut statement = prepare(database, sql, parameters)?;
    let rows = statement.raw_execute().map_err(failed)?;
    Ok(rows.try_into().unwrap_or(u64::MAX))
}

/// A statement with its values, ready to run.
pub(super) fn prepare<'c>(
    database: &'c Database,
    sql: &'static str,
    parameters: &[&dyn Bind],
) -> Result<CachedStatement<'c>, StoreError> {
    let mut statement = database.connection.prepare_cached(sql).map_err(failed)?;
    for (index, parameter) in parameters.iter().enumerate() {
        // SQLite numbers `$1`, `$2`, … in the order of first use.
        statement
            .raw_bind_parameter(index + 1, storable(parameter.bind())?)
            .map_err(failed)?;
    }
    Ok(statement)
}

/// Runs the statements of a migration.
pub(super) fn migrate(database: &Database, sql: &str) -> Result<(), StoreError> {
    database.connection.execute_batch(sql).map_err(failed)
}

/// What stands in a column; `None` when it is of a kind that we never write.
pub(super) fn value<'r>(
    row: &'r rusqlite::Row<'_>,
    index: usize,
) -> Result<Option<Value<'r>>, StoreError> {
    Ok(match row.get_ref(index).map_err(failed)? {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(number) => Some(Value::Integer(number)),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .ok()
            .map(|text| Value::Text(text.into())),
        ValueRef::Blob(bytes) => Some(Value::Blob(bytes.into())),
        ValueRef::Real(_) => None,
    })
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(Cow::Borrowed(text)) => ValueRef::Text(text.as_bytes()),
            Value::Text(Cow::Owned(text)) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use crate::sealed::StoreKey;

    use super::*;

    type Work = fn(&Transaction<'_>) -> Result<(), StoreError>;

    struct Probe {
        work: Work,
        outcome: Result<(), StoreError>,
        answers: Sender<Result<(), StoreError>>,
    }

    impl Job for Probe {
        fn run(&mut self, tx: &Transaction<'_>) -> bool {
            self.outcome = (self.work)(tx);
            self.outcome.is_ok()
        }

        fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
            self.answers
                .send(committed.clone().and(self.outcome))
                .unwrap();
        }
    }

    fn database() -> Database {
        let context = Context::alone(StoreKey::from_bytes([1; 32])).unwrap();
        let database = Database::open_in_memory(context).unwrap();
        database
            .set(
                "CREATE TABLE parents (id INTEGER PRIMARY KEY);
                 CREATE TABLE children (parent INTEGER NOT NULL
                     REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
                 CREATE TABLE texts (text TEXT NOT NULL UNIQUE) STRICT",
            )
            .unwrap();
        database
    }

    /// Whether each job was told that it is done.
    fn batch(database: &Database, jobs: &[Work]) -> Vec<bool> {
        let (answers, answered) = channel();
        let outcome = || Err(StoreError::Conflict);
        let probes = jobs.iter().map(|work| -> Box<dyn Job> {
            Box::new(Probe {
                work: *work,
                outcome: outcome(),
                answers: answers.clone(),
            })
        });
        assert_eq!(database.write(probes.collect()), Health::Good);
        answered.try_iter().map(|answer| answer.is_ok()).collect()
    }

    fn count(database: &Database) -> u64 {
        database
            .read(|tx| tx.count("SELECT count(*) FROM texts", &[]))
            .unwrap()
    }

    const A: Work = |tx| {
        tx.execute("INSERT INTO texts (text) VALUES ($1)", &[&"a"])
            .map(|_| ())
    };
    const B: Work = |tx| {
        tx.execute("INSERT INTO texts (text) VALUES ($1)", &[&"b"])
            .map(|_| ())
    };
    const ROLLS_BACK: Work = |tx| tx.migrate("ROLLBACK");
    const ORPHAN: Work = |tx| tx.migrate("INSERT INTO children (parent) VALUES (7)");
    const HUGE: Work = |tx| {
        let huge = "x".repeat(1 << 20);
        tx.execute("INSERT INTO texts (text) VALUES ($1)", &[&huge])
            .map(|_| ())
    };

    #[test]
    fn a_job_that_fails_takes_only_its_own_work_back() {
        let database = database();
        let half: Work = |tx| {
            tx.execute("INSERT INTO texts (text) VALUES ('half')", &[])?;
            A(tx)
        };
        assert_eq!(batch(&database, &[A, half, B]), [true, false, true]);
        assert_eq!(count(&database), 2);
    }

    #[test]
    fn a_batch_that_was_rolled_back_fails_as_a_whole() {
        let database = database();
        assert_eq!(batch(&database, &[A, ROLLS_BACK, B]), [false, false, false]);
        assert_eq!(
            count(&database),
            0,
            "nothing after the roll-back was committed alone"
        );
        assert_eq!(batch(&database, &[A, B]), [true, true]);
    }

    #[test]
    fn a_commit_that_fails_fails_the_batch() {
        let database = database();
        assert_eq!(batch(&database, &[A, ORPHAN, B]), [false, false, false]);
        assert_eq!(count(&database), 0);
        assert_eq!(batch(&database, &[A, B]), [true, true]);
    }

    #[test]
    fn a_full_disk_loses_nothing_that_was_answered() {
        let database = database();
        database.set("PRAGMA max_page_count = 20").unwrap();
        let answers = batch(&database, &[A, HUGE, B]);
        assert_eq!(answers.get(1), Some(&false));
        let done = answers.iter().filter(|done| **done).count();
        assert_eq!(count(&database), u64::try_from(done).unwrap());
        database.set("PRAGMA max_page_count = 10000").unwrap();
        assert_eq!(batch(&database, &[HUGE]), [true]);
    }

    #[test]
    fn a_wrong_kind_of_value_names_its_column_and_not_the_value() {
        let database = database();
        assert_eq!(batch(&database, &[A]), [true]);
        let load = |row: &mut crate::database::Row<'_>| row.take::<i64>();
        let read = database.read(|tx| tx.find("SELECT text FROM texts", &[], load));
        assert_eq!(
            read,
            Err(StoreError::Corrupt("column `text` holds no i64".to_owned()))
        );
    }
}
