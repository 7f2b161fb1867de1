//! A network between two programs that can fall silent: bytes vanish, nothing is refused, nobody
//! hangs up.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking"
)]

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The network. Dropping it cuts every connection.
#[derive(Debug)]
pub struct SilentNetwork {
    address: SocketAddr,
    is_silent: watch::Sender<bool>,
    came: watch::Receiver<usize>,
    accepting: JoinHandle<()>,
}

impl SilentNetwork {
    /// A network that leads to an address of this machine; it talks at first.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("its number");
        let (is_silent, silence) = watch::channel(false);
        let (coming, came) = watch::channel(0);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                coming.send_modify(|count| *count += 1);
                let silence = silence.clone();
                connections.spawn(async move {
                    let mut heard = silence.clone();
                    if heard.wait_for(|is_silent| !is_silent).await.is_err() {
                        return;
                    }
                    let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
                        return;
                    };
                    let ((near_in, near_out), (far_in, far_out)) =
                        (near.into_split(), far.into_split());
                    tokio::select! {
                        () = carry(near_in, far_out, silence.clone()) => {}
                        () = carry(far_in, near_out, silence) => {}
                    }
                });
            }
        });
        Self {
            address,
            is_silent,
            came,
            accepting,
        }
    }

    /// Waits until somebody connects anew: who had a connection has given it up.
    pub async fn next_connection(&self) {
        let mut came = self.came.clone();
        let so_far = *came.borrow();
        let next = came.wait_for(|count| *count > so_far).await;
        drop(next.expect("the network stands"));
    }

    /// Where it is entered.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Lets every byte vanish from now on, also those of new connections.
    pub fn fall_silent(&self) {
        self.is_silent.send_replace(true);
    }

    /// Lets bytes through again, also those that waited.
    pub fn talk_again(&self) {
        self.is_silent.send_replace(false);
    }
}

impl Drop for SilentNetwork {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut silence: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let some = bytes.get(..count).unwrap_or_default();
        if silence.wait_for(|is_silent| !is_silent).await.is_err()
            || to.write_all(some).await.is_err()
        {
            return;
        }
    }
}
