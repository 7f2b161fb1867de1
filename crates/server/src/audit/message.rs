//! What the task that writes records is asked for.

use hallpass_issuer::audit::Entry;
use tokio::sync::oneshot;

/// What the task is asked for.
#[derive(Debug)]
pub(super) enum Message {
    /// Keep this, and say so to whoever waits.
    Entry(Box<Entry>, Option<oneshot::Sender<()>>),
    /// Write all that came before.
    Flush(oneshot::Sender<()>),
}
