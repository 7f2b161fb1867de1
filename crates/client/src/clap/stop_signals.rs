//! Ctrl-C, SIGTERM and a closed terminal: how a command that has something to tidy up hears that it should
//! end.

use std::future::Future;
use std::io;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

/// The signals that ask a process to end: Ctrl-C and SIGTERM. From [`Self::listen`] on they kill nobody.
#[derive(Debug)]
pub struct StopSignals {
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
    /// Begins to listen. Needs tokio's runtime, and changes what the signals do for the rest of the
    /// process.
    ///
    /// # Errors
    ///
    /// What the operating system says against it.
    pub fn listen() -> io::Result<Self> {
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
    }

    /// Also hears that the terminal was closed (SIGHUP), unless `nohup` said not to.
    ///
    /// # Errors
    ///
    /// What the operating system says against it.
    #[cfg_attr(
        windows,
        expect(clippy::unnecessary_wraps, unused_mut, reason = "Unix can fail")
    )]
    pub fn and_hangup(mut self) -> io::Result<Self> {
        #[cfg(unix)]
        if !ignores_hangup() {
            self.hangup = Some(unix::signal(unix::SignalKind::hangup())?);
        }
        Ok(self)
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
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

/// Does work that tidies up before it ends: at the first signal `stop` is called and the work may finish, for
/// a short while and until the second one. `None` when it was stopped before it was done.
///
/// ```no_run
/// # async fn example(client: hallpass_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use hallpass_client::clap::until_stopped;
/// use hallpass_client::{CancelSignIn, SignIn};
///
/// let cancel = CancelSignIn::default();
/// let signing_in = client.sign_in(SignIn::auto().cancelled_by(cancel.clone()));
/// match until_stopped(|| cancel.cancel(), signing_in).await? {
///     Some(session) => println!("{}", session?.account().issuer),
///     // The device code is withdrawn, nothing is stored.
///     None => std::process::exit(130),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What the operating system says against listening; nothing was begun then.
pub async fn until_stopped<T, E>(
    stop: impl FnOnce(),
    work: impl Future<Output = Result<T, E>>,
) -> io::Result<Option<Result<T, E>>> {
    let mut signals = StopSignals::listen()?.and_hangup()?;
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return Ok(Some(done)),
        () = signals.next() => stop(),
    }
    tokio::select! {
        done = tokio::time::timeout(TIDYING, work) => match done {
            // What was done by then is done.
            Ok(Ok(done)) => Ok(Some(Ok(done))),
            Ok(Err(_)) | Err(_) => Ok(None),
        },
        () = signals.next() => Ok(None),
    }
}

/// Longer than a server that is there needs.
const TIDYING: Duration = Duration::from_secs(5);

/// Whether this process was started to outlive its terminal: Linux tells the signals that it ignores as
/// bits, SIGHUP the lowest one (proc(5), `SigIgn`).
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}
