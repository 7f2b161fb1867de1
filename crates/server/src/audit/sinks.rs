//! Where records go beside the database: JSON lines on standard output or in a file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::settings::AuditSink;

/// Lines wait so long at most for those before them.
const PATIENCE: Duration = Duration::from_secs(1);

/// The sinks that take lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    to_stdout: bool,
    file: Option<PathBuf>,
    outlet: Outlet,
}

impl Lines {
    /// Those of the settings.
    pub(super) fn of(sinks: &[AuditSink]) -> Self {
        let file = sinks.iter().find_map(|sink| match sink {
            AuditSink::File(path) => Some(path.clone()),
            AuditSink::Database | AuditSink::Stdout => None,
        });
        Self {
            to_stdout: sinks.contains(&AuditSink::Stdout),
            file,
            outlet: Outlet::default(),
        }
    }

    /// Whether anybody takes them.
    pub(super) fn is_any(&self) -> bool {
        self.to_stdout || self.file.is_some()
    }

    /// Whether the file can be written: known at the start, and not at the first event.
    pub(super) fn check(&self) -> io::Result<()> {
        match &self.file {
            Some(path) => append(path, &[]),
            None => Ok(()),
        }
    }

    /// Writes lines to each of them. Whoever reads a pipe slowly, or a disk that hangs, holds up nobody:
    /// as long as the lines before are not through, these are lost.
    pub(super) async fn write(&self, lines: Vec<Value>) -> io::Result<()> {
        if lines.is_empty() || !self.is_any() {
            return Ok(());
        }
        let sinks = self.clone();
        let write = move || {
            let text = spell(&lines);
            let to_stdout = if sinks.to_stdout {
                print(&text)
            } else {
                Ok(())
            };
            let to_file = sinks.file.map_or(Ok(()), |path| append(&path, &text));
            to_stdout.and(to_file)
        };
        self.outlet.run(write).await
    }

    /// What the database does not take goes to standard output, whatever the sinks are.
    pub(super) async fn fall_back(&self, lines: Vec<Value>) -> io::Result<()> {
        self.outlet.run(move || print(&spell(&lines))).await
    }
}

/// Lets one thread at a time write, and waits for it for a second.
#[derive(Clone, Debug, Default)]
struct Outlet(Arc<AtomicBool>);

impl Outlet {
    async fn run(&self, write: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
        if self.0.swap(true, Ordering::AcqRel) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let is_busy = Arc::clone(&self.0);
        let writing = tokio::task::spawn_blocking(move || {
            let written = write();
            is_busy.store(false, Ordering::Release);
            written
        });
        match tokio::time::timeout(PATIENCE, writing).await {
            Ok(written) => written.map_err(io::Error::other)?,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

fn spell(lines: &[Value]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        text.extend(line.to_string().into_bytes());
        text.push(b'\n');
    }
    text
}

fn print(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}

/// Opened anew each time, so that the file may be moved away. It is its owner's when it is new, and a
/// batch is written at once: two processes do not mix their lines.
fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_sink_that_hangs_holds_up_nobody_and_goes_on_when_it_can() {
        let outlet = Outlet::default();
        let (open, gate) = mpsc::channel();
        let hanging = outlet.run(move || gate.recv().map_err(io::Error::other));
        assert_eq!(hanging.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let next = outlet.run(|| Ok(())).await;
        assert_eq!(next.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        open.send(()).unwrap();
        while outlet.0.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        outlet.run(|| Ok(())).await.unwrap();
    }
}
