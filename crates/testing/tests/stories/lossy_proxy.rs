//! A network between a program and its server that loses answers, and sees who refreshes.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::dice::Dice;
use crate::passing_request::PassingRequest;

/// Hands one request per connection to a server, and loses some of the answers after the server gave
/// them.
pub(crate) struct LossyProxy {
    /// Where programs reach it.
    pub(crate) url: String,
    network: Arc<Network>,
}

struct Network {
    listener: TcpListener,
    /// In percent.
    losses: AtomicU64,
    dice: Dice,
    seen: Mutex<Seen>,
    /// The refreshes under way.
    open: Mutex<Vec<(u64, TcpStream)>>,
}

/// What went by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The refresh tokens that were sent.
    pub(crate) refresh_tokens: BTreeSet<String>,
    /// How many requests carried one.
    pub(crate) refreshes: u64,
    /// How many of them were under way at once, from programs that still listened.
    pub(crate) most_at_once: usize,
    /// How many answers were lost.
    pub(crate) lost: u64,
}

impl LossyProxy {
    /// Takes a port; nothing is handed on before [`Self::lead_to`].
    pub(crate) fn new(dice: &Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let network = Network {
            losses: AtomicU64::new(0),
            dice: dice.another(),
            seen: Mutex::default(),
            open: Mutex::default(),
            listener,
        };
        let url = format!("http://{}", network.listener.local_addr().unwrap());
        let network = Arc::new(network);
        Self { url, network }
    }

    /// Begins to hand requests on.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        let network = Arc::clone(&self.network);
        std::thread::spawn(move || {
            for (client, id) in network.listener.incoming().zip(0..) {
                let network = Arc::clone(&network);
                std::thread::spawn(move || {
                    // Programs are killed, and their connections with them.
                    drop(client.and_then(|client| network.carry(client, server, id)));
                });
            }
        });
    }

    /// From now on, loses this many answers of 100.
    pub(crate) fn lose(&self, percent: u64) {
        self.network.losses.store(percent, Ordering::SeqCst);
    }

    /// What went by since the last call.
    pub(crate) fn take_seen(&self) -> Seen {
        std::mem::take(&mut self.network.seen.lock().unwrap())
    }
}

impl Network {
    fn carry(&self, mut client: TcpStream, server: SocketAddr, id: u64) -> io::Result<()> {
        let Some(request) = PassingRequest::read(&mut client)? else {
            return Ok(());
        };
        let refresh_token = request.field("refresh_token");
        if let Some(token) = &refresh_token {
            self.begin(id, &client, token)?;
        }
        let answer = request.ask(server);
        let is_lost = self.dice.below(100) < self.losses.load(Ordering::SeqCst);
        let told = match answer {
            Ok(answer) if !is_lost => client.write_all(&answer),
            _ => Ok(()),
        };
        if refresh_token.is_some() {
            self.open.lock().unwrap().retain(|(open, _)| *open != id);
        }
        self.seen.lock().unwrap().lost += u64::from(is_lost);
        told.and_then(|()| client.shutdown(Shutdown::Both))
    }

    fn begin(&self, id: u64, client: &TcpStream, token: &str) -> io::Result<()> {
        let mut open = self.open.lock().unwrap();
        open.retain(|(_, other)| is_there(other));
        open.push((id, client.try_clone()?));
        let mut seen = self.seen.lock().unwrap();
        seen.most_at_once = seen.most_at_once.max(open.len());
        seen.refreshes += 1;
        seen.refresh_tokens.insert(token.to_owned());
        Ok(())
    }
}

/// Whether a program still waits at the other end. Its request has been read, so it has nothing more
/// to say.
fn is_there(client: &TcpStream) -> bool {
    let look = client
        .set_read_timeout(Some(Duration::from_millis(1)))
        .and_then(|()| client.peek(&mut [0]));
    look.is_err_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        )
    })
}
