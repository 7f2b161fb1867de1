//! Runs every example of `docs/control-api.md`, in its order, against the real binary, and compares
//! the answers with the documented ones.
//!
//! Two differences: the server listens on a free port instead of 8080, and values that change from
//! run to run are compared by their type. Where an example uses such a value of an earlier answer
//! (a user code), it gets the real one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "an example that does not work fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use hallpass_testing::pty;
use serde_json::Value;

#[test]
fn every_example_of_the_control_api_answers_as_documented() {
    let mut reader = Reader::new();
    let examples = examples();
    assert!(examples.len() >= 20, "examples are missing");
    for example in &examples {
        reader.tries(example);
    }
}

/// A command, and what it answers.
struct Example {
    command: String,
    status: String,
    answer: Answer,
}

enum Answer {
    Json(Value),
    Text(String),
}

/// What changes from run to run, by its name.
const VARIES: [&str; 18] = [
    "access_token",
    "at",
    "bytes",
    "device_code",
    "exp",
    "expires_at",
    "host",
    "iat",
    "id",
    "id_token",
    "jti",
    "now",
    "refresh_token",
    "token",
    "unix",
    "user-agent",
    "user_code",
    "verification_uri_complete",
];

/// Somebody at a shell, with a server of their own.
struct Reader {
    home: tempfile::TempDir,
    server: Child,
    /// Its output stays open: a program that cannot write its log might stop.
    _said: BufReader<ChildStdout>,
    /// What stands in the document, and what it is here.
    real: BTreeMap<String, String>,
}

impl Reader {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        // What every command says: its status after the answer, and nothing of its progress.
        let habits = "silent\nshow-error\nnoproxy = \"*\"\nwrite-out = \"\\n%{http_code}\"\n";
        fs::write(home.path().join(".curlrc"), habits).unwrap();
        let mut command = Command::new(pty::hallpass());
        command.args(["serve", "--dev", "--port", "0"]);
        for name in [
            "SERVER_HOSTNAME",
            "JSON_CONFIG",
            "JSON_CONFIG_PATH",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        let mut server = command
            .current_dir(home.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let here = line.split("http://").nth(1).unwrap();
        let here = here.split_whitespace().next().unwrap().to_owned();
        Self {
            home,
            server,
            _said: said,
            real: BTreeMap::from([("localhost:8080".to_owned(), here)]),
        }
    }

    fn tries(&mut self, example: &Example) {
        let command = self.translate(&example.command);
        let output = Command::new("bash")
            .args(["-c", &command])
            .env("CURL_HOME", self.home.path())
            .env("HOME", self.home.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (answer, status) = said.rsplit_once('\n').unwrap();
        assert_eq!(status, example.status, "{command}\n{answer}");
        match &example.answer {
            Answer::Text(text) => {
                let errors = String::from_utf8(output.stderr).unwrap();
                assert_eq!(format!("{answer}{errors}").trim(), text.trim(), "{command}");
            }
            Answer::Json(documented) => {
                let real: Value = serde_json::from_str(answer)
                    .unwrap_or_else(|error| panic!("{command}\n{error}: {answer}"));
                if let Err(difference) = self.compare("", documented, &real) {
                    panic!("{command}\n{difference}\n{real:#}");
                }
            }
        }
    }

    /// Whether an answer has the documented members and values.
    fn compare(&mut self, name: &str, documented: &Value, real: &Value) -> Result<(), String> {
        match (documented, real) {
            (Value::Object(wanted), Value::Object(found)) => {
                if !wanted.keys().eq(found.keys()) {
                    let names = |members: &serde_json::Map<String, Value>| {
                        members.keys().cloned().collect::<Vec<_>>().join(" ")
                    };
                    return Err(format!(
                        "`{name}` has {}, not {}",
                        names(found),
                        names(wanted)
                    ));
                }
                let mut pairs = wanted.iter().zip(found.values());
                pairs.try_for_each(|((name, wanted), found)| self.compare(name, wanted, found))
            }
            (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
                let mut pairs = wanted.iter().zip(found);
                pairs.try_for_each(|(wanted, found)| self.compare(name, wanted, found))
            }
            (Value::String(wanted), Value::String(found)) if VARIES.contains(&name) => {
                if found.is_empty() {
                    return Err(format!("`{name}` is empty"));
                }
                // Only these stand in later commands.
                if matches!(name, "user_code" | "device_code") {
                    self.real.insert(wanted.clone(), found.clone());
                }
                Ok(())
            }
            (Value::Number(_), Value::Number(_)) if VARIES.contains(&name) => Ok(()),
            (Value::String(wanted), Value::String(found)) if self.translate(wanted) == *found => {
                Ok(())
            }
            (wanted, found) if wanted == found => Ok(()),
            (wanted, found) => Err(format!("`{name}` is {found}, not {wanted}")),
        }
    }

    fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (documented, real) in &self.real {
            text = text.replace(documented, real);
        }
        text
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Every `bash` block, and the block after it.
fn examples() -> Vec<Example> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/control-api.md");
    let document = fs::read_to_string(path).unwrap();
    let fenced: Vec<&str> = document.split("```").skip(1).step_by(2).collect();
    let blocks: Vec<(&str, &str)> = fenced
        .iter()
        .map(|block| block.split_once('\n').unwrap())
        .collect();
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let examples: Vec<Example> = pairs
        .filter(|((language, _), _)| *language == "bash")
        .map(|((_, command), answer)| example(command, *answer))
        .collect();
    let written = document
        .lines()
        .filter(|line| line.starts_with("curl "))
        .count();
    assert_eq!(examples.len(), written, "a command without an answer");
    examples
}

fn example(command: &str, (language, answer): (&str, &str)) -> Example {
    let (language, status) = language.split_once(' ').unwrap_or((language, "200"));
    Example {
        command: command.to_owned(),
        status: status.to_owned(),
        answer: match language {
            "json" => Answer::Json(serde_json::from_str(answer).unwrap()),
            "text" => Answer::Text(answer.to_owned()),
            other => panic!("`{command}` is answered by a block of {other}"),
        },
    }
}
