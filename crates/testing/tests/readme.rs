//! Runs every command that the README shows, in its order, as a reader would at a terminal.
//!
//! Two differences: the server listens on a free port instead of 8080, and what would ask a person
//! gets one. `scripts/check` is the exception: this test is a part of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a reader who cannot go on fails the test"
)]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pty_process::blocking as pty;
use url::Url;

#[test]
fn every_command_of_the_readme_runs() {
    let mut reader = Reader::new();
    let commands = commands();
    for command in &commands {
        reader.types(command);
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

/// Somebody at a terminal, with an account of their own and the server that they started.
struct Reader {
    home: tempfile::TempDir,
    port: u16,
    path: String,
    server: Option<Child>,
}

impl Reader {
    fn new() -> Self {
        // Asked for and given back: free at least until the server asks for it.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let binary = assert_cmd::cargo::cargo_bin("hallpass");
        assert!(
            binary.exists(),
            "run `cargo build` first: {}",
            binary.display()
        );
        let folder = binary.parent().unwrap().display();
        Self {
            home: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
            path: format!("{folder}:{}", env::var_os("PATH").unwrap().display()),
            server: None,
        }
    }

    fn types(&mut self, command: &str) {
        let command = command.replace("localhost:8080", &format!("localhost:{}", self.port));
        match command.as_str() {
            "scripts/check" => {
                assert!(root().join("scripts/check").exists());
            }
            "cargo run -- demo" => self.runs("cargo run --locked -- demo --yes"),
            "hallpass serve --dev" => self.serves(&command),
            login if login.starts_with("hallpass login") => self.signs_in(login),
            other => self.runs(other),
        }
    }

    fn runs(&self, command: &str) {
        let mut shell = Command::new("bash");
        shell
            .args(["-c", command])
            .current_dir(root())
            .envs(self.environment());
        for name in SCREEN {
            shell.env_remove(name);
        }
        let output = shell.stdin(Stdio::null()).output().unwrap();
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "`{command}`: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }

    fn serves(&mut self, command: &str) {
        let mut server = Command::new("bash")
            .args(["-c", &format!("exec {command} 2>&1")])
            .current_dir(self.home.path())
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(server.stdout.take().unwrap());
        self.server = Some(server);
        let url = format!("http://localhost:{}", self.port);
        let mut lines = Vec::new();
        for line in said.lines() {
            let line = line.unwrap();
            if line.contains(&url) {
                return;
            }
            lines.push(line);
        }
        panic!("`{command}` does not say that it listens on {url}: {lines:#?}");
    }

    /// Signs in with a device code, because no browser can open, and approves it.
    fn signs_in(&self, command: &str) {
        let (terminal, inside) = pty::open().unwrap();
        terminal.resize(pty_process::Size::new(40, 100)).unwrap();
        let mut shell = pty::Command::new("bash")
            .args(["-c", command])
            .current_dir(self.home.path())
            .envs(self.environment());
        for name in SCREEN {
            shell = shell.env_remove(name);
        }
        let mut child = shell.spawn(inside).unwrap();
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            let mut terminal = &terminal;
            while let Ok(length @ 1..) = terminal.read(&mut chunk) {
                let text = String::from_utf8_lossy(&chunk[..length]).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
        let mut screen = String::new();
        let mut is_approved = false;
        loop {
            match output.recv_timeout(PATIENCE) {
                Ok(text) => screen.push_str(&text),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    panic!("`{command}` is stuck:\n{screen}");
                }
            }
            if let Some(code) = user_code(&screen).filter(|_| !is_approved) {
                self.approves(code);
                is_approved = true;
            }
        }
        let status = child.wait().unwrap();
        assert!(is_approved, "`{command}` shows no code:\n{screen}");
        assert!(status.success(), "`{command}`: {status}\n{screen}");
    }

    /// Opens the page in a browser of few words, signs in as ada and presses the buttons.
    fn approves(&self, code: &str) {
        let device = format!("http://localhost:{}/default/device", self.port);
        let entry = self.visits(&device, &[]);
        let login = self.submits(&entry, &[("user_code", code)]);
        let confirm = self.submits(&login, &[("username", "ada")]);
        let done = self.submits(&confirm, &[("action", "approve"), ("confirm", "on")]);
        assert!(
            done.html.contains("You're signed in") || done.html.contains("You&#39;re"),
            "{}",
            done.html
        );
    }

    fn submits(&self, page: &Page, typed: &[(&str, &str)]) -> Page {
        let (_, form) = page.html.split_once("<form").unwrap();
        let (form, _) = form.split_once("</form>").unwrap();
        let hidden = form.split("<input type=\"hidden\"").skip(1);
        let mut fields: Vec<(&str, &str)> = hidden
            .map(|input| (attribute(input, "name"), attribute(input, "value")))
            .collect();
        fields.extend(typed);
        let action = attribute(form, "action")
            .replace("&#38;", "&")
            .replace("&amp;", "&");
        let url = Url::parse(&page.url).unwrap().join(&action).unwrap();
        self.visits(url.as_str(), &fields)
    }

    fn visits(&self, url: &str, form: &[(&str, &str)]) -> Page {
        let jar = self.home.path().join("cookies");
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--location"])
            .args(["--write-out", "\n%{url_effective}", "--cookie"])
            .arg(&jar)
            .arg("--cookie-jar")
            .arg(&jar);
        for (name, value) in form {
            curl.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let output = curl.arg(url).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{url}: {shown}");
        let (html, url) = shown.rsplit_once('\n').unwrap();
        Page {
            url: url.to_owned(),
            html: html.to_owned(),
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PATH", self.path.clone()),
            ("HALLPASS_HOME", self.home.path().display().to_string()),
            ("SERVER_PORT", self.port.to_string()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ]
    }
}

/// What the browser shows.
struct Page {
    url: String,
    html: String,
}

/// The value of an attribute; none of these has a quote in it.
fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
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
fn user_code(screen: &str) -> Option<&str> {
    screen
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .find(|word| {
            let halves = word.split_once('-');
            halves.is_some_and(|(left, right)| {
                [left, right]
                    .iter()
                    .all(|half| half.len() == 4 && half.bytes().all(|b| b.is_ascii_uppercase()))
            })
        })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What tells `login` that a browser can open, or that nobody is there.
const SCREEN: [&str; 6] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "BROWSER",
    "CI",
    "HALLPASS_TOKEN",
    "HALLPASS_NO_INPUT",
];

/// How long a command may be silent.
const PATIENCE: Duration = Duration::from_mins(1);
