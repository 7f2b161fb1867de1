//! One HTTP request, handed on as it came but for what TLS adds.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::{ServerConnection, StreamOwned};

use super::authority::Identity;

/// Longer requests are no requests of a sign-in.
const LONGEST: usize = 1024 * 1024;

/// Speaks TLS as this identity, and hands one request on to a server without TLS, as a reverse proxy
/// does.
pub(super) fn serve(client: TcpStream, identity: &Identity, server: SocketAddr) -> io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(&identity.0)).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(connection, client);
    let Some(request) = read_request(&mut client)? else {
        return Ok(());
    };
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(&request)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.conn.send_close_notify();
    client.flush()
}

/// A request, with the headers that a reverse proxy adds; `None` when none came.
fn read_request(client: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = find(&bytes, b"\r\n\r\n") {
            let (head, body) = bytes.split_at(head);
            let body = body.get(4..).unwrap_or_default();
            let text = String::from_utf8_lossy(head);
            let length: usize = text
                .lines()
                .filter_map(|line| line.split_once(':'))
                .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .find_map(|(_, value)| value.trim().parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                let more = b"\r\nx-forwarded-proto: https\r\nconnection: close\r\n\r\n";
                return Ok(Some([head, more.as_slice(), body].concat()));
            }
        }
        let mut part = [0; 4096];
        let read = client.read(&mut part)?;
        if read == 0 || bytes.len() > LONGEST {
            return Ok(None);
        }
        bytes.extend_from_slice(part.get(..read).unwrap_or_default());
    }
}

pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
