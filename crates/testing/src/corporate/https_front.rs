//! TLS before a server that has none.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

use std::net::{SocketAddr, TcpListener};

use super::authority::Identity;
use super::one_exchange;

/// Answers with TLS on a port of its own, as the reverse proxy of a server does. Lives until the test
/// ends.
#[derive(Clone, Copy, Debug)]
pub struct HttpsFront {
    address: SocketAddr,
}

impl HttpsFront {
    /// Starts one with this identity, before this server.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn start(identity: Identity, server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let identity = identity.clone();
                std::thread::spawn(move || {
                    // A client that does not trust the certificate hangs up.
                    drop(client.and_then(|it| one_exchange::serve(it, &identity, server)));
                });
            }
        });
        Self { address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
