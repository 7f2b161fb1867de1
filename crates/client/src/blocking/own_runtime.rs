//! The runtime of one client: built once, driven by whoever waits.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::Error;

/// Waits for futures on the thread that calls. Clones share one runtime.
#[derive(Clone, Debug)]
pub(super) struct OwnRuntime(Arc<Kept>);

/// `None` only while it is dropped.
#[derive(Debug)]
struct Kept(Option<Runtime>);

impl OwnRuntime {
    pub(super) fn new() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::config("the runtime cannot start").caused_by(error))?;
        Ok(Self(Arc::new(Kept(Some(runtime)))))
    }

    /// Waits for a future. Several threads may wait at once.
    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        // Tokio panics when it is asked to wait where others work.
        if Handle::try_current().is_ok() {
            return Err(Error::config(
                "the blocking client was called inside of an asynchronous runtime",
            )
            .hint_to(
                "use `hallpass_client::Client` and `.await`, or call it from a `std::thread`",
            ));
        }
        match &self.0.0 {
            Some(runtime) => runtime.block_on(work),
            None => Err(Error::config("the runtime has ended")),
        }
    }
}

impl Drop for Kept {
    /// Without waiting: the last owner may be inside of a runtime, where Tokio lets nobody wait, and a
    /// thread that still reads a disk keeps nobody.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
