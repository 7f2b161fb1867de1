//! Where nobody can answer: an error at once, before any network, and no browser.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use hallpass_testing::{Terminal, pty};

use crate::home::Home;

/// Where a command runs that has nobody to talk to.
enum Place {
    /// A shell command without any terminal.
    Nowhere(&'static str),
    /// A shell command in a terminal.
    InTerminal(&'static str),
}

#[test]
fn login_and_token_fail_with_exit_code_4_and_start_no_browser() {
    let issuer = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    issuer.set_nonblocking(true).unwrap();
    let url = format!("http://{}/default", issuer.local_addr().unwrap());
    for place in [
        Place::Nowhere("hallpass WORDS </dev/null"),
        Place::Nowhere("setsid --wait hallpass WORDS"),
        Place::Nowhere("nohup hallpass WORDS"),
        Place::Nowhere("echo | hallpass WORDS"),
        Place::Nowhere("env -i HALLPASS_HOME=\"$HALLPASS_HOME\" PATH=\"$PATH\" hallpass WORDS"),
        Place::InTerminal("hallpass WORDS </dev/null"),
        Place::InTerminal("echo | hallpass WORDS"),
        Place::InTerminal("hallpass WORDS 2>errors || { code=$?; cat errors; exit $code; }"),
        Place::InTerminal("CI=1 hallpass WORDS"),
        Place::InTerminal("HALLPASS_NO_INPUT=1 hallpass WORDS"),
        Place::InTerminal("hallpass WORDS --no-input"),
    ] {
        for words in [
            format!("login --issuer {url} --client-id c"),
            "token".to_owned(),
        ] {
            let home = Home::new();
            place.refuses(&home, &words);
        }
    }
    let nobody = issuer.accept().unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
}

impl Place {
    /// Insists on exit code 4 and on no browser. How long that takes, `bench/cached-token` measures.
    fn refuses(&self, home: &Home, words: &str) {
        let (line, code, shown) = self.run(home, words);
        assert_eq!(code, Some(4), "{line}: {shown}");
        assert!(
            shown.contains("\n  hint: run `hallpass login"),
            "{line}: {shown}"
        );
        assert!(!home.has_opened(), "{line}");
    }

    fn run(&self, home: &Home, words: &str) -> (String, Option<i32>, String) {
        match self {
            Self::Nowhere(line) => {
                let line = line.replace("WORDS", words);
                let output = shell(home, &line).output().unwrap();
                let said = String::from_utf8(output.stderr).unwrap();
                assert!(output.stdout.is_empty(), "{line}");
                (line, output.status.code(), said)
            }
            Self::InTerminal(line) => {
                let line = line.replace("WORDS", words);
                let ended = Terminal::start(shell(home, &line), 80, 24).end();
                (line, ended.code, ended.text)
            }
        }
    }
}

/// A shell whose user has a screen and a browser.
fn shell(home: &Home, line: &str) -> Command {
    let folder = pty::hallpass().parent().unwrap().display().to_string();
    let mut command = home.program("sh", &["-c", line]);
    command
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("DISPLAY", ":0")
        .env("BROWSER", home.browser());
    command
}
