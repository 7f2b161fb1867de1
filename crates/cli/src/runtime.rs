//! The asynchronous runtime, built as late as possible and only for commands that need it.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// Runs a command on this thread until it ends or the person presses Ctrl-C.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = built(&mut Builder::new_current_thread())?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
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

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::other("cannot listen for signals").caused_by(&error);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await.map_err(failed)
    }
}

fn built(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::other("the runtime cannot start").caused_by(&error))
}
