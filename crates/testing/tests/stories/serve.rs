//! `hallpass serve --dev` that cannot start, and one that is told to stop.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::home::Home;
use crate::server_process::Server;

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = Home::new().run(&["serve", "--dev", "--port", &port]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran}");
    let named = format!("cannot listen on 127.0.0.1:{port}: the port is in use");
    assert!(ran.stderr.contains(&named), "{ran}");
    assert!(ran.stderr.contains("\n  hint: "), "{ran}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_with_its_place() {
    let home = Home::new();
    for (text, problem) in [
        ("[ttl]\naccess = 1h\n", "server.toml:2:10: "),
        (
            "[ttl]\n\n  acces = \"1h\"\n",
            "server.toml:3:3: unknown key `ttl.acces`",
        ),
        ("listen = 8080\n", "server.toml:1:10: "),
    ] {
        let file = home.write("server.toml", text);
        let ran = home.run(&["serve", "--dev", "--port", "0", "--config", &file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(5), ""), "{ran}");
        assert!(ran.stderr.contains(problem), "{problem}: {ran}");
        assert!(ran.stderr.contains("\n  hint: "), "{ran}");
    }
    let folder = home.path("folder.toml");
    std::fs::create_dir(&folder).unwrap();
    for path in [folder, home.path("absent.toml")] {
        let path = path.to_str().unwrap();
        let ran = home.run(&["serve", "--dev", "--port", "0", "--config", path]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(5), ""), "{ran}");
        assert!(
            ran.stderr.contains(&format!("cannot read `{path}`")),
            "{ran}"
        );
        assert!(ran.stderr.contains("\n  hint: "), "{ran}");
    }
}

#[test]
fn s_284_dev_mode_refuses_a_database() {
    let home = Home::new();
    let words = [
        "serve",
        "--dev",
        "--port",
        "0",
        "--database",
        "postgres://x",
    ];
    let flag = home.run(&words);
    let mut command = home.hallpass(&words[..4]);
    command.env("HALLPASS__DATABASE__URL", "postgres://user:canary@db/x");
    let variable = command.output().unwrap().into();
    for ran in [flag, variable] {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(5), ""), "{ran}");
        assert!(ran.stderr.contains("a database URL"), "{ran}");
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
}

#[test]
fn a_request_in_flight_is_answered_after_sigterm() {
    for signal in ["TERM", "INT"] {
        let server = Server::start();
        let authority = server.url.strip_prefix("http://").unwrap();
        let mut request = TcpStream::connect(authority).unwrap();
        let body = "grant_type=client_credentials&client_id=robot&client_secret=s";
        let head = format!(
            "POST /default/token HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        request.write_all(head.as_bytes()).unwrap();
        // The server asks for the body: the request is in flight.
        let mut asked = [0; 25];
        request.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        server.signal(signal);
        // The port is closed once the server knows; that is polled, not slept for.
        while TcpStream::connect(authority).is_ok() {
            std::thread::yield_now();
        }
        request.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        request.read_to_string(&mut answer).unwrap();
        let (status, log) = server.end();
        assert!(
            answer.starts_with("HTTP/1.1 200 "),
            "{signal}: {answer:?}, {status}: {log}"
        );
        assert!(answer.contains("\"access_token\""), "{answer}");
        assert_eq!(status.code(), Some(0), "{signal}: {log}");
    }
}
