//! The one task that writes records: a batch each second, or a hundred, or at once when somebody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hallpass_issuer::audit::{
    Actor, AuditKey, Entry, Event, Head, NodeId, Record, Signed, Unlinked,
};
use hallpass_protocol::random::{self, Random};
use hallpass_protocol::{Clock, Timestamp};
use hallpass_store::audit_events::{self, Appended};
use hallpass_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::json;
use super::message::Message;
use super::sinks::Lines;

/// An event waits so long at most for others.
const BATCH_TIME: Duration = Duration::from_secs(1);
/// And for so many of them.
const BATCH: usize = 100;
/// The end of the chain goes to the other sinks so often.
const ANCHOR_TIME: Duration = Duration::from_mins(1);
/// Or after so many records.
const ANCHOR_EACH: u64 = 1000;
/// More places where the chain may have ended nobody follows.
const MOST_ENDS: usize = 16;

/// What became of a batch.
enum Kept {
    Yes(Vec<Record>, Signed<Head>),
    No,
}

/// The events that were not kept since a time.
#[derive(Clone, Copy, Debug)]
struct Gap {
    since: Timestamp,
    events: u64,
}

pub(super) struct Writer {
    /// Where they are kept, if they are.
    store: Option<Store>,
    key: Arc<AuditKey>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    lines: Lines,
    node: NodeId,
    /// Whether others write to this chain too.
    is_shared: bool,
    /// Where the chain may end: at several places when answers were lost, at any where it is shared.
    ends: Vec<Head>,
    /// The end as it is without a database.
    head: Head,
    gap: Option<Gap>,
    anchored: Anchored,
    dropped: Arc<AtomicU64>,
    /// How much of that the log has heard, and how many lines were not written.
    told: u64,
    unwritten: u64,
}

/// What the other sinks know of the end.
#[derive(Clone, Copy, Debug)]
struct Anchored {
    seq: u64,
    newest: Option<Signed<Head>>,
}

impl Writer {
    /// A writer that has written nothing. Without a store the records are in the lines alone; others may
    /// share the chain.
    pub(super) fn new(
        (store, key): (Option<Store>, AuditKey),
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
        lines: Lines,
        (node, is_shared): (NodeId, bool),
        dropped: Arc<AtomicU64>,
    ) -> Self {
        Self {
            head: Head::start(node, clock.now()),
            store,
            key: Arc::new(key),
            clock,
            random,
            lines,
            node,
            is_shared,
            ends: Vec::new(),
            gap: None,
            anchored: Anchored {
                seq: 0,
                newest: None,
            },
            dropped,
            told: 0,
            unwritten: 0,
        }
    }

    /// Writes until nobody can tell anything any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut minutes = interval(ANCHOR_TIME);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let first = tokio::select! {
                first = queue.recv() => first,
                _ = minutes.tick() => {
                    self.anchor().await;
                    self.tell_losses();
                    continue;
                }
            };
            let Some(first) = first else { return };
            let (entries, waiting) = collect(first, &mut queue).await;
            self.write(entries).await;
            for done in waiting {
                // Whoever waited may have lost their patience.
                let _: Result<(), ()> = done.send(());
            }
        }
    }

    async fn write(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let mut contents: Vec<Unlinked> = Vec::new();
        if let Some(gap) = self.gap {
            contents.push(self.recovered(gap));
        }
        let random = Arc::clone(&self.random);
        contents.extend(entries.iter().map(|entry| entry.veil(random.as_ref())));
        let kept = match self.store.clone() {
            Some(store) => self.keep(&store, &contents).await,
            None => self.link(&contents),
        };
        match kept {
            Kept::Yes(records, head) => {
                self.gap = None;
                self.anchored.newest = Some(head);
                let lines = records.iter().map(json::record).collect();
                self.note(self.lines.write(lines).await.is_ok());
                if head.value.seq.saturating_sub(self.anchored.seq) >= ANCHOR_EACH {
                    self.anchor().await;
                }
            }
            Kept::No => {
                let known = usize::from(self.gap.is_some());
                let lost = contents.get(known..).unwrap_or_default();
                self.fall_back(lost).await;
            }
        }
    }

    /// Without a database the chain is in the lines alone.
    fn link(&mut self, contents: &[Unlinked]) -> Kept {
        let contents = contents.iter().cloned();
        let records = contents.map(|content| self.head.link(content)).collect();
        self.head.at = self.clock.now();
        Kept::Yes(records, self.key.sign_head(self.head))
    }

    async fn keep(&mut self, store: &Store, contents: &[Unlinked]) -> Kept {
        match self.append(store, contents).await {
            Ok(Appended::Kept(records, head)) => self.kept(records, head),
            Ok(Appended::Broken) => {
                tracing::error!(
                    chain = %self.node,
                    "somebody changed the audit events: they go on in a new chain; \
                     run `hallpass admin audit verify`"
                );
                self.node = NodeId::from_bytes(random::bytes(self.random.as_ref()));
                (self.is_shared, self.ends) = (false, Vec::new());
                let broken = Entry::new(Event::SystemRecovered, self.clock.now())
                    .by(Actor::System)
                    .with("why", "the chain before was changed");
                let mut again = vec![broken.veil(self.random.as_ref())];
                again.extend(contents.iter().cloned());
                match self.append(store, &again).await {
                    Ok(Appended::Kept(records, head)) => self.kept(records, head),
                    Ok(Appended::Broken) | Err(_) => Kept::No,
                }
            }
            Err(error) => {
                tracing::warn!(%error, "audit events were not kept: they go to standard output");
                self.doubt(contents);
                Kept::No
            }
        }
    }

    async fn append(&self, store: &Store, contents: &[Unlinked]) -> Result<Appended, StoreError> {
        let (node, now) = (self.node, self.clock.now());
        let (ends, contents) = (self.ends.clone(), contents.to_vec());
        let key = Arc::clone(&self.key);
        let append =
            store.write(move |tx| audit_events::append(tx, (node, &ends), &contents, (&key, now)));
        append.await
    }

    fn kept(&mut self, records: Vec<Record>, head: Signed<Head>) -> Kept {
        self.ends = if self.is_shared {
            Vec::new()
        } else {
            vec![head.value]
        };
        Kept::Yes(records, head)
    }

    /// The database may have kept them, and only its answer was lost: the chain may end with them.
    fn doubt(&mut self, contents: &[Unlinked]) {
        let longer = self.ends.clone().into_iter().map(|mut end| {
            for content in contents {
                end.link(content.clone());
            }
            end
        });
        self.ends.extend(longer.collect::<Vec<_>>());
        if self.ends.len() > MOST_ENDS {
            // The signature under the end still has to be ours.
            self.ends.clear();
        }
    }

    async fn fall_back(&mut self, lost: &[Unlinked]) {
        let events = u64::try_from(lost.len()).unwrap_or(u64::MAX);
        let gap = self.gap.get_or_insert(Gap {
            since: self.clock.now(),
            events: 0,
        });
        gap.events = gap.events.saturating_add(events);
        let lines = lost.iter().map(json::unkept).collect();
        self.note(self.lines.fall_back(lines).await.is_ok());
    }

    fn recovered(&self, gap: Gap) -> Unlinked {
        let recovered = Entry::new(Event::SystemRecovered, self.clock.now())
            .by(Actor::System)
            .with("why", "the database did not take records")
            .with("since_unix_ms", gap.since.unix_millis())
            .with("events", gap.events);
        recovered.veil(self.random.as_ref())
    }

    /// Sends the end of the chain to the other sinks, if it is a new one.
    async fn anchor(&mut self) {
        let Some(head) = self.anchored.newest.take() else {
            return;
        };
        self.anchored.seq = head.value.seq;
        if self.lines.is_any() {
            let line = json::anchor(&head, &self.key.public());
            self.note(self.lines.write(vec![line]).await.is_ok());
        }
    }

    fn note(&mut self, is_written: bool) {
        self.unwritten += u64::from(!is_written);
    }

    /// Once a minute the log hears what was lost.
    fn tell_losses(&mut self) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > self.told {
            let more = dropped - self.told;
            tracing::error!(
                more,
                all = dropped,
                "audit events were lost: too many waited"
            );
            self.told = dropped;
        }
        if self.unwritten > 0 {
            let batches = self.unwritten;
            tracing::error!(batches, "a sink of audit events cannot be written");
            self.unwritten = 0;
        }
    }
}

/// What is written at once: all that comes within a second, or until somebody waits for it.
async fn collect(
    first: Message,
    queue: &mut mpsc::Receiver<Message>,
) -> (Vec<Entry>, Vec<oneshot::Sender<()>>) {
    let (mut entries, mut waiting) = (Vec::new(), Vec::new());
    let mut take = |message: Message| match message {
        Message::Entry(entry, None) => {
            entries.push(*entry);
            (entries.len() >= BATCH, false)
        }
        Message::Entry(entry, Some(kept)) => {
            entries.push(*entry);
            waiting.push(kept);
            (entries.len() >= BATCH, true)
        }
        Message::Flush(done) => {
            waiting.push(done);
            (false, true)
        }
    };
    let end = Instant::now() + BATCH_TIME;
    let (mut is_full, mut is_urgent) = take(first);
    while !is_full {
        let next = if is_urgent {
            // What came together goes together.
            queue.try_recv().ok()
        } else {
            tokio::select! {
                next = queue.recv() => next,
                () = sleep_until(end) => None,
            }
        };
        let Some(next) = next else { break };
        let urgent;
        (is_full, urgent) = take(next);
        is_urgent |= urgent;
    }
    (entries, waiting)
}
