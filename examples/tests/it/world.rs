//! A server to sign in to, a home for the program, and what the program prints.

use std::borrow::BorrowMut;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use hallpass_testing::{Person, TestServer, server};
use tempfile::TempDir;

/// A server whose clock shows the time of the programs at its start, and stands.
pub(crate) async fn server(toml: &str) -> TestServer {
    let server = TestServer::start(server::settings(toml, false)).await;
    let ahead = SystemClock.now().unix_seconds() - server::START;
    server.advance(u64::try_from(ahead).unwrap());
    server
}

/// Devices may ask every second. The server's clock stands, so [`lets_ask`] says when one has passed.
pub(crate) const EVERY_SECOND: &str = "[device]\ninterval = \"1s\"\n";

/// Time passes for the server: the next poll of a device is not too early.
pub(crate) fn lets_ask(server: &TestServer) {
    server.advance(2);
}

/// A user's home, and nothing from outside.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// A program that lives here and knows these places. It has no terminal.
    pub(crate) fn program(&self, program: &str, issuer: &str, api: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.0.path())
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("ACME_ISSUER", issuer)
            .env("ACME_API", api)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }
}

/// An address where nobody listens.
pub(crate) fn nowhere() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A program at work, whose lines are read as they come. Dropping it kills the program.
pub(crate) struct Running {
    child: Child,
    /// `None` when nobody reads it any more.
    said: Option<BufReader<ChildStdout>>,
    complained: BufReader<ChildStderr>,
}

impl Running {
    pub(crate) fn start(mut command: impl BorrowMut<Command>) -> Self {
        let mut child = command
            .borrow_mut()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = child.stdout.take().map(BufReader::new);
        let complained = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            said,
            complained,
        }
    }

    /// Its standard input, where it was piped.
    pub(crate) fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// The next line, without its end; empty when there is none any more.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let said = self.said.as_mut().unwrap();
        said.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of standard error.
    pub(crate) fn complaint(&mut self) -> String {
        let mut line = String::new();
        self.complained.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Closes the program's standard output.
    pub(crate) fn stop_reading(&mut self) {
        self.said = None;
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// Waits for its end: the exit code, and what else it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        if let Some(lines) = &mut self.said {
            lines.read_to_string(&mut said).unwrap();
        }
        self.complained.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Approves a device code as ada.
pub(crate) async fn approve(person: &Person, server: &TestServer, user_code: &str) {
    let done = person.approve(user_code, "ada").await;
    assert_eq!(done.status, 200, "{}", done.body);
    lets_ask(server);
}

/// The user code on a screen: four letters, a dash, four letters.
pub(crate) fn user_code(screen: &str) -> Option<String> {
    let is_letters = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_uppercase());
    screen
        .split_whitespace()
        .find(|word| {
            word.split_once('-')
                .is_some_and(|(first, second)| is_letters(first) && is_letters(second))
        })
        .map(str::to_owned)
}
