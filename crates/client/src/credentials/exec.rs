//! Keeps sessions with a command of the person's choice, such as a password manager's.
//!
//! The command is started once per call with its own arguments and nothing else; no shell is
//! involved (row C-80). It reads one JSON object from standard input until the end, writes one JSON
//! object to standard output, and exits with 0. What it writes to standard error goes to the person.
//!
//! | `action` | also in the request | also in the answer |
//! | --- | --- | --- |
//! | `load` | `account`, `key` | `session`: the text that was saved, or `null` |
//! | `save` | `account`, `key`, `session` | |
//! | `remove` | `account`, `key` | |
//! | `list` | | `sessions`: the `key` of each |
//!
//! Requests and answers carry `"version": 1`. `account` is 32 hexadecimal digits that stand for
//! `key`, an object with `issuer`, `client_id` and sometimes `profile`. `session` is a text to keep
//! as it is; it holds tokens. To remove what is not there is fine. Every save is read back.
//!
//! Locks are files of ours, so that two processes of one machine do not race.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use hallpass_protocol::Secret;
use hallpass_protocol::hex;
use hallpass_protocol::random::{self, SystemRandom};
use serde::{Deserialize, Serialize};

use super::file::FileStore;
use super::file_format::Document;
use super::record::{SessionKey, SessionRecord};
use super::store_error::StoreError;
use super::token_store::{Generation, LockAttempt, StoreInfo, TokenStore, Versioned};

/// Keeps sessions with a command.
#[derive(Debug)]
pub(super) struct ExecStore {
    command: Vec<String>,
    locks: FileStore,
    limit: Duration,
}

#[derive(Serialize)]
struct Request<'a> {
    version: u64,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a SessionKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    version: u64,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    sessions: Vec<SessionKey>,
}

impl ExecStore {
    pub(super) fn new(command: Vec<String>, state_dir: &Path) -> Self {
        Self {
            command,
            // The command may take long: other stores in this place do not wait for it.
            locks: FileStore::in_state_dir(state_dir.join("exec")),
            limit: LIMIT,
        }
    }

    fn find(&self, key: &SessionKey) -> Result<Option<Secret<String>>, StoreError> {
        let found = self.ask("load", Some(key), None)?.session;
        Ok(found.map(Secret::new))
    }

    fn save(&self, key: &SessionKey, session: &Secret<String>) -> Result<(), StoreError> {
        self.ask("save", Some(key), Some(session.expose()))?;
        if self.find(key)?.as_ref() == Some(session) {
            Ok(())
        } else {
            Err(self.failed("does not give back what it was given"))
        }
    }

    fn ask(
        &self,
        action: &'static str,
        key: Option<&SessionKey>,
        session: Option<&str>,
    ) -> Result<Answer, StoreError> {
        let request = Request {
            version: VERSION,
            action,
            account: key.map(SessionKey::hash),
            key,
            session,
        };
        let request = serde_json::to_vec(&request).map(Secret::new);
        let request = request.map_err(|_| self.failed("cannot be asked"))?;
        let answer = self.run(request)?;
        match serde_json::from_slice::<Answer>(answer.expose()) {
            Ok(answer) if answer.version == VERSION => Ok(answer),
            // The parser's own words may quote a secret.
            Ok(_) | Err(_) => Err(self.failed("gave an answer that is not of version 1")),
        }
    }

    fn run(&self, request: Secret<Vec<u8>>) -> Result<Secret<Vec<u8>>, StoreError> {
        let (program, arguments) = self.command.split_first().unzip();
        let mut child = Command::new(program.map_or("", String::as_str))
            .args(arguments.unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| self.failed(&format!("cannot be started: {error}")))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            // One that has no need of its input may leave it: its exit code says how it went.
            drop(input.map(|mut input| input.write_all(request.expose())));
        });
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = output.map(|output| output.take(LONGEST + 1).read_to_end(&mut bytes));
            let bytes = Secret::new(bytes);
            // The receiver is gone when the time is up.
            drop(sender.send(matches!(read, Some(Ok(_))).then_some(bytes)));
        });
        let Ok(answer) = receiver.recv_timeout(self.limit) else {
            end(&mut child);
            let what = format!("gave no answer within {} s", self.limit.as_secs());
            return Err(self.failed(&what));
        };
        let status = wait(&mut child).map_err(|what| self.failed(&what))?;
        if !status.success() {
            return Err(self.failed(&format!("failed ({status})")));
        }
        let is_short = |bytes: &Secret<Vec<u8>>| bytes.expose().len() as u64 <= LONGEST;
        answer
            .filter(is_short)
            .ok_or_else(|| self.failed("gave an answer that is too long"))
    }

    fn parse(
        &self,
        key: &SessionKey,
        session: &Secret<String>,
    ) -> Result<Versioned<SessionRecord>, StoreError> {
        let document = Document::decode(session.expose().as_bytes()).ok();
        document
            .and_then(|mut document| document.0.remove(key))
            .ok_or_else(|| self.failed("gave a session that is damaged or another one's"))
    }

    fn failed(&self, what: &str) -> StoreError {
        StoreError::Command {
            // Its arguments may say more than a log should.
            command: crate::clean::text(self.command.first().map_or("", String::as_str)),
            what: what.to_owned(),
        }
    }
}

impl TokenStore for ExecStore {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        let found = self.find(key)?;
        found.map(|session| self.parse(key, &session)).transpose()
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        let _writing = self.locks.lock_for_writing()?;
        if self.load(key)?.map(|found| found.generation) != old {
            return Err(StoreError::Conflict);
        }
        let generation = Generation(old.map_or(1, |old| old.0 + 1));
        let value = Versioned {
            generation,
            value: new.clone(),
        };
        let document = Document([(key.clone(), value)].into_iter().collect());
        let bytes = document.encode().ok();
        let session = bytes.and_then(|bytes| String::from_utf8(bytes.expose().clone()).ok());
        let session = session.ok_or_else(|| self.failed("cannot be given the session"))?;
        self.save(key, &Secret::new(session))?;
        Ok(generation)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        let _writing = self.locks.lock_for_writing()?;
        self.ask("remove", Some(key), None).map(|_| ())
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        self.locks.try_lock(key)
    }

    fn list(&self) -> Result<Vec<SessionKey>, StoreError> {
        let mut keys = self.ask("list", None, None)?.sessions;
        keys.sort();
        Ok(keys)
    }

    fn describe(&self) -> StoreInfo {
        StoreInfo {
            kind: "exec",
            place: crate::clean::text(self.command.first().map_or("", String::as_str)),
            is_persistent: true,
            // What the command does is its own business.
            is_encrypted: false,
            key: None,
        }
    }

    /// A round trip with a text that is no session.
    fn prepare(&self) -> Result<(), StoreError> {
        let _writing = self.locks.lock_for_writing()?;
        let key = SessionKey::new("hallpass:self-test", "hallpass");
        let text = hex::encode(&random::bytes::<16>(&SystemRandom));
        self.save(&key, &Secret::new(text))?;
        self.ask("remove", Some(&key), None)?;
        match self.find(&key)? {
            None => Ok(()),
            Some(_) => Err(self.failed("keeps what it was told to remove")),
        }
    }
}

/// Waits for the end of a process that closed its output.
fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    for _ in 0..GRACE_STEPS {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => pause(),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
    end(child);
    Err("answered but did not end".to_owned())
}

fn end(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        tracing::debug!(%error, "the store's command could not be ended");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "std cannot wait for a process with a limit"
)]
fn pause() {
    std::thread::sleep(GRACE_STEP);
}

const VERSION: u64 = 1;
/// A person may have to touch something.
const LIMIT: Duration = Duration::from_secs(20);
const GRACE_STEP: Duration = Duration::from_millis(5);
const GRACE_STEPS: u32 = 400;
const LONGEST: u64 = 1024 * 1024;

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
