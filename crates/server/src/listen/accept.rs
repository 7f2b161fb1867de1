//! Accepts connections until the server stops, then lets the open ones end.
//!
//! Overload is bounded by a cap on connections; SIGTERM drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::bind::Listeners;
use super::connection;

use crate::Body;

/// So many connections at once; the next ones wait in the system's queue.
const MOST_CONNECTIONS: usize = 10_000;
/// The wait after a failed `accept`: what it lacks (descriptors) comes back by itself.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

impl Listeners {
    /// Serves until `shutdown` says how long open requests may take, or its sender is gone; then
    /// stops accepting and lets them end.
    ///
    /// Connections end with the future: dropping it closes them at once.
    pub(crate) async fn serve<S, F>(
        self,
        service: S,
        mut shutdown: watch::Receiver<Option<Duration>>,
    ) where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut next = 0;
        loop {
            // Finished connections leave nothing behind.
            while let Some(ended) = connections.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection broke off");
                }
            }
            let accepted = tokio::select! {
                biased;
                _ = shutdown.wait_for(Option::is_some) => break,
                accepted = accept(&self.sockets, &mut next, &places) => accepted,
            };
            let (stream, peer, place) = accepted;
            let connection = connection::serve(
                stream,
                peer,
                (self.patience.head, self.tls.clone()),
                service.clone(),
                graceful.watcher(),
            );
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
        }
        drop(self.sockets);
        let drain = (*shutdown.borrow()).unwrap_or_default();
        if tokio::time::timeout(drain, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                open = connections.len(),
                "connections are cut off: they did not end in time"
            );
        }
        connections.shutdown().await;
    }
}

/// Takes the next connection of any socket, once there is a place for it.
async fn accept(
    sockets: &[TcpListener],
    next: &mut usize,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    // The semaphore is never closed.
    let Ok(place) = Arc::clone(places).acquire_owned().await else {
        return std::future::pending().await;
    };
    loop {
        let accepted = std::future::poll_fn(|context| {
            // Begins with another socket each time, so that none starves.
            *next = next.wrapping_add(1);
            let (late, early) = sockets
                .split_at_checked(*next % sockets.len().max(1))
                .unwrap_or((&[], sockets));
            for socket in early.iter().chain(late) {
                if let std::task::Poll::Ready(accepted) = socket.poll_accept(context) {
                    return std::task::Poll::Ready(accepted);
                }
            }
            std::task::Poll::Pending
        })
        .await;
        match accepted {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
