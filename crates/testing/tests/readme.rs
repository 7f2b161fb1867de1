//! Runs every command that the README shows, in its order, as a reader would at a terminal.
//!
//! Two differences: the server listens on a free port instead of 8080, and what would ask a person
//! gets one. `scripts/check` is the exception: this test is a part of it.

#![allow(
    clippy::unwrap_used,
    reason = "a reader who cannot go on fails the test"
)]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use hallpass_testing::{Person, Terminal, pty};

#[tokio::test]
async fn every_command_of_the_readme_runs() {
    let mut reader = Reader::new();
    let commands = commands();
    for command in &commands {
        reader.types(command).await;
    }
    assert!(commands.len() >= 6, "commands are missing: {commands:?}");
}

#[test]
fn ci_runs_the_second_command_and_nothing_else() {
    let second = commands().into_iter().nth(1).unwrap();
    assert_eq!(second, "scripts/check");
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let lines: Vec<&str> = ci.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["exec \"$(dirname \"$0\")/../scripts/check\""]);
}

/// Somebody at a terminal, with a home of their own and the server that they started.
struct Reader {
    home: tempfile::TempDir,
    port: u16,
    /// Its output stays open: a program that cannot write its log might stop.
    server: Option<(Child, BufReader<ChildStdout>)>,
}

impl Reader {
    fn new() -> Self {
        // Asked for and given back: free at least until the server asks for it.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Self {
            home: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
            server: None,
        }
    }

    async fn types(&mut self, command: &str) {
        let command = command.replace("localhost:8080", &format!("localhost:{}", self.port));
        match command.as_str() {
            "scripts/check" => {}
            "cargo run -- demo" => self.runs("cargo run --locked -- demo --yes"),
            "hallpass serve --dev" => self.serves(&command),
            login if login.starts_with("hallpass login") => self.signs_in(login).await,
            other => self.runs(other),
        }
    }

    fn runs(&self, command: &str) {
        let output = self.shell(command).stdin(Stdio::null()).output().unwrap();
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "`{command}`: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }

    fn serves(&mut self, command: &str) {
        let mut server = self
            .shell(&format!("exec {command} 2>&1"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let url = format!("http://localhost:{}", self.port);
        let is_ready = said
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains(&url));
        self.server = Some((server, said));
        assert!(
            is_ready,
            "`{command}` does not say that it listens on {url}"
        );
    }

    /// Signs in with a device code, because no browser can open, and approves it as ada.
    async fn signs_in(&self, command: &str) {
        let terminal = Terminal::start(self.shell(command), 100, 40);
        let code = terminal.wait_until("a user code", user_code);
        let person = Person::new(&format!("http://localhost:{}", self.port));
        let page = person.approve(&code, "ada").await;
        assert_eq!(page.status, 200, "{}", page.body);
        let ended = terminal.end();
        assert_eq!(ended.code, Some(0), "`{command}`:\n{}", ended.text);
    }

    fn shell(&self, command: &str) -> Command {
        let folder = pty::hallpass();
        let folder = folder.parent().unwrap().display();
        let path = format!("{folder}:{}", env::var_os("PATH").unwrap().display());
        let mut shell = Command::new("bash");
        shell
            .args(["-c", &format!("set -o pipefail; {command}")])
            .current_dir(root())
            .env("PATH", path)
            .env("SERVER_PORT", self.port.to_string())
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8");
        // A reader has no settings yet, and no screen that a browser could open on.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("HALLPASS_") {
                shell.env_remove(name);
            }
        }
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "CI"] {
            shell.env_remove(name);
        }
        shell.env("HALLPASS_HOME", self.home.path());
        shell
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some((server, _)) = &mut self.server {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// Every line of every `sh` block.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .flat_map(|(block, _)| block.lines())
        .map(str::to_owned)
        .collect()
}

/// The first user code on the screen.
fn user_code(screen: &str) -> Option<String> {
    let is_half = |half: &str| half.len() == 4 && half.bytes().all(|b| b.is_ascii_uppercase());
    screen
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .find(|word| {
            word.split_once('-')
                .is_some_and(|(left, right)| is_half(left) && is_half(right))
        })
        .map(str::to_owned)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
