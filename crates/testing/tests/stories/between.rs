//! Somebody between a program and its server, who changes what a test wants changed.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::Arc;

use crate::passing_request::PassingRequest;

/// A request that came by.
pub(crate) struct Passing {
    request: PassingRequest,
    server: SocketAddr,
}

impl Deref for Passing {
    type Target = PassingRequest;

    fn deref(&self) -> &PassingRequest {
        &self.request
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lines of `name: value`, in lower case, without a length.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

/// Answers as the test says, until the test ends.
pub(crate) struct Between {
    pub(crate) url: String,
}

impl Between {
    /// Stands before this server; `answer` says what a request gets.
    pub(crate) fn start(
        server: &str,
        answer: impl Fn(&Passing) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = url::Url::parse(server).unwrap();
        let server = SocketAddr::from(([127, 0, 0, 1], server.port().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    // Programs end, and their connections with them.
                    drop(client.and_then(|client| serve(client, server, answer.as_ref())));
                });
            }
        });
        Self { url }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}/default", self.url)
    }
}

impl Passing {
    /// What the server itself says.
    pub(crate) fn forward(&self) -> Reply {
        let answer = String::from_utf8(self.ask(self.server).unwrap()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let is_kept = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            !matches!(name, "content-length" | "transfer-encoding" | "connection")
        };
        Reply {
            status: status.parse().unwrap(),
            headers: lines.filter(is_kept).map(str::to_owned).collect(),
            body: body.to_owned(),
        }
    }

    /// Whether it is a request of this grant.
    pub(crate) fn is_grant(&self, name: &str) -> bool {
        self.path.ends_with("/token") && self.body.contains(name)
    }
}

impl Reply {
    /// A JSON document.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec!["content-type: application/json".to_owned()],
            body: body.to_string(),
        }
    }

    /// What a gateway says whose server is away.
    pub(crate) fn bad_gateway() -> Self {
        Self {
            status: 502,
            headers: vec!["content-type: text/html".to_owned()],
            body: "<h1>Bad Gateway</h1>".to_owned(),
        }
    }

    /// With another body: a JSON document, changed.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut serde_json::Value)) -> Self {
        let mut document = serde_json::from_str(&self.body).unwrap();
        change(&mut document);
        self.body = document.to_string();
        self
    }
}

fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    answer: &(dyn Fn(&Passing) -> Reply + Send + Sync),
) -> io::Result<()> {
    let Some(request) = PassingRequest::read(&mut client)? else {
        return Ok(());
    };
    let reply = answer(&Passing { request, server });
    let mut headers = reply.headers.join("\r\n");
    headers.push_str("\r\n");
    let text = format!(
        "HTTP/1.1 {} x\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{}",
        reply.status,
        reply.body.len(),
        reply.body
    );
    client.write_all(text.as_bytes())
}
