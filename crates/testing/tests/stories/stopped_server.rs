//! `hallpass serve` is told to stop: polls that wait are answered, `/readyz` fails, requests in
//! flight end, and what was answered is kept (row S-271).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

use hallpass_testing::TestPostgres;

use crate::desk::{DEVICE_CODE, Desk};
use crate::production::{Database, Production};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_271_sigterm_answers_everybody_who_waits_on_a_file() {
    let server = stop_with_everybody_waiting(Database::File, "TERM").await;
    // The last connection moved the log into the file.
    assert!(!server.file("hallpass.db-wal").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_271_sigint_answers_everybody_who_waits_on_postgres() {
    stop_with_everybody_waiting(Database::Server(TestPostgres::start()), "INT").await;
}

/// The server, stopped again after a second life.
async fn stop_with_everybody_waiting(database: Database, signal: &str) -> Production {
    let mut server = Production::start(database, &["ada"]);
    let desk = Desk::new(&server.url, 1);
    let person = desk.signed_in_person("ada").await;
    let mut mine = desk.sign_in_by_device(&person).await.unwrap();
    let started = desk.start_device().await;
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", &started.member("device_code")),
    ];
    // Two polls of one device: whichever comes to wait first is answered when the other one does.
    let (tell, answers) = mpsc::channel();
    for tell in [tell.clone(), tell] {
        let poll = Waiting::post(&server, "prefer: wait=25\r\n", &poll);
        thread::spawn(move || tell.send(poll.answer()));
    }
    let taken_over = answers.recv().unwrap();
    assert!(taken_over.contains("authorization_pending"), "{taken_over}");
    // A connection on which nothing was said yet is closed at once.
    let probe = Waiting::connect(&server).send("GET /readyz HTTP/1.1\r\n");
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", &mine.refresh_token),
    ];
    let refreshing = Waiting::hold_back(&server, &refresh);
    assert_eq!(person.open("/livez").await.status, 200);

    server.signal(signal);
    // Nobody listens any more once the server knows; that is polled, not slept for.
    while TcpStream::connect(authority(&server)).is_ok() {
        thread::yield_now();
    }
    let answer = answers.recv().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("authorization_pending"), "{answer}");
    assert!(answer.contains("preference-applied: wait=25"), "{answer}");
    let answer = probe.send("host: x\r\n\r\n").answer();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = refreshing.answer();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let ended = server.end();
    assert_eq!(ended.code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("cut off"), "{}", server.log());

    // The refresh that was answered while the server stopped was kept.
    desk.note_refresh(&mut mine, answer.split("\r\n\r\n").nth(1).unwrap());
    server.start_again();
    desk.history.compare_at_rest(&server.rows());
    desk.refresh(&mut mine).await;
    // Whoever waited for a decision still does, and gets it.
    let tokens = desk.approve_and_poll(&person, &started).await;
    assert!(desk.is_active(&tokens.access_token).await);
    server.signal(signal);
    assert_eq!(server.end().code(), Some(0), "{}", server.log());
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_is_told_to_whoever_asks_before_nobody_listens_any_more() {
    let mut server = Production::start(Database::File, &[]);
    let get = |path: &str| {
        let request = reqwest::get(format!("{}{path}", server.url));
        async move { request.await.map(|answer| answer.status().as_u16()) }
    };
    assert_eq!(get("/readyz").await.unwrap(), 200);
    server.signal("TERM");
    // Each on a connection of its own: the server still accepts them.
    while get("/readyz").await.unwrap() != 503 {}
    for _ in 0..3 {
        assert_eq!(get("/.well-known/jwks.json").await.unwrap(), 200);
    }
    assert_eq!(get("/readyz").await.unwrap(), 503);
    // The balancer has heard and sends nothing: then nobody listens.
    let ended = server.end();
    assert_eq!(ended.code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("cut off"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sigterm_waits_for_nobody() {
    let mut server = Production::start(Database::File, &[]);
    let readyz = format!("{}/readyz", server.url);
    assert_eq!(reqwest::get(&readyz).await.unwrap().status(), 200);
    server.signal("TERM");
    while reqwest::get(&readyz).await.unwrap().status() != 503 {}
    // Requests still come, so that it would go on for eighteen seconds.
    let asking = tokio::spawn(async move { while reqwest::get(&readyz).await.is_ok() {} });
    let asked = tokio::time::Instant::now();
    server.signal("TERM");
    let ended = server.end();
    assert_eq!(ended.code(), Some(0), "{}", server.log());
    assert!(asked.elapsed() < std::time::Duration::from_secs(2));
    asking.await.unwrap();
}

fn authority(server: &Production) -> &str {
    server.url.strip_prefix("http://").unwrap()
}

/// A connection whose answer is still to come.
struct Waiting {
    stream: TcpStream,
    rest: String,
}

impl Waiting {
    fn connect(server: &Production) -> Self {
        let stream = TcpStream::connect(authority(server)).unwrap();
        Self {
            stream,
            rest: String::new(),
        }
    }

    /// Posts a form to the token endpoint.
    fn post(server: &Production, header: &str, form: &[(&str, &str)]) -> Self {
        let body = encoded(form);
        let head = head(server, header, &body);
        Self::connect(server).send(&(head + &body))
    }

    /// Begins to post a form, and goes on once the server asks for it: the request is in flight
    /// then.
    fn hold_back(server: &Production, form: &[(&str, &str)]) -> Self {
        let body = encoded(form);
        let mut waiting =
            Self::connect(server).send(&head(server, "expect: 100-continue\r\n", &body));
        let mut asked = [0; 25];
        waiting.stream.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        waiting.rest = body;
        waiting
    }

    fn send(mut self, text: &str) -> Self {
        self.stream.write_all(text.as_bytes()).unwrap();
        self
    }

    /// The answer, once all is sent.
    fn answer(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn head(server: &Production, header: &str, body: &str) -> String {
    format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\n{header}\r\n",
        authority(server),
        body.len()
    )
}

fn encoded(form: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(form).finish()
}
