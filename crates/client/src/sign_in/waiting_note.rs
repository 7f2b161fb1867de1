//! One person, one sign-in: who starts a second one is told where the first one waits.
//!
//! The lock is not the one of the refresh: nobody who refreshes waits for a person who went to lunch.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::clean;
use crate::credentials::{open_lock, private_folder};
use crate::error::{Error, ErrorKind};
use crate::file_lock::FileLock;

/// The lock, and what the next one is told. The file stays when the sign-in is over, empty.
#[derive(Debug)]
pub(super) struct WaitingNote(FileLock);

#[derive(Debug, Default, Deserialize, Serialize)]
struct Written {
    pid: u32,
    url: Option<String>,
}

/// Longer notes are not ours.
const LONGEST: u64 = 16 * 1024;

impl WaitingNote {
    /// Takes the lock; `None` where this cannot be done, which is no reason not to sign in.
    pub(super) fn take(path: &Path) -> Result<Option<Self>, Error> {
        let opened = path
            .parent()
            .map_or(Ok(()), private_folder)
            .and_then(|()| open_lock(path));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(%error, "sign-ins are not held apart");
                return Ok(None);
            }
        };
        match file.try_lock() {
            Ok(()) => {
                let note = Self(FileLock::new(file));
                note.write(None);
                Ok(Some(note))
            }
            Err(TryLockError::WouldBlock) => Err(already_waiting(&mut file)),
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "sign-ins are not held apart");
                Ok(None)
            }
        }
    }

    /// Tells where the person can go on.
    pub(super) fn say(&self, url: &Url) {
        self.write(Some(url.to_string()));
    }

    fn write(&self, url: Option<String>) {
        let pid = std::process::id();
        let written = serde_json::to_vec(&Written { pid, url });
        let mut file = &*self.0;
        let done = written.map_err(std::io::Error::from).and_then(|bytes| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&bytes)
        });
        if let Err(error) = done {
            tracing::debug!(%error, "the note cannot be written");
        }
    }
}

impl Drop for WaitingNote {
    fn drop(&mut self) {
        // The lock goes after this; an address nobody waits at is worth nothing.
        drop(self.0.set_len(0));
    }
}

fn already_waiting(file: &mut File) -> Error {
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    let written: Written = read
        .ok()
        .and_then(|_| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let mut message = "sign-in already waiting".to_owned();
    if written.pid != 0 {
        message.extend([" (pid ", &written.pid.to_string(), ")"]);
    }
    if let Some(url) = &written.url {
        message.extend([": ", &whole(url)]);
    }
    Error::new(ErrorKind::Store, message)
        .hint_to("finish it there, or press Ctrl-C in its terminal and start again")
}

/// Cleaned, but not cut: half an address is none.
fn whole(url: &str) -> String {
    if clean::is_clean(url) {
        url.to_owned()
    } else {
        clean::text(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_where_the_first_one_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions").join("a.signin");
        let first = WaitingNote::take(&path).unwrap().unwrap();
        let url = Url::parse("https://as.test/device?user_code=WDJB-MJHT").unwrap();
        first.say(&url);
        let error = WaitingNote::take(&path).unwrap_err();
        let pid = std::process::id();
        assert_eq!(
            error.to_string(),
            format!("sign-in already waiting (pid {pid}): {url}")
        );
        assert_eq!(error.exit_code(), 9);
        drop(first);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        assert!(WaitingNote::take(&path).unwrap().is_some());
    }

    #[test]
    fn where_no_file_can_be_made_people_sign_in_all_the_same() {
        assert!(
            WaitingNote::take(Path::new("/dev/null/a.signin"))
                .unwrap()
                .is_none()
        );
    }
}
