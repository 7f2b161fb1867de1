//! What the server says in its log while a test runs, at the highest level.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

/// Listens until it is dropped. Tests that run at the same time are heard too.
pub(crate) struct LogLines(Arc<Mutex<String>>);

static LISTENERS: LazyLock<Mutex<Vec<Weak<Mutex<String>>>>> = LazyLock::new(|| {
    tracing::subscriber::set_global_default(Collector).expect("nobody else listens");
    Mutex::default()
});

impl LogLines {
    pub(crate) fn listen() -> Self {
        let lines = Arc::default();
        LISTENERS.lock().unwrap().push(Arc::downgrade(&lines));
        Self(lines)
    }

    /// All that was said until now.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// Whether one line holds all of these words.
    pub(crate) fn has(&self, words: &[&str]) -> bool {
        let has_all = |line: &str| words.iter().all(|word| line.contains(word));
        self.text().lines().any(has_all)
    }
}

/// Writes every event and every span for whoever listens.
struct Collector;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

fn tell(metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
    let mut listeners = LISTENERS.lock().unwrap();
    if listeners.is_empty() {
        return;
    }
    let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
    record(&mut line);
    let line = line.0.replace('\n', " ");
    listeners.retain(|listener| {
        let listener = listener.upgrade();
        if let Some(lines) = &listener {
            writeln!(lines.lock().unwrap(), "{line}").unwrap();
        }
        listener.is_some()
    });
}

impl Subscriber for Collector {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        tell(span.metadata(), |line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        for lines in LISTENERS.lock().unwrap().iter().filter_map(Weak::upgrade) {
            writeln!(lines.lock().unwrap(), "{}", line.0).unwrap();
        }
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        tell(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
