//! The listening sockets: binds them, serves HTTP/1.1 and h2c on them, and drains them.
//!
//! RFC 9112: <https://www.rfc-editor.org/rfc/rfc9112>, RFC 9113 §3.3 (prior knowledge). The limits
//! are rows S-140 and section 9 of `server.md`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::settings::SettingsError;

/// So many connections at once; the next ones wait in the system's queue.
const MOST_CONNECTIONS: usize = 10_000;
/// The longest request head.
const LARGEST_HEAD: u32 = 16 * 1024;
/// Section 9 of `server.md` (SIGTERM): "drain 20 s".
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(5),
    drain: Duration::from_secs(20),
};
/// The wait after a failed `accept`: what it lacks (descriptors) comes back by itself.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// How often a port that one address gave is tried on the others.
const PORT_DRAWS: u32 = 32;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("cannot listen on {address}: the port is in use")]
    PortInUse {
        /// The address that is taken.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No address is configured.
    #[error("there is no address to listen on")]
    NoAddress,
    /// Store or keys cannot be opened.
    #[error("cannot prepare the server: {0}")]
    Fault(String),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl StartError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::PortInUse { .. } => {
                Some("take any free port with `--port 0`, or free the port".to_owned())
            }
            Self::Bind { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need a privilege: take another one with `--port`".to_owned())
            }
            Self::Bind { .. } | Self::NoAddress => {
                Some("give `--host` an address that this machine has".to_owned())
            }
            Self::Fault(_) => None,
            Self::Settings(error) => error.hint(),
        }
    }

    /// The exit code of the command line.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::PortInUse { .. } | Self::Bind { .. } => 1,
            Self::NoAddress | Self::Fault(_) | Self::Settings(_) => 5,
        }
    }
}

/// Sockets that listen, all on one port.
#[derive(Debug)]
pub(crate) struct Listeners {
    sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    patience: Patience,
}

/// How long the server waits for others.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For the head of a request, also of the first one of a connection.
    head: Duration,
    /// For open requests when the server stops.
    drain: Duration,
}

/// Binds every address. Port 0 draws a port that is free on all of them.
///
/// An IPv6 address after the first that this machine does not have is left out.
pub(crate) async fn bind(addresses: &[SocketAddr]) -> Result<Listeners, StartError> {
    let drawn = addresses.first().ok_or(StartError::NoAddress)?.port() == 0;
    for _ in 1..PORT_DRAWS {
        match bind_all(addresses).await {
            Err(StartError::PortInUse { .. }) if drawn => {}
            outcome => return outcome,
        }
    }
    bind_all(addresses).await
}

async fn bind_all(addresses: &[SocketAddr]) -> Result<Listeners, StartError> {
    let mut listeners = Listeners {
        sockets: Vec::new(),
        addresses: Vec::new(),
        patience: PATIENCE,
    };
    for address in addresses {
        let mut address = *address;
        if let (0, Some(first)) = (address.port(), listeners.addresses.first()) {
            address.set_port(first.port());
        }
        let socket = match TcpListener::bind(address).await {
            Ok(socket) => socket,
            Err(error) if is_absent(address, &error) && !listeners.sockets.is_empty() => {
                tracing::debug!(%address, %error, "this machine does not have the address");
                continue;
            }
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::PortInUse { address });
            }
            Err(source) => return Err(StartError::Bind { address, source }),
        };
        let bound = socket
            .local_addr()
            .map_err(|source| StartError::Bind { address, source })?;
        listeners.sockets.push(socket);
        listeners.addresses.push(bound);
    }
    Ok(listeners)
}

/// Without IPv6 the system knows neither the address nor its family.
fn is_absent(address: SocketAddr, error: &io::Error) -> bool {
    const EAFNOSUPPORT: [i32; 3] = [97, 47, 10_047];
    address.is_ipv6()
        && (matches!(
            error.kind(),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
        ) || error
            .raw_os_error()
            .is_some_and(|code| EAFNOSUPPORT.contains(&code)))
}

impl Listeners {
    /// Where the server can be reached.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` becomes true or its sender is gone; then stops accepting and gives
    /// open requests 20 seconds to end.
    ///
    /// Connections end with the future: dropping it closes them at once.
    pub(crate) async fn serve<S, F>(self, service: S, mut shutdown: watch::Receiver<bool>)
    where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut next = 0;
        loop {
            // Finished connections leave nothing behind.
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                biased;
                _ = shutdown.wait_for(|stop| *stop) => break,
                accepted = accept(&self.sockets, &mut next, &places) => accepted,
            };
            let (stream, peer, place) = accepted;
            let connection = connection(
                stream,
                peer,
                self.patience.head,
                service.clone(),
                graceful.watcher(),
            );
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
        }
        drop(self.sockets);
        if tokio::time::timeout(self.patience.drain, graceful.shutdown())
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

async fn connection<S, F>(
    stream: TcpStream,
    peer: SocketAddr,
    patience: Duration,
    service: S,
    watcher: Watcher,
) where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(LARGEST_HEAD as usize)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(LARGEST_HEAD)
        .max_concurrent_streams(128)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let spoken = Arc::new(Notify::new());
    let first_request = Arc::clone(&spoken);
    let service = service_fn(move |request| {
        first_request.notify_one();
        let answer = service(request, peer);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let mut connection = std::pin::pin!(watcher.watch(connection));
    // While hyper-util waits for the bytes that tell HTTP/1 from HTTP/2, no other timer runs.
    let outcome = tokio::select! {
        biased;
        outcome = &mut connection => outcome,
        () = spoken.notified() => connection.await,
        () = tokio::time::sleep(patience) => {
            tracing::debug!(%peer, "a connection said nothing in time");
            return;
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "a connection ended with an error");
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::task::JoinHandle;

    use super::*;

    const ANY: [SocketAddr; 1] = [SocketAddr::new(
        std::net::IpAddr::V4(Ipv4Addr::LOCALHOST),
        0,
    )];

    /// Starts a server whose answer is the path; `/wait` waits for the second channel.
    async fn start(
        patience: Patience,
    ) -> (SocketAddr, watch::Sender<bool>, Arc<Notify>, JoinHandle<()>) {
        let listeners = Listeners {
            patience,
            ..bind(&ANY).await.unwrap()
        };
        let address = listeners.addresses()[0];
        let (stop, stopped) = watch::channel(false);
        let gate = Arc::new(Notify::new());
        let waiting = Arc::clone(&gate);
        let service = move |request: Request<Incoming>, peer: SocketAddr| {
            assert!(peer.ip().is_loopback());
            let gate = Arc::clone(&waiting);
            async move {
                if request.uri().path() == "/wait" {
                    gate.notify_one();
                    gate.notified().await;
                }
                Response::new(Body::from(request.uri().path().to_owned()))
            }
        };
        (
            address,
            stop,
            gate,
            tokio::spawn(listeners.serve(service, stopped)),
        )
    }

    async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    async fn read_all(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn port_zero_is_one_port_on_every_address() {
        let both = [ANY[0], (Ipv6Addr::LOCALHOST, 0).into()];
        let listeners = bind(&both).await.unwrap();
        let ports: Vec<_> = listeners.addresses().iter().map(SocketAddr::port).collect();
        assert!(
            ports[0] != 0 && ports.iter().all(|port| *port == ports[0]),
            "{ports:?}"
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_a_cure() {
        let first = bind(&ANY).await.unwrap();
        let error = bind(first.addresses()).await.unwrap_err();
        assert!(
            matches!(error, StartError::PortInUse { address } if address == first.addresses()[0])
        );
        assert_eq!(error.exit_code(), 1);
        assert!(error.hint().unwrap().contains("--port 0"));
        assert!(
            error
                .to_string()
                .contains(&first.addresses()[0].to_string())
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused() {
        let error = bind(&["192.0.2.1:0".parse().unwrap()]).await.unwrap_err();
        assert!(matches!(error, StartError::Bind { .. }), "{error}");
        assert!(matches!(bind(&[]).await, Err(StartError::NoAddress)));
        let spare = [ANY[0], "[2001:db8::1]:0".parse().unwrap()];
        assert_eq!(bind(&spare).await.unwrap().addresses().len(), 1);
    }

    #[tokio::test]
    async fn http_1_keeps_the_connection_and_h2c_needs_no_upgrade() {
        let (address, _stop, _, _server) = start(PATIENCE).await;
        let two = b"GET /one HTTP/1.1\r\nhost: a\r\n\r\nGET /two HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let answers = read_all(send(address, two).await).await;
        assert!(
            answers.contains("/one") && answers.ends_with("/two"),
            "{answers}"
        );

        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let mut stream = send(address, preface).await;
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        // RFC 9113 §3.4: the server's first frame is SETTINGS, type 4 on stream 0.
        assert_eq!((frame[3], &frame[5..]), (4, &[0; 4][..]));
    }

    #[tokio::test]
    async fn a_head_beyond_the_limit_is_refused() {
        let (address, _stop, _, _server) = start(PATIENCE).await;
        let head = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
            "x".repeat(20_000)
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may close while we still write.
        let _: io::Result<()> = stream.write_all(head.as_bytes()).await;
        let mut answer = [0; 12];
        if stream.read_exact(&mut answer).await.is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 431");
        }
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed() {
        let (address, _stop, _, _server) = start(Patience {
            head: Duration::ZERO,
            ..PATIENCE
        })
        .await;
        for begin in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _: io::Result<()> = stream.write_all(begin).await;
            let mut answer = Vec::new();
            let _: io::Result<usize> = stream.read_to_end(&mut answer).await;
            assert!(!answer.starts_with(b"HTTP/1.1 200"), "{begin:?}");
        }
    }

    #[tokio::test]
    async fn shutdown_lets_an_open_request_end() {
        let (address, stop, gate, server) = start(PATIENCE).await;
        // Accepted before the next one, whose request tells that it was.
        let idle = send(address, b"").await;
        let stream = send(address, b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
        gate.notified().await;
        stop.send(true).unwrap();
        gate.notify_one();
        assert!(read_all(stream).await.ends_with("/wait"));
        assert_eq!(read_all(idle).await, "");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn shutdown_does_not_wait_for_ever() {
        let (address, stop, gate, server) = start(Patience {
            drain: Duration::ZERO,
            ..PATIENCE
        })
        .await;
        let mut stream = send(address, b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
        gate.notified().await;
        drop(stop);
        server.await.unwrap();
        let mut answer = Vec::new();
        let _: io::Result<usize> = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
    }
}
