//! Ports, both versions of HTTP, limits and the end of it all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use std::net::{Ipv4Addr, Ipv6Addr};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::bind::{Listeners, PATIENCE, Patience};
use super::*;

use crate::Body;

const ANY: [SocketAddr; 1] = [SocketAddr::new(
    std::net::IpAddr::V4(Ipv4Addr::LOCALHOST),
    0,
)];

/// Starts a server whose answer is the path; `/wait` waits for the second channel.
async fn start(
    patience: Patience,
) -> (
    SocketAddr,
    watch::Sender<Option<Duration>>,
    Arc<Notify>,
    JoinHandle<()>,
) {
    let listeners = Listeners {
        patience,
        ..bind(&ANY).await.unwrap()
    };
    let address = listeners.addresses()[0];
    let (stop, stopped) = watch::channel(None);
    let gate = Arc::new(Notify::new());
    let waiting = Arc::clone(&gate);
    let service = move |request: Request<Incoming>, peer: SocketAddr| {
        assert!(peer.ip().is_loopback());
        let gate = Arc::clone(&waiting);
        async move {
            if request.uri().path() == "/wait" {
                gate.notify_one();
                gate.notified().await;
            }
            Response::new(Body::from(request.uri().path().to_owned()))
        }
    };
    (
        address,
        stop,
        gate,
        tokio::spawn(listeners.serve(service, stopped)),
    )
}

async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn port_zero_is_one_port_on_every_address() {
    let both = [ANY[0], (Ipv6Addr::LOCALHOST, 0).into()];
    let listeners = bind(&both).await.unwrap();
    let ports: Vec<_> = listeners.addresses().iter().map(SocketAddr::port).collect();
    assert!(
        ports[0] != 0 && ports.iter().all(|port| *port == ports[0]),
        "{ports:?}"
    );
}

#[tokio::test]
async fn a_taken_port_is_named_with_a_cure() {
    let first = bind(&ANY).await.unwrap();
    let error = bind(first.addresses()).await.unwrap_err();
    assert!(matches!(error, StartError::PortInUse { address } if address == first.addresses()[0]));
    assert_eq!(error.exit_code(), 1);
    assert!(error.hint().unwrap().contains("--port 0"));
    assert!(
        error
            .to_string()
            .contains(&first.addresses()[0].to_string())
    );
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused() {
    let error = bind(&["192.0.2.1:0".parse().unwrap()]).await.unwrap_err();
    assert!(matches!(error, StartError::Bind { .. }), "{error}");
    assert!(matches!(bind(&[]).await, Err(StartError::NoAddress)));
    let spare = [ANY[0], "[2001:db8::1]:0".parse().unwrap()];
    assert_eq!(bind(&spare).await.unwrap().addresses().len(), 1);
}

#[tokio::test]
async fn http_1_keeps_the_connection_and_h2c_needs_no_upgrade() {
    let (address, _stop, _, _server) = start(PATIENCE).await;
    let two = b"GET /one HTTP/1.1\r\nhost: a\r\n\r\nGET /two HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = read_all(send(address, two).await).await;
    assert!(
        answers.contains("/one") && answers.ends_with("/two"),
        "{answers}"
    );

    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut stream = send(address, preface).await;
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    // RFC 9113 §3.4: the server's first frame is SETTINGS, type 4 on stream 0.
    assert_eq!((frame[3], &frame[5..]), (4, &[0; 4][..]));
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused() {
    let (address, _stop, _, _server) = start(PATIENCE).await;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close while we still write.
    stream.write_all(head.as_bytes()).await.ok();
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).await.is_ok() {
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let (address, _stop, _, _server) = start(Patience {
        head: Duration::ZERO,
    })
    .await;
    for begin in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begin).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{begin:?}");
    }
}

#[tokio::test]
async fn shutdown_lets_an_open_request_end() {
    let (address, stop, gate, server) = start(PATIENCE).await;
    // Accepted before the next one, whose request tells that it was.
    let idle = send(address, b"").await;
    let stream = send(address, b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
    gate.notified().await;
    stop.send(Some(Duration::from_secs(20))).unwrap();
    gate.notify_one();
    assert!(read_all(stream).await.ends_with("/wait"));
    assert_eq!(read_all(idle).await, "");
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let (address, stop, gate, server) = start(PATIENCE).await;
    let mut stream = send(address, b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
    gate.notified().await;
    drop(stop);
    server.await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    assert!(answer.is_empty());
}
