//! The asynchronous runtime, built as late as possible and only for commands that need it.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use hallpass_client::clap::{StopSignals, until_stopped};
use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix;

use crate::duration;
use crate::failure::Failure;

/// Runs a command on this thread until it ends or the person presses Ctrl-C.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = built(&mut Builder::new_current_thread())?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = in_time(work) => done,
            pressed = tokio::signal::ctrl_c() => Err(match pressed {
                Ok(()) => Failure::interrupted(),
                Err(error) => Failure::other("cannot listen for Ctrl-C").caused_by(&error),
            }),
        }
    });
    // A thread that still waits for a browser or a disk must not keep the person waiting.
    runtime.shutdown_background();
    done
}

/// Runs a command that tidies up before it ends: at the first Ctrl-C, SIGTERM or closed terminal `stop` is
/// called and the work may finish, for a short while and until the second one.
pub(crate) fn block_on_tidily<T>(
    stop: impl FnOnce(),
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = built(&mut Builder::new_current_thread())?;
    let done = runtime.block_on(until_stopped(stop, work));
    runtime.shutdown_background();
    done.map_err(|error| unheard(&error))?
        .unwrap_or_else(|| Err(Failure::interrupted()))
}

/// From now on no command takes longer (`--timeout`).
pub(crate) fn limit(span: Option<Duration>) {
    if let Some(span) = span {
        // The first word counts; there is only one.
        LIMIT.get_or_init(|| span);
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let Some(limit) = LIMIT.get() else {
        return work.await;
    };
    tokio::time::timeout(*limit, work)
        .await
        .unwrap_or_else(|_| {
            let text = format!("not done within {}", duration::words(*limit));
            Err(Failure::unavailable(text)
                .hint_to("try again later; a session that exists is kept"))
        })
}

static LIMIT: OnceLock<Duration> = OnceLock::new();

/// Runs a server, on as many threads as there are processors. It ends as the work says: the work
/// listens for signals itself.
pub(crate) fn block_on_server<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = built(&mut Builder::new_multi_thread())?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// Ctrl-C and SIGTERM, as a server hears them. From now on they kill nobody. Needs the runtime.
pub(crate) fn stop_signals() -> Result<StopSignals, Failure> {
    StopSignals::listen().map_err(|error| unheard(&error))
}

fn unheard(error: &io::Error) -> Failure {
    Failure::other("cannot listen for signals").caused_by(error)
}

/// SIGHUP, as a server of production hears it: read the settings again.
pub(crate) struct ReloadSignal {
    #[cfg(unix)]
    hangup: Option<unix::Signal>,
}

impl ReloadSignal {
    /// Begins to listen, unless the server ends with its terminal (dev mode). Needs the runtime.
    #[cfg(unix)]
    pub(crate) fn listen(ends_with_terminal: bool) -> Result<Self, Failure> {
        let hangup = (!ends_with_terminal)
            .then(|| unix::signal(unix::SignalKind::hangup()))
            .transpose();
        Ok(Self {
            hangup: hangup.map_err(|error| unheard(&error))?,
        })
    }

    /// There is no such signal.
    #[cfg(windows)]
    #[expect(clippy::unnecessary_wraps, reason = "Unix can fail")]
    pub(crate) fn listen(_: bool) -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(hangup) = &mut self.hangup
            && hangup.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::other("the runtime cannot start").caused_by(&error))
}
