//! A request on its way through somebody between a program and its server.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// A request, read whole. It goes on with `Connection: close`, so that its answer has an end.
pub(crate) struct PassingRequest {
    /// As in `/default/token`, without a query.
    pub(crate) path: String,
    pub(crate) body: String,
    text: String,
}

impl PassingRequest {
    /// The next request of a program; `None` when none came.
    pub(crate) fn read(client: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        loop {
            let length = client.read(&mut part)?;
            if length == 0 {
                return Ok(None);
            }
            bytes.extend_from_slice(&part[..length]);
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let lines = head.lines().map(str::to_ascii_lowercase);
            let length = lines
                .filter_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                .next_back();
            if body.len() >= length.unwrap_or(0) {
                let target = head.split(' ').nth(1).unwrap_or_default();
                return Ok(Some(Self {
                    path: target.split('?').next().unwrap_or_default().to_owned(),
                    body: body.to_owned(),
                    text: format!("{head}\r\nconnection: close\r\n\r\n{body}"),
                }));
            }
        }
    }

    /// What the server answers.
    pub(crate) fn ask(&self, server: SocketAddr) -> io::Result<Vec<u8>> {
        let mut connection = TcpStream::connect(server)?;
        connection.write_all(self.text.as_bytes())?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        Ok(answer)
    }

    /// A field of its form.
    pub(crate) fn field(&self, wanted: &str) -> Option<String> {
        let mut form = url::form_urlencoded::parse(self.body.as_bytes());
        form.find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    }
}
