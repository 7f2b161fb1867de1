//! An API that takes every token, and remembers who came with which.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long a request is waited for: long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The API. It ends with the test's process.
pub(crate) struct Api {
    pub(crate) url: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    changed: Condvar,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    /// The value of `Authorization`.
    pub(crate) authorization: String,
}

impl Api {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Seen::default());
        let noted = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let request = answer(&stream.unwrap());
                noted.requests.lock().unwrap().push(request);
                noted.changed.notify_all();
            }
        });
        Self { url, seen }
    }

    /// What came so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Waits until what came is enough.
    pub(crate) fn wait_until(&self, is_enough: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let requests = self.seen.requests.lock().unwrap();
        let (requests, _) = self
            .seen
            .changed
            .wait_timeout_while(requests, PATIENCE, |requests| !is_enough(requests))
            .unwrap();
        assert!(is_enough(&requests), "only {requests:#?}");
        requests.clone()
    }
}

fn answer(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.clone_into(&mut authorization),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let reply = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\nhello, ada!";
    let mut stream = stream;
    stream.write_all(reply.as_bytes()).unwrap();
    let words: Vec<&str> = line.split(' ').take(2).collect();
    Request {
        line: words.join(" "),
        authorization,
    }
}
