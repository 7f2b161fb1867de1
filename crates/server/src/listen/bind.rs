//! Binds the sockets: one port on every address.
//!
//! For users: `docs/dev-mode.md`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use super::start_error::StartError;
use crate::tls::Tls;

/// How often a port that one address gave is tried on the others.
const PORT_DRAWS: u32 = 32;
/// How long the head of a request may take.
pub(super) const PATIENCE: Patience = Patience {
    head: Duration::from_secs(5),
};

/// Sockets that listen, all on one port.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(super) sockets: Vec<TcpListener>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) patience: Patience,
    pub(super) tls: Option<Tls>,
}

/// How long the server waits for others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the head of a request, also of the first one of a connection.
    pub(super) head: Duration,
}

impl Listeners {
    /// Speaks TLS on every socket.
    pub(crate) fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// Where the server can be reached.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
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
        tls: None,
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
