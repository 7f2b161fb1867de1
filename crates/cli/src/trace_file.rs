//! `--trace FILE`: what goes over the wire, a JSON object a line, with every secret shortened.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_client::{Clock as _, Exchange, Watcher};
use hallpass_protocol::time::SystemClock;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::moment;

/// The file; clones write to the same one.
#[derive(Clone, Debug)]
pub(crate) struct TraceFile(Arc<Mutex<File>>);

impl TraceFile {
    /// Makes the file, or begins it anew; only its owner reads it.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Several profiles of one command write to its end by turns.
        let opened = options
            .open(path)
            .and_then(|_| OpenOptions::new().append(true).open(path));
        let file = opened.map_err(|error| {
            Failure::config(format!("cannot write {}", path.display()))
                .caused_by(&error)
                .hint_to("name another file for --trace")
        })?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }
}

impl Watcher for TraceFile {
    fn saw(&self, exchange: &Exchange) {
        let members = |pairs: &[(String, String)]| -> Map<String, Value> {
            let pairs = pairs.iter().cloned();
            pairs
                .map(|(name, value)| (name, Value::from(value)))
                .collect()
        };
        let line = json!({
            "schema": "hallpass.trace/1",
            "at": moment::rfc3339(SystemClock.now()),
            "method": exchange.method,
            "url": exchange.url,
            "sent": members(&exchange.sent),
            "status": exchange.status,
            "received": members(&exchange.received),
        });
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            tracing::warn!(%error, "the trace cannot be written");
        }
    }
}
