//! The store: who runs the jobs. A file has one writer thread and two readers, PostgreSQL a thread
//! for each connection; memory has none.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use hallpass_issuer::tokens::minting_key::MintingKey;
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, KeyId};
use tokio::sync::oneshot;

use crate::database::sqlite::{Database, Health};
use crate::database::{Access, Context, Job, Transaction};
use crate::device_news::DeviceNews;
use crate::error::StoreError;
use crate::lock_file;
use crate::memory::Memory;
use crate::migrations::{self, Schema};
use crate::nodes;
use crate::pool::Pool;
use crate::postgres_url::PostgresUrl;
use crate::revocation_feed;
use crate::revocation_watch::RevocationWatch;
use crate::ring_keys;
use crate::sealed::{SealingKeys, StoreKeys};

/// The records of the issuers, in memory, in a file or on a server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Arc<Engine>,
    decisions: Arc<AtomicU64>,
    live_nodes: Arc<AtomicU32>,
}

#[derive(Debug)]
enum Engine {
    Memory {
        memory: Memory,
        context: Arc<Context>,
    },
    File {
        context: Arc<Context>,
        writes: Sender<Message<Box<dyn Job>>>,
        reads: Sender<Message<ReadJob>>,
    },
    Server(Pool),
}

enum Message<J> {
    Job(J),
    /// Finish what was asked before, then say that everything is closed.
    Stop(oneshot::Sender<()>),
}

type ReadJob = Box<dyn FnOnce(&Database) + Send>;

impl Store {
    /// A store at an address: `sqlite::memory:`, `sqlite:///absolute/path`, `sqlite:relative/path`
    /// or `postgres://user@host/database`. Many processes may use one PostgreSQL database.
    pub async fn connect(url: &str, secrets: impl Into<StoreKeys>) -> Result<Self, StoreError> {
        let secrets = secrets.into();
        if PostgresUrl::is_one(url) {
            let sealing = SealingKeys::derive(secrets)?;
            let pool = Pool::open(PostgresUrl::parse(url)?, sealing).await?;
            return Ok(Self {
                engine: Arc::new(Engine::Server(pool)),
                decisions: Arc::default(),
                live_nodes: Arc::default(),
            });
        }
        match url.strip_prefix("sqlite:") {
            Some(":memory:") => Self::open_in_memory(secrets),
            Some(place) => {
                let path = place.strip_prefix("//").unwrap_or(place);
                Self::open(Path::new(path), secrets)
            }
            None => Err(StoreError::Unavailable(
                "a database is `sqlite:///path/to/file` or `postgres://user@host/name`".to_owned(),
            )),
        }
    }

    /// How far the tables at an address are; changes nothing. A database that is not there yet has
    /// no tables.
    pub async fn schema(url: &str) -> Result<Schema, StoreError> {
        if PostgresUrl::is_one(url) {
            return Pool::schema(PostgresUrl::parse(url)?).await.map(Schema::of);
        }
        let place = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = Path::new(place.strip_prefix("//").unwrap_or(place));
        let applied = if path.exists() {
            crate::database::sqlite::applied(&crate::backup::open(path)?)?
        } else {
            Vec::new()
        };
        Ok(Schema::of(applied))
    }

    /// A store that lives as long as its last clone.
    pub fn open_in_memory(secrets: impl Into<StoreKeys>) -> Result<Self, StoreError> {
        let context = Context::alone(secrets)?;
        let database = Database::open_in_memory(Arc::clone(&context))?;
        let minting = database.write_alone(migrations::run)?;
        context.sealing.minting().change(minting);
        Ok(Self {
            decisions: database.decisions(),
            live_nodes: Arc::default(),
            engine: Arc::new(Engine::Memory {
                memory: Memory::new(database),
                context,
            }),
        })
    }

    /// A store in a file. One process may have it open; a lock file beside it sees to that.
    pub fn open(path: &Path, secrets: impl Into<StoreKeys>) -> Result<Self, StoreError> {
        let context = Context::alone(secrets)?;
        let lock = lock_file::take(path)?;
        lock_file::open_private(path)?;
        let database = Database::open_writer(path, Arc::clone(&context))?;
        let minting = database.write_alone(migrations::run)?;
        context.sealing.minting().change(minting);
        let decisions = database.decisions();

        let (reads, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..READERS {
            let reader = Database::open_reader(path, Arc::clone(&context))?;
            let queue = Arc::clone(&queue);
            spawn("store-read", move || run_reads(reader, &queue))?;
        }
        let (writes, queue) = channel();
        spawn("store-write", move || run_writes(database, &queue, lock))?;
        Ok(Self {
            engine: Arc::new(Engine::File {
                context,
                writes,
                reads,
            }),
            decisions,
            live_nodes: Arc::default(),
        })
    }

    /// A store of which nothing can be written, at an address as for [`Store::connect`]. A file may have
    /// a server beside it; its tables stay as they are.
    pub async fn connect_to_read(
        url: &str,
        secrets: impl Into<StoreKeys>,
    ) -> Result<Self, StoreError> {
        let secrets = secrets.into();
        let Some(place) = url.strip_prefix("sqlite:") else {
            return Self::connect(url, secrets).await;
        };
        let path = Path::new(place.strip_prefix("//").unwrap_or(place));
        let schema = Self::schema(url).await?;
        if let Some((version, _)) = schema.pending.first() {
            return Err(StoreError::Migration(format!(
                "its tables lack version {version}, and this command changes nothing"
            )));
        }
        let context = Context::alone(secrets)?;
        let (reads, queue) = channel();
        let database = Database::open_reader(path, Arc::clone(&context))?;
        let decisions = database.decisions();
        let queue = Mutex::new(queue);
        spawn("store-read", move || run_reads(database, &queue))?;
        // Nobody takes what is to be written.
        let (writes, _) = channel();
        Ok(Self {
            engine: Arc::new(Engine::File {
                context,
                writes,
                reads,
            }),
            decisions,
            live_nodes: Arc::default(),
        })
    }

    /// Runs a job that may write. It is answered when its work is committed; when it returns an
    /// error, nothing of its work stays.
    ///
    /// A caller that stops waiting does not stop the job. A job that collided with another node's
    /// runs again from its beginning, so it changes nothing but the database.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, answer) = Work::new(job);
        match &*self.engine {
            Engine::Memory { memory, .. } => memory.write(job),
            Engine::File { writes, .. } => {
                writes.send(Message::Job(job)).map_err(|_| closed())?;
            }
            Engine::Server(pool) => pool.ask(Access::Write, job)?,
        }
        answer.await.map_err(|_| closed())?
    }

    /// How often device grants were decided or removed: as long as this number stays, what was read
    /// of them holds. On a server other nodes decide too, so there it never stays.
    pub fn device_decisions(&self) -> u64 {
        match &*self.engine {
            Engine::Memory { .. } | Engine::File { .. } => self.decisions.load(Ordering::Acquire),
            Engine::Server(_) => self.decisions.fetch_add(1, Ordering::AcqRel),
        }
    }

    /// Runs a job that only reads. It sees every write that was answered before. On PostgreSQL a
    /// later statement of the job may also see what was written since the earlier one.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl Fn(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &*self.engine {
            Engine::Memory { memory, .. } => {
                memory.read(|tx| guarded(|| job(tx))).ok_or_else(closed)?
            }
            Engine::File { reads, .. } => {
                let (reply, answer) = oneshot::channel();
                let job: ReadJob = Box::new(move |database| {
                    // Nobody may be waiting any more.
                    drop(reply.send(database.read(|tx| guarded(|| job(tx)))));
                });
                reads.send(Message::Job(job)).map_err(|_| closed())?;
                answer.await.map_err(|_| closed())?
            }
            Engine::Server(pool) => {
                let (job, answer) = Work::new(job);
                pool.ask(Access::Read, job)?;
                answer.await.map_err(|_| closed())?
            }
        }
    }

    /// What this process knows of revocations without asking the database.
    pub fn revocations(&self) -> &RevocationWatch {
        &self.context().revocations
    }

    /// Device codes that are decided from now on, at this node or another. News may be lost; where
    /// one process has the database to itself, there is none.
    pub fn device_news(&self) -> DeviceNews {
        self.context().device_news.subscribe()
    }

    /// Which key of the ring makes what is new.
    pub fn minting_key(&self) -> MintingKey {
        self.context().sealing.minting().clone()
    }

    /// Says to other nodes that this one lives, and what it knows: its key ring and these signing
    /// keys. Follows them in which key of the ring makes what is new. Fails when the ring lacks one
    /// that they use.
    pub async fn beat(&self, kids: Vec<KeyId>) -> Result<(), StoreError> {
        if !self.has_other_nodes() {
            return Ok(());
        }
        let node = self.context().node;
        let beat = self.write(move |tx| {
            let minting = ring_keys::check(tx, Some(&node), SystemClock.now())?;
            Ok((minting, nodes::beat(tx, &node, &kids)?))
        });
        let (minting, live) = beat.await?;
        self.context().sealing.minting().change(minting);
        let live = u32::try_from(live).unwrap_or(u32::MAX);
        self.live_nodes.store(live, Ordering::Release);
        Ok(())
    }

    /// Says to other nodes that this one stops.
    pub async fn leave(&self) -> Result<(), StoreError> {
        if !self.has_other_nodes() {
            return Ok(());
        }
        let node = self.context().node;
        self.write(move |tx| nodes::leave(tx, &node)).await
    }

    /// What this node is called among others, since its start.
    pub fn node(&self) -> [u8; 16] {
        self.context().node
    }

    /// The changes of the tables that opening the database made.
    pub fn migrated(&self) -> &[u32] {
        self.context().migrated.get().map_or(&[], Vec::as_slice)
    }

    fn context(&self) -> &Context {
        match &*self.engine {
            Engine::Memory { context, .. } | Engine::File { context, .. } => context,
            Engine::Server(pool) => pool.context(),
        }
    }

    /// Whether other nodes may use the same database.
    pub fn has_other_nodes(&self) -> bool {
        matches!(&*self.engine, Engine::Server(_))
    }

    /// How many nodes lived when this one last said that it does, itself included: 1 where one process
    /// has the database to itself.
    pub fn live_nodes(&self) -> u32 {
        self.live_nodes.load(Ordering::Acquire).max(1)
    }

    /// Removes the revocations that every node has heard of. A round is given what the round before
    /// it answered, at least a minute ago.
    pub async fn purge_revocation_feed(
        &self,
        before: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        if !self.has_other_nodes() {
            return Ok(None);
        }
        self.write(move |tx| revocation_feed::purge(tx, before.as_deref()))
            .await
    }

    /// Whether the database answers now.
    pub async fn check(&self) -> Result<(), StoreError> {
        let asked = self.read(|tx| tx.count("SELECT count(*) FROM settings", &[]));
        asked.await.map(drop)
    }

    /// Finishes every job that was asked for, then closes the database. Later jobs fail.
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Memory { memory, .. } => memory.close(),
            Engine::File { writes, reads, .. } => {
                // The writer goes last: the last connection moves the log into the file.
                for _ in 0..READERS {
                    stop(reads).await;
                }
                stop(writes).await;
            }
            Engine::Server(pool) => pool.close().await,
        }
    }
}

async fn stop<J>(queue: &Sender<Message<J>>) {
    let (done, closed) = oneshot::channel();
    if queue.send(Message::Stop(done)).is_ok() {
        // An error says that the thread is gone already.
        let _ = closed.await;
    }
}

/// Takes all that is queued into one commit.
fn run_writes(database: Database, queue: &Receiver<Message<Box<dyn Job>>>, lock: File) {
    let mut stopped = None;
    while stopped.is_none() {
        let Ok(first) = queue.recv() else { break };
        let mut batch = Vec::new();
        for message in std::iter::once(first).chain(queue.try_iter()) {
            match message {
                Message::Job(job) => batch.push(job),
                Message::Stop(done) => stopped = Some(done),
            }
            if stopped.is_some() || batch.len() == LARGEST_BATCH {
                break;
            }
        }
        if !batch.is_empty() && database.write(batch) == Health::Lost {
            tracing::error!("the disk did not confirm a write: no more writes until a restart");
            break;
        }
    }
    drop(database);
    drop(lock);
    finish(stopped);
}

fn run_reads(database: Database, queue: &Mutex<Receiver<Message<ReadJob>>>) {
    let stopped = loop {
        // Nothing panics while it holds the lock.
        let message = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match message {
            Ok(Message::Job(job)) => job(&database),
            Ok(Message::Stop(done)) => break Some(done),
            Err(_) => break None,
        }
    };
    drop(database);
    finish(stopped);
}

fn finish(stopped: Option<oneshot::Sender<()>>) {
    if let Some(done) = stopped {
        // Whoever asked to close may have gone.
        let _ = done.send(());
    }
}

/// A job with the answer that it waits to give.
struct Work<F, T> {
    job: F,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work<F, T> {
    fn new(job: F) -> (Box<Self>, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        let work = Self {
            job,
            outcome: None,
            reply,
        };
        (Box::new(work), answer)
    }
}

impl<F, T> Job for Work<F, T>
where
    F: Fn(&Transaction<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &Transaction<'_>) -> bool {
        let outcome = tx.outcome(guarded(|| (self.job)(tx)));
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or_else(|| Err(closed())),
            // Also for a job that failed by itself: what it saw may not have stayed.
            Err(error) => Err(error.clone()),
        };
        // Nobody may be waiting any more.
        drop(self.reply.send(outcome));
    }
}

/// A panic in a job fails the job alone; nobody waits for an answer that cannot come.
fn guarded<T>(job: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_: Box<dyn Any + Send>| {
        tracing::error!("a job of the store panicked");
        Err(StoreError::Unavailable("the job panicked".to_owned()))
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    match thread::Builder::new().name(name.to_owned()).spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!(
            "no thread `{name}`: {error}"
        ))),
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// More readers than cores do not read faster.
const READERS: usize = 2;
/// Jobs beyond this wait for the next commit.
const LARGEST_BATCH: usize = 256;
