//! What a job sees of a database: transactions, rows, and the one place that knows that there are
//! two engines. [`sqlite`] and [`postgres`] know one each.

mod checkpoints;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod sqlite_errors;

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, OnceLock};

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::random::{self, SystemRandom};

use crate::columns::{Bind, Column, Value};
use crate::device_news::{self, DeviceNewsSender};
use crate::error::StoreError;
use crate::revocation_watch::{RevocationWatch, Revoked};
use crate::sealed::{Place, SealingKeys, StoreKeys};

/// What a job sees of the database. It reads and writes through the functions of the table files.
pub struct Transaction<'a> {
    session: Session<'a>,
    context: &'a Context,
    access: Access,
    /// What the job revoked; it counts when the job is committed.
    revoked: RefCell<Vec<Revoked>>,
    /// The first statement that failed. PostgreSQL takes no more after one, so neither engine
    /// keeps the work of a job that went on.
    failure: RefCell<Option<StoreError>>,
}

/// What all jobs of a store share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) sealing: SealingKeys,
    pub(crate) revocations: RevocationWatch,
    pub(crate) device_news: DeviceNewsSender,
    /// What this node is called among others, since its start.
    pub(crate) node: [u8; 16],
    /// The changes of the tables that were made when the database was opened.
    pub(crate) migrated: OnceLock<Vec<u32>>,
}

impl Context {
    /// That of a process which has its database to itself.
    pub(crate) fn alone(secrets: impl Into<StoreKeys>) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self {
            sealing: SealingKeys::derive(secrets.into())?,
            revocations: RevocationWatch::alone(),
            device_news: DeviceNewsSender::default(),
            node: random::bytes(&SystemRandom),
            migrated: OnceLock::new(),
        }))
    }

    /// That of one node among others.
    pub(crate) fn of_node(sealing: SealingKeys) -> Self {
        Self {
            sealing,
            revocations: RevocationWatch::of_feed(),
            device_news: DeviceNewsSender::default(),
            node: random::bytes(&SystemRandom),
            migrated: OnceLock::new(),
        }
    }
}

#[derive(Clone, Copy)]
enum Session<'a> {
    Sqlite(&'a sqlite::Database),
    Postgres(&'a postgres::Session<'a>),
}

/// What a job may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The SQL that an engine speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// How a statement that answers rows treats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Look,
    /// The rows are this transaction's until it ends.
    Lock,
    /// The statement is a transaction of its own.
    AtOnce,
}

/// A row of an answer, read column by column from the left.
pub(crate) struct Row<'a> {
    cells: Cells<'a>,
    next: usize,
}

#[derive(Clone, Copy)]
enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// Work that waits for its turn, and then for the commit.
pub(crate) trait Job: Send {
    /// Does the work and keeps the answer; whether the work shall stay. It may be asked again when
    /// nothing of the work before stayed.
    fn run(&mut self, tx: &Transaction<'_>) -> bool;

    /// Gives the answer away, now that the fate of the work is known.
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
}

impl<'a> Transaction<'a> {
    fn new(session: Session<'a>, context: &'a Context, access: Access) -> Self {
        Self {
            session,
            context,
            access,
            revoked: RefCell::default(),
            failure: RefCell::new(None),
        }
    }

    /// Runs a statement that answers no rows; how many rows it touched.
    pub(crate) fn execute(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
    ) -> Result<u64, StoreError> {
        self.may_write()?;
        self.noted(match self.session {
            Session::Sqlite(database) => sqlite::execute(database, sql, parameters),
            Session::Postgres(session) => session.execute(sql, bound(parameters)?),
        })
    }

    /// Runs a statement that changes rows, and shows each as it is then.
    pub(crate) fn change<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
        load: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.may_write()?;
        self.list(sql, parameters, load)
    }

    /// Runs a statement of which nothing but the failure matters, and that may show as late as at
    /// the commit: on a network it costs no round trip of its own.
    pub(crate) fn run(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
    ) -> Result<(), StoreError> {
        self.may_write()?;
        self.noted(match self.session {
            Session::Sqlite(database) => sqlite::execute(database, sql, parameters).map(|_| ()),
            Session::Postgres(session) => session.run(sql, bound(parameters)?),
        })
    }

    /// The first row of an answer, if there is any. A job that may write has the row for itself
    /// until it ends: what it decides from the row still holds when it saves it.
    pub(crate) fn find<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
        load: impl FnOnce(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let way = match self.access {
            Access::Read => Way::Look,
            Access::Write => Way::Lock,
        };
        self.first(sql, parameters, way, load)
    }

    /// Runs a statement that changes one row, if its conditions hold, and answers the row as it is
    /// then. On a network it is a transaction of its own and one round trip: only the first
    /// statement of a job can be this, and a job whose statement changed something ends with it.
    pub(crate) fn change_at_once<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
        load: impl FnOnce(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.may_write()?;
        self.first(sql, parameters, Way::AtOnce, load)
    }

    /// All rows of an answer.
    pub(crate) fn list<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
        mut load: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut records = Vec::new();
        self.rows(sql, parameters, Way::Look, |row| {
            records.push(load(row)?);
            Ok(true)
        })?;
        Ok(records)
    }

    /// The one number that a `SELECT count(*)` answers.
    pub(crate) fn count(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
    ) -> Result<u64, StoreError> {
        let load = |row: &mut Row<'_>| Ok(u64::try_from(row.take::<i64>()?).unwrap_or(0));
        self.first(sql, parameters, Way::Look, load)
            .map(|count| count.unwrap_or(0))
    }

    /// Runs the statements of a migration.
    pub(crate) fn migrate(&self, sql: &str) -> Result<(), StoreError> {
        self.noted(match self.session {
            Session::Sqlite(database) => sqlite::migrate(database, sql),
            Session::Postgres(session) => session.migrate(sql),
        })
    }

    /// Says that device grants changed, so that nobody answers from what they were.
    pub(crate) fn note_device_decision(&self) {
        match self.session {
            Session::Sqlite(database) => database.note_device_decision(),
            // Other nodes decide too: whoever asks is never told that nothing changed.
            Session::Postgres(_) => {}
        }
    }

    /// Tells all nodes, once this is committed, that a device code was decided. It travels with the
    /// next statement, and nobody waits for it.
    pub(crate) fn tell_device_decision(&self, code: &SecretHash) -> Result<(), StoreError> {
        if !self.is_remote() {
            // Whoever decided wakes whoever waits, in the same process.
            return Ok(());
        }
        let payload = device_news::payload(code);
        self.run("SELECT pg_notify('hallpass', $1)", &[&payload])
    }

    /// Says that something is revoked once this is committed: nobody in this process believes in it
    /// from then on.
    pub(crate) fn note_revoked(&self, revoked: Revoked) {
        self.revoked.borrow_mut().push(revoked);
    }

    /// What it revokes.
    fn into_revoked(self) -> Vec<Revoked> {
        self.revoked.into_inner()
    }

    /// Whether each answer is a round trip on a network.
    pub(crate) fn is_remote(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    /// The SQL that migrations are written in here.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.session {
            Session::Sqlite(_) => Dialect::Sqlite,
            Session::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Says which changes of the tables this makes.
    pub(crate) fn note_migrated(&self, versions: Vec<u32>) {
        // A second try finds what the first one made, if it made anything.
        drop(self.context.migrated.set(versions));
    }

    /// The key that seals what must be read back.
    pub(crate) fn sealing(&self) -> &SealingKeys {
        &self.context.sealing
    }

    /// Seals what goes to a place.
    pub(crate) fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealing().seal(place, value)
    }

    /// Opens what was sealed for a place.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealing().open(place, sealed)
    }

    /// What the job came to: nothing, if one of its statements failed.
    pub(crate) fn outcome<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        let answer = answer?;
        self.failure.take().map_or(Ok(answer), Err)
    }

    fn first<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
        way: Way,
        load: impl FnOnce(&mut Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut load, mut first) = (Some(load), None);
        self.rows(sql, parameters, way, |row| {
            first = load.take().map(|load| load(row)).transpose()?;
            Ok(false)
        })?;
        Ok(first)
    }

    /// Shows the rows of an answer, as long as somebody wants the next one.
    fn rows(
        &self,
        sql: &'static str,
        parameters: &[&dyn Bind],
        way: Way,
        mut show: impl FnMut(&mut Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        match self.session {
            // Nobody else writes while a job does, and the batch shares a commit: the way is one.
            Session::Sqlite(database) => {
                let mut statement = self.noted(sqlite::prepare(database, sql, parameters))?;
                let mut rows = statement.raw_query();
                while let Some(row) = self.noted(rows.next().map_err(sqlite_errors::failed))? {
                    if !show(&mut Row::new(Cells::Sqlite(row)))? {
                        break;
                    }
                }
            }
            Session::Postgres(session) => {
                for row in self.noted(session.query(sql, way, &bound(parameters)?))? {
                    if !show(&mut Row::new(Cells::Postgres(&row)))? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn may_write(&self) -> Result<(), StoreError> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(StoreError::Unavailable("a read tried to write".to_owned())),
        }
    }

    fn noted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            self.failure.borrow_mut().get_or_insert(error.clone());
        }
        outcome
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("dialect", &self.dialect())
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl<'a> Row<'a> {
    fn new(cells: Cells<'a>) -> Self {
        Self { cells, next: 0 }
    }

    /// Passes over columns that say nothing here.
    pub(crate) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    /// Reads the next column.
    pub(crate) fn take<T: Column>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        let value = match self.cells {
            Cells::Sqlite(row) => sqlite::value(row, index)?,
            Cells::Postgres(row) => postgres::value(row, index),
        };
        value.and_then(T::read).ok_or_else(|| {
            let column = match self.cells {
                Cells::Sqlite(row) => row.as_ref().column_name(index).ok(),
                Cells::Postgres(row) => row.columns().get(index).map(tokio_postgres::Column::name),
            };
            StoreError::Corrupt(format!(
                "column `{}` holds no {}",
                column.unwrap_or("?"),
                std::any::type_name::<T>()
            ))
        })
    }
}

fn bound<'v>(parameters: &'v [&dyn Bind]) -> Result<Vec<Value<'v>>, StoreError> {
    parameters
        .iter()
        .map(|parameter| storable(parameter.bind()))
        .collect()
}

/// PostgreSQL has no texts with NUL, so neither engine takes one.
fn storable(value: Value<'_>) -> Result<Value<'_>, StoreError> {
    match &value {
        Value::Text(text) if text.as_bytes().contains(&0) => {
            Err(StoreError::Corrupt("a text with NUL".to_owned()))
        }
        _ => Ok(value),
    }
}
