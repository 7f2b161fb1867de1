//! `hallpass serve --dev` as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use hallpass_testing::{Answer, Person};

use crate::home::Home;

/// A server for one story. Dropping it kills the process.
pub(crate) struct Server {
    child: Child,
    /// Kept open: who writes to a closed pipe dies of it.
    _said: BufReader<ChildStdout>,
    home: Home,
    /// Without a path.
    pub(crate) url: String,
    pub(crate) issuer: String,
}

impl Server {
    /// Starts one that lets devices ask every second.
    pub(crate) fn start() -> Self {
        Self::with("[device]\ninterval = \"1s\"\n", &[])
    }

    /// Starts one with this configuration, and waits for its ready line.
    pub(crate) fn with(toml: &str, flags: &[&str]) -> Self {
        let home = Home::new();
        let config = home.write("server.toml", toml);
        let words = [
            &["serve", "--dev", "--port", "0", "--config", &config],
            flags,
        ]
        .concat();
        let log = std::fs::File::create(home.path("log")).unwrap();
        let mut child = home
            .hallpass(&words)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let (url, issuer) = line
            .strip_prefix("Ready: ")
            .and_then(|line| line.trim_end().split_once("  issuer "))
            .unwrap_or_else(|| panic!("no ready line: {line:?}\n{}", log_of(&home)));
        Self {
            url: url.to_owned(),
            issuer: issuer.to_owned(),
            child,
            _said: said,
            home,
        }
    }

    /// Somebody with a browser.
    pub(crate) fn person(&self) -> Person {
        Person::new(&self.url)
    }

    /// The words of a sign-in here.
    pub(crate) fn login<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let words: &[&str] = &[
            "login",
            "--issuer",
            &self.issuer,
            "--client-id",
            "story-cli",
        ];
        [words, more].concat()
    }

    /// Signs ada in with a device code.
    pub(crate) async fn sign_in(&self, home: &Home) {
        let terminal = home.types(&self.login(&["--device"]));
        let code = terminal.wait_until("a user code", user_code);
        self.person().approve(&code, "ada").await;
        let ended = terminal.end();
        assert_eq!(ended.code, Some(0), "{}", ended.text);
    }

    /// Whether introspection calls a token active (RFC 7662).
    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let person = self.person();
        let request = person
            .http()
            .post(format!("{}/introspect", self.issuer))
            .basic_auth("rs", Some("s"))
            .form(&[("token", token)]);
        let answer: Answer = person.send(request).await;
        answer.json()["active"].as_bool().unwrap()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// Waits until the process ends by itself.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        (self.child.wait().unwrap(), log_of(&self.home))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn log_of(home: &Home) -> String {
    std::fs::read_to_string(home.path("log")).unwrap_or_default()
}

/// The user code on a line of its own.
pub(crate) fn user_code(screen: &str) -> Option<String> {
    let (_, after) = screen.split_once("enter the code\n")?;
    let (code, _) = after.split_once('\n')?;
    Some(code.trim().to_owned())
}
