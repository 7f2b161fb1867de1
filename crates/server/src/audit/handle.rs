//! What the rest of the server tells events to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hallpass_issuer::audit::{Actor, Entry, Outcome};
use hallpass_protocol::{ClientId, UserId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::message::Message;
use super::thinning::Thinning;
use super::writer::Writer;

/// So many events wait to be written; what comes then is counted and lost.
const LONGEST_QUEUE: usize = 10_000;
/// A request waits so long at most for its event to be kept.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the records. Cheap to clone; where nothing is kept, it only writes log lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(Option<Arc<Queue>>);

#[derive(Debug)]
struct Queue {
    messages: mpsc::Sender<Message>,
    dropped: Arc<AtomicU64>,
    thinning: Thinning,
    task: JoinHandle<()>,
}

impl Audit {
    /// Nothing is kept.
    pub(crate) fn off() -> Self {
        Self::default()
    }

    /// Starts the task that writes.
    pub(super) fn over(make: impl FnOnce(Arc<AtomicU64>) -> Writer) -> Self {
        let (messages, queue) = mpsc::channel(LONGEST_QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let writer = make(Arc::clone(&dropped));
        Self(Some(Arc::new(Queue {
            messages,
            dropped,
            thinning: Thinning::default(),
            task: tokio::spawn(writer.run(queue)),
        })))
    }

    /// Tells an event. It is written within a second, with others; nobody waits.
    pub(crate) fn tell(&self, entry: Entry) {
        trace(&entry);
        if let Some(queue) = &self.0
            && let Some(entry) = queue.thinning.admit(entry)
        {
            queue.send(Message::Entry(Box::new(entry), None));
        }
    }

    /// Tells an event that must not be lost with the second in which it happened, and waits until it
    /// is kept: what is rare and matters. Where the database is away it does not wait for it.
    pub(crate) async fn keep(&self, entry: Entry) {
        trace(&entry);
        let Some(queue) = &self.0 else { return };
        let (kept, answer) = oneshot::channel();
        if queue.send(Message::Entry(Box::new(entry), Some(kept))) {
            // Neither the end of the writer nor its delay is this request's.
            drop(tokio::time::timeout(PATIENCE, answer).await);
        }
    }

    /// Waits until all that was told before is written.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.0 else { return };
        let (done, answer) = oneshot::channel();
        if queue.messages.send(Message::Flush(done)).await.is_ok() {
            drop(answer.await);
        }
    }

    /// How many events were lost because too many waited.
    #[cfg(test)]
    pub(crate) fn dropped(&self) -> u64 {
        let queue = self.0.as_ref();
        queue.map_or(0, |queue| queue.dropped.load(Ordering::Relaxed))
    }
}

impl Queue {
    /// Whether there was room.
    fn send(&self, message: Message) -> bool {
        let has_room = self.messages.try_send(message).is_ok();
        if !has_room {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }
}

impl Drop for Queue {
    /// Who wants the last second kept has flushed before.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The log hears of it too: loudly of what somebody should look at, and quietly of what people do.
fn trace(entry: &Entry) {
    let event = entry.event;
    let client = entry.client.as_ref().map(ClientId::as_str);
    let subject = entry.subject.as_ref().map(UserId::as_str);
    let (sid, ip) = (
        entry.sid.map(tracing::field::display),
        entry.ip.map(tracing::field::display),
    );
    let detail = &entry.detail;
    let is_daily = entry.outcome() == Outcome::Success
        && !matches!(entry.actor, Some(Actor::System | Actor::Operator));
    if entry.outcome() == Outcome::Alert {
        tracing::warn!(client, subject, sid, ip, %detail, "{event}");
    } else if is_daily {
        tracing::debug!(client, subject, sid, ip, %detail, "{event}");
    } else {
        tracing::info!(client, subject, sid, ip, %detail, "{event}");
    }
}

#[cfg(test)]
mod tests {
    use hallpass_issuer::audit::Event;
    use hallpass_protocol::random::SystemRandom;
    use hallpass_protocol::time::SystemClock;
    use hallpass_protocol::{Clock as _, Timestamp};
    use hallpass_store::{Store, StoreKey, audit_events, verify_audit};

    use super::*;
    use crate::audit::{self, Role};
    use crate::settings::Settings;

    async fn opened() -> (Store, Audit) {
        let store = Store::open_in_memory(StoreKey::from_bytes([1; 32])).unwrap();
        let at = (
            Arc::new(SystemClock) as Arc<_>,
            Arc::new(SystemRandom) as Arc<_>,
        );
        let settings = Settings::for_tests().audit;
        let audit = Audit::open(&store, at, &settings, Role::Server).await;
        (store, audit.unwrap())
    }

    fn entry() -> Entry {
        Entry::new(Event::Logout, SystemClock.now())
    }

    async fn kept(store: &Store) -> Vec<String> {
        let key = audit::load_key(store, &SystemRandom).await.unwrap();
        let report = verify_audit(store, &key.public(), &[]).await.unwrap();
        assert_eq!(report.findings, []);
        let end = audit_events::Place::at(Timestamp::from_unix_millis(i64::MAX));
        let all = (end, Timestamp::UNIX_EPOCH);
        let list =
            store.read(move |tx| audit_events::list(tx, &audit_events::By::Time, all, u32::MAX));
        let records = list.await.unwrap().into_iter();
        records.map(|record| record.content.event).collect()
    }

    #[tokio::test]
    async fn what_has_no_room_is_counted_and_the_rest_is_kept() {
        let (store, audit) = opened().await;
        // The writer has no turn before the test waits for something.
        let most = LONGEST_QUEUE + 7;
        for _ in 0..most {
            audit.tell(entry());
        }
        assert!((7..=9).contains(&audit.dropped()), "{}", audit.dropped());
        audit.flush().await;
        let logouts = kept(&store).await;
        let logouts = logouts.iter().filter(|event| *event == "logout").count();
        assert_eq!(logouts as u64 + audit.dropped(), most as u64);
        // There is room again.
        audit.keep(entry()).await;
        assert_eq!(
            kept(&store)
                .await
                .iter()
                .filter(|event| *event == "logout")
                .count(),
            logouts + 1
        );
    }

    #[tokio::test]
    async fn whoever_keeps_an_event_finds_it_kept() {
        let (store, audit) = opened().await;
        audit.keep(entry()).await;
        assert!(kept(&store).await.contains(&"logout".to_owned()));
        // Without a database nobody waits for ever.
        store.close().await;
        audit.keep(entry()).await;
        audit.flush().await;
    }

    #[tokio::test]
    async fn where_nothing_is_kept_nobody_waits() {
        let audit = Audit::off();
        audit.tell(entry());
        audit.keep(entry()).await;
        audit.flush().await;
        assert_eq!(audit.dropped(), 0);
    }
}
