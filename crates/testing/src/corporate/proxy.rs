//! A proxy for HTTPS, as companies have it: it opens tunnels (RFC 9110 §9.3.6), or looks into them.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::authority::Authority;
use super::one_exchange;

/// A proxy at work, until the test ends.
#[derive(Debug)]
pub struct CorporateProxy {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    seen: Arc<Mutex<Vec<Tunnel>>>,
}

/// A tunnel that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// Host and port.
    pub to: String,
    /// The user and password that came with it.
    pub credentials: Option<String>,
}

#[derive(Clone, Debug)]
struct Manner {
    /// Where every name leads.
    server: SocketAddr,
    wanted: Option<String>,
    intercepts: Option<Authority>,
    refuses: bool,
}

impl CorporateProxy {
    /// Starts one that knows this server by every name: with TLS, unless it intercepts.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let manner = Arc::new(Mutex::new(Manner {
            server,
            wanted: None,
            intercepts: None,
            refuses: false,
        }));
        let seen = Arc::default();
        let proxy = Self {
            address,
            manner: Arc::clone(&manner),
            seen: Arc::clone(&seen),
        };
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let manner = manner.lock().expect("no panic").clone();
                let seen = Arc::clone(&seen);
                // Who hangs up is no failure of the proxy's.
                std::thread::spawn(move || drop(client.and_then(|it| manner.serve(it, &seen))));
            }
        });
        proxy
    }

    /// From now on, only with these credentials, `user:password`.
    #[must_use]
    pub fn wants(self, credentials: &str) -> Self {
        self.change(|manner| manner.wanted = Some(credentials.to_owned()))
    }

    /// From now on, answers TLS itself, with certificates of this authority, and hands what it reads to
    /// the server without TLS.
    #[must_use]
    pub fn intercepts(self, authority: &Authority) -> Self {
        self.change(|manner| manner.intercepts = Some(authority.clone()))
    }

    /// From now on, lets nobody through.
    #[must_use]
    pub fn refuses(self) -> Self {
        self.change(|manner| manner.refuses = true)
    }

    fn change(self, change: impl FnOnce(&mut Manner)) -> Self {
        change(&mut self.manner.lock().expect("no panic"));
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as `HTTPS_PROXY` has it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every tunnel that was asked for, in order.
    ///
    /// # Panics
    ///
    /// When the proxy panicked.
    pub fn seen(&self) -> Vec<Tunnel> {
        self.seen.lock().expect("no panic").clone()
    }
}

impl Manner {
    fn serve(self, mut client: TcpStream, seen: &Mutex<Vec<Tunnel>>) -> io::Result<()> {
        let Some(tunnel) = read_connect(&mut client)? else {
            return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n");
        };
        let (host, credentials) = (host_of(&tunnel.to), tunnel.credentials.clone());
        seen.lock().expect("no panic").push(tunnel);
        if self.wanted.is_some() && self.wanted != credentials {
            let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                proxy-authenticate: Basic realm=\"company\"\r\ncontent-length: 0\r\n\r\n";
            return client.write_all(answer.as_bytes());
        }
        if self.refuses {
            return client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        }
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        match self.intercepts {
            Some(authority) => {
                one_exchange::serve(client, &authority.identity(&[&host]), self.server)
            }
            None => join(client, TcpStream::connect(self.server)?),
        }
    }
}

/// The head of a `CONNECT`; `None` for other requests.
fn read_connect(client: &mut TcpStream) -> io::Result<Option<Tunnel>> {
    let mut bytes = Vec::new();
    // One by one: what follows the head is TLS already.
    while one_exchange::find(&bytes, b"\r\n\r\n").is_none() {
        let mut byte = [0];
        if client.read(&mut byte)? == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&bytes);
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("CONNECT"), Some(to)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let credentials = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
        .and_then(|(_, value)| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Some(Tunnel {
        to: to.to_owned(),
        credentials,
    }))
}

fn host_of(authority: &str) -> String {
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    host.trim_matches(['[', ']']).to_owned()
}

/// Carries bytes both ways until both sides are done.
fn join(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = std::thread::spawn(move || {
        // Either side may hang up.
        drop(io::copy(&mut from_client, &mut to_server));
        drop(to_server.shutdown(Shutdown::Write));
    });
    let (mut from_server, mut to_client) = (server, client);
    let down = io::copy(&mut from_server, &mut to_client);
    drop(to_client.shutdown(Shutdown::Both));
    drop(up.join());
    down.map(|_| ())
}
