//! PostgreSQL: one connection, driven by the thread that uses it.
//!
//! A job is plain code on a thread of its own, and the connection's I/O runs on the same thread
//! while the job waits: no message passes between threads inside a job. Statements whose answer
//! nobody waits for travel with the next one that somebody does, `BEGIN` with the first and the
//! last with `COMMIT`, so that "load, decide, save" takes two round trips.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING>

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use super::{Access, Context, Job, Transaction, Way};
use crate::columns::Value;
use crate::error::StoreError;
use crate::postgres_url::PostgresUrl;

/// One connection, and the runtime that does its I/O.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Arc<Client>,
    runtime: Runtime,
    /// The statements that this connection has prepared, with and without the lock.
    statements: RefCell<HashMap<(&'static str, bool), Statement>>,
    /// When the last job ended.
    rests_since: Cell<Instant>,
}

/// One job on a connection.
pub(super) struct Session<'a> {
    connection: &'a Connection,
    access: Access,
    stage: Cell<Stage>,
    /// What goes out with the next statement that somebody waits for.
    unsent: RefCell<Vec<Pending>>,
    failure: RefCell<Option<Failure>>,
    patience: Cell<Duration>,
}

/// How far a job's transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server has not heard of it.
    Unheard,
    Open,
    /// `COMMIT` is on its way: whether it arrived is known only from the answer.
    Committing,
}

/// Why nothing of a job's work stayed, or why nobody knows.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// Nothing stayed, and another run may do better.
    pub(crate) passes: bool,
    /// The connection is of no more use.
    pub(crate) lost: bool,
}

type Pending = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

impl Connection {
    /// Connects, and sets what every transaction relies on.
    pub(crate) fn open(url: &PostgresUrl) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| StoreError::Unavailable(format!("no event loop: {error}")))?;
        let connect = async {
            let (client, connection) = url.config.connect(url.tls.clone()).await?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(error = %describe(&error), "a connection to PostgreSQL ended");
                }
            });
            client.batch_execute(SETTINGS).await?;
            Ok(client)
        };
        let client = runtime
            .block_on(async { timeout(CONNECT_TIMEOUT, connect).await })
            .map_err(|_| StoreError::Unavailable("no answer while connecting".to_owned()))?
            .map_err(|error: Error| StoreError::Unavailable(describe(&error)))?;
        Ok(Self {
            client: Arc::new(client),
            runtime,
            statements: RefCell::default(),
            rests_since: Cell::new(Instant::now()),
        })
    }

    /// Whether the server has hung up, as far as one can tell without asking it.
    pub(crate) fn is_closed(&self) -> bool {
        if self.rests_since.get().elapsed() < SHORT_REST {
            return self.client.is_closed();
        }
        // The end of a connection waits in the socket until somebody looks: once around for the
        // event, once for the task that reads it.
        self.runtime.block_on(async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        });
        self.client.is_closed()
    }

    /// Runs one job to its end. Without a failure the job's own outcome is the answer.
    pub(crate) fn run(
        &self,
        access: Access,
        context: &Context,
        job: &mut dyn Job,
    ) -> Result<(), Failure> {
        let session = Session::new(self, access);
        let tx = Transaction::new(super::Session::Postgres(&session), context, access);
        let keep = job.run(&tx);
        let revoked = tx.into_revoked();
        let ended = session.end(keep);
        if keep && ended.is_ok() {
            context.revocations.learn(revoked);
        }
        self.rests_since.set(Instant::now());
        ended
    }

    /// Runs a job that may take long, in a transaction of its own.
    pub(crate) fn write_alone<T>(
        &self,
        context: &Context,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let session = Session::new(self, Access::Write);
        session.patience.set(LONG_PATIENCE);
        let tx = Transaction::new(super::Session::Postgres(&session), context, Access::Write);
        let outcome = tx.outcome(job(&tx));
        let ended = session.end(outcome.is_ok());
        ended.map_err(|failure| failure.error).and(outcome)
    }

    /// Waits.
    pub(crate) fn pause(&self, span: Duration) {
        self.runtime.block_on(async { sleep(span).await });
    }
}

impl<'a> Session<'a> {
    fn new(connection: &'a Connection, access: Access) -> Self {
        let session = Self {
            connection,
            access,
            stage: Cell::new(Stage::Unheard),
            unsent: RefCell::default(),
            failure: RefCell::default(),
            patience: Cell::new(PATIENCE),
        };
        if access == Access::Write {
            session.control("BEGIN");
        }
        session
    }

    pub(super) fn execute(
        &self,
        sql: &'static str,
        values: Vec<Value<'_>>,
    ) -> Result<u64, StoreError> {
        let statement = self.prepare(sql, false)?;
        self.wait(self.connection.client.execute_raw(&statement, values))
    }

    pub(super) fn run(&self, sql: &'static str, values: Vec<Value<'_>>) -> Result<(), StoreError> {
        let statement = self.prepare(sql, false)?;
        let client = Arc::clone(&self.connection.client);
        let values: Vec<_> = values.into_iter().map(Value::into_owned).collect();
        self.unsent.borrow_mut().push(Box::pin(async move {
            client.execute_raw(&statement, values).await.map(|_| ())
        }));
        Ok(())
    }

    /// The rows of an answer.
    pub(super) fn query(
        &self,
        sql: &'static str,
        way: Way,
        values: &[Value<'_>],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let statement = self.prepare(sql, way == Way::Lock)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.connection.client.query(&statement, &values);
        if way != Way::AtOnce || !self.is_untouched() {
            return self.wait(rows);
        }
        // The `BEGIN` stays behind. Whether this was done is known only from the answer.
        self.stage.set(Stage::Committing);
        let rows = self.answer(rows)?;
        self.stage.set(Stage::Unheard);
        Ok(rows)
    }

    /// Whether nothing but the `BEGIN` waits to be sent.
    fn is_untouched(&self) -> bool {
        self.stage.get() == Stage::Unheard && self.unsent.borrow().len() == 1
    }

    pub(super) fn migrate(&self, sql: &str) -> Result<(), StoreError> {
        self.wait(self.connection.client.batch_execute(sql))
    }

    fn prepare(&self, sql: &'static str, lock: bool) -> Result<Statement, StoreError> {
        let Connection {
            client, statements, ..
        } = self.connection;
        if let Some(statement) = statements.borrow().get(&(sql, lock)) {
            return Ok(statement.clone());
        }
        let locking = lock.then(|| format!("{sql} FOR NO KEY UPDATE"));
        let statement = self.answer(client.prepare(locking.as_deref().unwrap_or(sql)))?;
        statements
            .borrow_mut()
            .insert((sql, lock), statement.clone());
        Ok(statement)
    }

    fn control(&self, sql: &'static str) {
        let client = Arc::clone(&self.connection.client);
        self.unsent
            .borrow_mut()
            .push(Box::pin(async move { client.batch_execute(sql).await }));
    }

    /// Sends all that was not sent and one statement more, and waits for every answer. The first
    /// failure counts: the server refuses whatever comes after it.
    fn wait<T>(&self, last: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        if self.stage.get() == Stage::Unheard && self.access == Access::Write {
            self.stage.set(Stage::Open);
        }
        self.answer(in_order(self.unsent.take(), last))
    }

    fn answer<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        let answered = self
            .connection
            .runtime
            .block_on(async { timeout(self.patience.get(), answer).await });
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.fail(&error)),
            Err(_) => {
                let error = StoreError::Unavailable("PostgreSQL does not answer".to_owned());
                // Another run would wait as long again.
                Err(self.note(Failure {
                    error,
                    passes: false,
                    lost: true,
                }))
            }
        }
    }

    /// Makes the work stay, or takes it back.
    fn end(&self, keep: bool) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            if !failure.lost {
                self.roll_back()?;
            }
            // What does not pass is the job's own outcome already.
            return if failure.passes || failure.lost {
                Err(failure)
            } else {
                Ok(())
            };
        }
        if self.access == Access::Read {
            return Ok(());
        }
        if !keep {
            return self.roll_back();
        }
        if self.is_untouched() {
            return Ok(());
        }
        self.stage.set(Stage::Committing);
        match self.wait(self.connection.client.batch_execute("COMMIT")) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failure.take().unwrap_or(Failure {
                error,
                passes: false,
                lost: true,
            })),
        }
    }

    fn roll_back(&self) -> Result<(), Failure> {
        self.unsent.take();
        if self.stage.get() != Stage::Open || self.access == Access::Read {
            return Ok(());
        }
        match self.wait(self.connection.client.batch_execute("ROLLBACK")) {
            Ok(()) => Ok(()),
            // The server takes back what a lost connection left open.
            Err(error) => Err(Failure {
                error,
                passes: false,
                lost: true,
            }),
        }
    }

    fn fail(&self, error: &Error) -> StoreError {
        let committing = self.stage.get() == Stage::Committing;
        self.note(match error.as_db_error() {
            Some(cause) => classify(cause, committing),
            None => Failure {
                error: StoreError::Unavailable(describe(error)),
                // A `COMMIT` without an answer may have been done: a second run could undo it.
                passes: !committing,
                lost: true,
            },
        })
    }

    fn note(&self, failure: Failure) -> StoreError {
        let error = failure.error.clone();
        self.failure.borrow_mut().get_or_insert(failure);
        error
    }
}

/// Polls every future for the first time in order, which is what sends it, and then until all of
/// them are done.
async fn in_order<T>(
    mut before: Vec<Pending>,
    last: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut last = pin!(last);
    let (mut failed, mut answer) = (None, None);
    poll_fn(|context| {
        before.retain_mut(|pending| match pending.as_mut().poll(context) {
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(error)) => {
                failed.get_or_insert(error);
                false
            }
            Poll::Pending => true,
        });
        if answer.is_none()
            && let Poll::Ready(done) = last.as_mut().poll(context)
        {
            answer = Some(done);
        }
        match (before.is_empty(), answer.take()) {
            (true, Some(done)) => Poll::Ready(done),
            (_, waiting) => {
                answer = waiting;
                Poll::Pending
            }
        }
    })
    .await
    .and_then(|answer| failed.map_or(Ok(answer), Err))
}

/// What the server's refusal means for the job and for the connection.
fn classify(cause: &DbError, committing: bool) -> Failure {
    let code = cause.code();
    let collided = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ]
    .contains(code);
    // The server goes, or is no longer the one that takes writes: another connection is needed.
    let lost = code.code().starts_with("57P")
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT;
    let error = match code.code().get(..2) {
        Some("23") => StoreError::Conflict,
        Some("XX") => StoreError::Corrupt(reason(cause)),
        _ => StoreError::Unavailable(reason(cause)),
    };
    Failure {
        error,
        passes: collided || (lost && !committing),
        lost,
    }
}

/// The server's words without its detail, which quotes values.
fn reason(cause: &DbError) -> String {
    format!("{} ({})", cause.message(), cause.code().code())
}

/// What went wrong, down to the last cause; neither a password nor a value is part of it.
pub(crate) fn describe(error: &Error) -> String {
    if let Some(cause) = error.as_db_error() {
        return reason(cause);
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What stands in a column; `None` when it is of a kind that we never write.
pub(super) fn value(row: &tokio_postgres::Row, index: usize) -> Option<Value<'_>> {
    let value: Option<Value<'_>> = row.try_get(index).ok()?;
    Some(value.unwrap_or(Value::Null))
}

type AnyError = Box<dyn std::error::Error + Sync + Send>;

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, AnyError> {
        Ok(match *kind {
            Type::INT8 => Value::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BYTEA => Value::Blob(raw.into()),
            _ => Value::Text(<&str>::from_sql(kind, raw)?.into()),
        })
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::BYTEA,
            Type::TEXT,
            Type::VARCHAR,
        ]
        .contains(kind)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        match (self, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Integer(number), &Type::INT8) => number.to_sql(kind, out),
            (Value::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(kind, out),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR) => text.to_sql(kind, out),
            (Value::Blob(bytes), &Type::BYTEA) => bytes.as_ref().to_sql(kind, out),
            _ => Err(format!("a parameter is no {kind}").into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        <Self as FromSql<'_>>::accepts(kind)
    }

    tokio_postgres::types::to_sql_checked!();
}

/// A statement that waits longer than this for a row or for anything ends by itself, and a job
/// that stopped in the middle holds its rows no longer. An answered write must survive a power
/// cut, whatever the database's default is; stricter settings stay.
const SETTINGS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '10s'; \
     SET default_transaction_isolation = 'read committed'; \
     SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') = 'off'";
/// A connection that was in use so shortly ago is taken for a good one.
const SHORT_REST: Duration = Duration::from_millis(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longer than the server's own limits: it speaks first, unless it is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// A migration may wait for another node's.
const LONG_PATIENCE: Duration = Duration::from_mins(10);
