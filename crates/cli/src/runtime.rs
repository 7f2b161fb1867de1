//! The asynchronous runtime, built as late as possible and only for commands that need it.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

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

/// Runs a command that tidies up before it ends: at the first Ctrl-C `stop` is called and the work may
/// finish, for a short while and until the second one.
pub(crate) fn block_on_tidily<T>(
    stop: impl FnOnce(),
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = built(&mut Builder::new_current_thread())?;
    let done = runtime.block_on(async {
        let mut signals = StopSignals::listen()?.and_hangup()?;
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = signals.next() => stop(),
        }
        tokio::select! {
            // What was done by then is done.
            done = tokio::time::timeout(TIDYING, work) => match done {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(_)) | Err(_) => Err(Failure::interrupted()),
            },
            () = signals.next() => Err(Failure::interrupted()),
        }
    });
    runtime.shutdown_background();
    done
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

/// Longer than a server that is there needs.
const TIDYING: Duration = Duration::from_secs(5);

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

/// Ctrl-C and SIGTERM, as a server hears them. From [`Self::listen`] on they kill nobody.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: unix::Signal,
    #[cfg(unix)]
    interrupt: unix::Signal,
    /// The terminal was closed.
    #[cfg(unix)]
    hangup: Option<unix::Signal>,
    #[cfg(windows)]
    interrupt: windows::CtrlC,
}

impl StopSignals {
    /// Begins to listen. Needs the runtime.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::other("cannot listen for signals").caused_by(&error);
        let listening = || -> io::Result<Self> {
            Ok(Self {
                #[cfg(unix)]
                terminate: unix::signal(unix::SignalKind::terminate())?,
                #[cfg(unix)]
                interrupt: unix::signal(unix::SignalKind::interrupt())?,
                #[cfg(unix)]
                hangup: None,
                #[cfg(windows)]
                interrupt: windows::ctrl_c()?,
            })
        };
        listening().map_err(failed)
    }

    /// Also hears that the terminal was closed, unless `nohup` said not to.
    #[cfg(unix)]
    fn and_hangup(mut self) -> Result<Self, Failure> {
        let failed = |error| Failure::other("cannot listen for signals").caused_by(&error);
        if !ignores_hangup() {
            self.hangup = Some(unix::signal(unix::SignalKind::hangup()).map_err(failed)?);
        }
        Ok(self)
    }

    #[cfg(windows)]
    #[expect(clippy::unnecessary_wraps, reason = "Unix can fail")]
    fn and_hangup(self) -> Result<Self, Failure> {
        Ok(self)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => {
                    hangup.recv().await;
                }
                None => std::future::pending().await,
            }
        };
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hangup => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
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
        let failed = |error| Failure::other("cannot listen for signals").caused_by(&error);
        let hangup = (!ends_with_terminal)
            .then(|| unix::signal(unix::SignalKind::hangup()))
            .transpose();
        Ok(Self {
            hangup: hangup.map_err(failed)?,
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

/// Whether this process was started to outlive its terminal: Linux tells the signals that it ignores as
/// bits, SIGHUP the lowest one (proc(5), `SigIgn`).
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::other("the runtime cannot start").caused_by(&error))
}
