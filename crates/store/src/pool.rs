//! The threads that run jobs on PostgreSQL: one connection each, opened again when it is lost.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use hallpass_protocol::random::{self, SystemRandom};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::database::postgres::{Connection, Failure};
use crate::database::{Access, Context, Job};
use crate::error::StoreError;
use crate::migrations;
use crate::postgres_url::PostgresUrl;
use crate::revocation_feed;
use crate::sealed::{SealingKeys, StoreKey};

/// The jobs that wait, and the threads that run them.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Arc<Queue>,
    /// Ends the look at what other nodes revoke.
    feed: watch::Sender<bool>,
    /// Says nothing, and ends when the last thread has.
    ended: tokio::sync::Mutex<mpsc::Receiver<Infallible>>,
}

/// What the threads share.
struct Queue {
    url: PostgresUrl,
    context: Context,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<(Access, Box<dyn Job>)>,
    closed: bool,
    /// Nobody tries to connect before this.
    down_until: Option<(Instant, StoreError)>,
}

impl Pool {
    /// Connects, brings the tables to this version, and starts the threads.
    pub(crate) async fn open(url: PostgresUrl, sealing: SealingKeys) -> Result<Self, StoreError> {
        let (alive, ended) = mpsc::channel(1);
        let threads = url.connections;
        let queue = Arc::new(Queue {
            url,
            context: Context::of_node(sealing),
            waiting: Mutex::default(),
            arrived: Condvar::new(),
        });
        let (feed, stop) = watch::channel(false);
        let pool = Self {
            queue: Arc::clone(&queue),
            feed,
            ended: tokio::sync::Mutex::new(ended),
        };
        let (report, ready) = oneshot::channel();
        let (first, of_first) = (Arc::clone(&queue), alive.clone());
        spawn(move || {
            let opened = first.open_migrated();
            let answer = opened.as_ref().map(|_| ()).map_err(StoreError::clone);
            if report.send(answer).is_ok()
                && let Ok(connection) = opened
            {
                first.work(Some(connection));
            }
            drop(of_first);
        })?;
        ready.await.map_err(|_| closed())??;
        let (report, ready) = oneshot::channel();
        let (follower, of_feed) = (Arc::clone(&queue), alive.clone());
        spawn(move || {
            revocation_feed::run(&follower.url, &follower.context, stop, report);
            drop(of_feed);
        })?;
        ready.await.map_err(|_| closed())??;
        for _ in 1..threads {
            let (queue, alive) = (Arc::clone(&queue), alive.clone());
            spawn(move || {
                queue.work(None);
                drop(alive);
            })?;
        }
        Ok(pool)
    }

    /// The changes of its tables that a database has; makes none.
    pub(crate) async fn schema(url: PostgresUrl) -> Result<Vec<u32>, StoreError> {
        let (report, answer) = oneshot::channel();
        // A connection brings its own event loop, which cannot live inside another one.
        spawn(move || {
            let look = || {
                // Nothing is sealed or opened.
                let sealing = SealingKeys::derive(StoreKey::from_bytes([0; 32]).into())?;
                let context = Context::of_node(sealing);
                Connection::open(&url)?.write_alone(&context, migrations::applied)
            };
            // Nobody may be waiting any more.
            drop(report.send(look()));
        })?;
        answer.await.map_err(|_| closed())?
    }

    /// Queues a job.
    pub(crate) fn ask(&self, access: Access, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut waiting = self.queue.lock();
        if waiting.closed {
            return Err(closed());
        }
        if waiting.jobs.len() >= LONGEST_QUEUE {
            return Err(StoreError::Unavailable("too many jobs wait".to_owned()));
        }
        waiting.jobs.push_back((access, job));
        drop(waiting);
        self.queue.arrived.notify_one();
        Ok(())
    }

    /// What all jobs share.
    pub(crate) fn context(&self) -> &Context {
        &self.queue.context
    }

    /// Finishes what was asked for, and closes the connections.
    pub(crate) async fn close(&self) {
        self.queue.close();
        self.feed.send_replace(true);
        // Nothing is ever sent: this is the end.
        let _ = self.ended.lock().await.recv().await;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn next(&self) -> Option<(Access, Box<dyn Job>)> {
        let mut waiting = self.lock();
        loop {
            if let Some(next) = waiting.jobs.pop_front() {
                return Some(next);
            }
            if waiting.closed {
                return None;
            }
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self, mut connection: Option<Connection>) {
        while let Some((access, mut job)) = self.next() {
            let run = || self.run(&mut connection, access, job.as_mut());
            let committed = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
                tracing::error!("a thread of the store panicked outside of its job");
                connection = None;
                Err(StoreError::Unavailable("the store panicked".to_owned()))
            });
            job.answer(&committed);
        }
    }

    /// Runs a job, again if what failed it passes by itself.
    fn run(
        &self,
        slot: &mut Option<Connection>,
        access: Access,
        job: &mut dyn Job,
    ) -> Result<(), StoreError> {
        for more in (0..=RETRIES).rev() {
            if slot.as_ref().is_some_and(Connection::is_closed) {
                *slot = None;
            }
            let connection = match slot {
                Some(connection) => connection,
                None => slot.insert(self.connect()?),
            };
            let Err(failure) = connection.run(access, &self.context, job) else {
                return Ok(());
            };
            let Failure {
                error,
                passes,
                lost,
            } = failure;
            if !passes || more == 0 {
                if lost {
                    *slot = None;
                }
                return Err(error);
            }
            tracing::debug!(%error, "a job runs again");
            if lost {
                *slot = None;
            } else {
                // Whoever collided once would collide again without a pause.
                let [dice] = random::bytes(&SystemRandom);
                connection
                    .pause(Duration::from_millis(5) + Duration::from_micros(100) * dice.into());
            }
        }
        Err(closed())
    }

    /// Connects, unless it failed a moment ago: jobs would pile up behind a server that is away.
    fn connect(&self) -> Result<Connection, StoreError> {
        if let Some((until, error)) = &self.lock().down_until
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let opened = Connection::open(&self.url);
        self.lock().down_until = match &opened {
            Ok(_) => None,
            Err(error) => Some((Instant::now() + BREATH, error.clone())),
        };
        opened
    }

    fn open_migrated(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open(&self.url)?;
        let minting = connection.write_alone(&self.context, migrations::run)?;
        self.context.sealing.minting().change(minting);
        Ok(connection)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address has a password in it.
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let builder = thread::Builder::new().name("store-postgres".to_owned());
    match builder.spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!("no thread: {error}"))),
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// A job collides or loses its connection so often before it fails.
const RETRIES: u32 = 2;
/// Jobs beyond this are refused at once.
const LONGEST_QUEUE: usize = 10_000;
/// After a failed connection, jobs fail at once for so long.
const BREATH: Duration = Duration::from_millis(250);
