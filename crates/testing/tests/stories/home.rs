//! A user's home with `hallpass` installed, and nothing from outside.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use hallpass_testing::{Terminal, pty};
use serde_json::Value;
use tempfile::TempDir;

/// A home for one story.
pub(crate) struct Home(TempDir);

/// What a command printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Writes a file that only its owner reads; returns its path.
    pub(crate) fn write(&self, below: &str, text: &str) -> String {
        let path = self.path(below);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// Somebody who wants to see the whole authorization request in the address.
    pub(crate) fn without_pushed_requests(self) -> Self {
        self.write("config.toml", "version = 1\n[defaults]\npar = \"off\"\n");
        self
    }

    /// A program that lives here, with this user's variables.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.0.path())
            .env("HALLPASS_HOME", self.0.path())
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    /// The stories look at tokens, and those of our server are bound to a key.
    pub(crate) fn hallpass(&self, words: &[&str]) -> Command {
        let mut command = self.program(pty::hallpass(), words);
        if words.first() == Some(&"token") && !words.contains(&"--allow-bound") {
            command.arg("--allow-bound");
        }
        command
    }

    /// Runs it without a terminal.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.hallpass(words).output().unwrap().into()
    }

    /// Runs it, and insists that it goes well.
    pub(crate) fn runs(&self, words: &[&str]) -> Ran {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(0), "{words:?}: {ran}");
        ran
    }

    /// Starts it in a terminal of the usual size.
    pub(crate) fn types(&self, words: &[&str]) -> Terminal {
        Terminal::start(self.hallpass(words), 80, 24)
    }

    /// The files that hold sessions.
    pub(crate) fn sessions(&self) -> Vec<PathBuf> {
        self.kept("json")
    }

    /// The files beside the sessions whose extension begins so.
    pub(crate) fn kept(&self, extension: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path("state/sessions")) else {
            return Vec::new();
        };
        let is_wanted = |path: &PathBuf| {
            let found = path.extension().and_then(OsStr::to_str);
            found.is_some_and(|found| found.starts_with(extension))
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(is_wanted).collect()
    }

    /// A browser that writes the addresses which it is to open into the file `opened`.
    pub(crate) fn browser(&self) -> String {
        let opened = self.path("opened");
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n",
            opened.display()
        );
        let path = self.write("browser", &script);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        path
    }

    /// Whether [`Self::browser`] was started.
    pub(crate) fn has_opened(&self) -> bool {
        self.path("opened").exists()
    }
}

impl Ran {
    /// The answer, as a program reads it.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self}"))
    }

    /// The answer as a shell takes it: one line.
    pub(crate) fn line(&self) -> &str {
        let line = self.stdout.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n') && !line.is_empty(), "{self}");
        line
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
        } = self;
        write!(f, "exit {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}
