//! No request, cookie or form makes the server fail or fall silent.
//!
//! The first byte picks the path, the rest is lines: query, `Cookie`, `Authorization`, `DPoP`, body.
#![no_main]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hallpass_server::{Server, Settings};
use libfuzzer_sys::fuzz_target;

const FORM: &str = "application/x-www-form-urlencoded";
const PATHS: [(&str, &str, &str); 14] = [
    ("POST", "/default/token", FORM),
    ("POST", "/default/device_authorization", FORM),
    ("GET", "/default/authorize", ""),
    ("POST", "/default/authorize", FORM),
    ("POST", "/default/par", FORM),
    ("POST", "/default/introspect", FORM),
    ("POST", "/default/revoke", FORM),
    ("POST", "/default/register", "application/json"),
    ("GET", "/default/userinfo", ""),
    ("GET", "/default/device", ""),
    ("POST", "/default/device", FORM),
    ("POST", "/default/device/confirm", FORM),
    ("GET", "/default/endsession", ""),
    ("POST", "/default/endsession", FORM),
];

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let running = Server::start(Settings::for_tests())
                .await
                .expect("a server");
            tell.send(running.addresses()[0]).expect("somebody waits");
            std::future::pending::<()>().await;
        });
    });
    told.recv().expect("the server starts")
});

/// Sends a request on a connection of its own, and reads until the server closes it.
fn ask(request: &[u8]) -> (Vec<u8>, std::io::Result<usize>) {
    let mut connection = TcpStream::connect(*SERVER).expect("the server listens");
    connection
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a limit");
    // It may refuse before it has read all.
    let _ = connection.write_all(request);
    let mut answer = Vec::new();
    let ended = connection.read_to_end(&mut answer);
    (answer, ended)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let (method, path, content_type) = PATHS[usize::from(*first) % PATHS.len()];
    let mut lines = rest.splitn(5, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let query: String = line()
        .iter()
        .map(|byte| match byte {
            b'!'..=b'~' if *byte != b'#' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut request =
        format!("{method} {path}?{query} HTTP/1.1\r\nHost: {}\r\n", *SERVER).into_bytes();
    for name in ["Cookie", "Authorization", "DPoP"] {
        let value: Vec<u8> = line()
            .iter()
            .copied()
            .filter(|byte| !matches!(byte, b'\r' | 0))
            .collect();
        if !value.is_empty() {
            request.extend_from_slice(format!("{name}: ").as_bytes());
            request.extend_from_slice(&value);
            request.extend_from_slice(b"\r\n");
        }
    }
    let body = line();
    let head = format!(
        "Content-Type: {content_type}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body);

    let began = Instant::now();
    let (mut answer, mut ended) = ask(&request);
    // Whoever is silent for longer than the server waits for a head is left without an answer: so is this process
    // when somebody stops it in between. The same request has to be answered then.
    if answer.is_empty() && began.elapsed() > Duration::from_secs(4) {
        (answer, ended) = ask(&request);
    }
    let status = answer.get(9..12).unwrap_or_default();
    assert!(
        status
            .first()
            .is_some_and(|digit| matches!(digit, b'2'..=b'4')),
        "{:?} ({ended:?}) to {:?}",
        String::from_utf8_lossy(&answer),
        String::from_utf8_lossy(&request)
    );
});
