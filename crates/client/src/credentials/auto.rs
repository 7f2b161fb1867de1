//! The store of who chooses none: sealed with a key in the keychain where there is one.
//!
//! The choice is made once, at the first write, and kept in the folder: a machine whose keychain is
//! away today does not turn a sealed session into a plain one (row C-74), and a machine without one
//! is not asked again.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::file::FileStore;
use super::file_access;
use super::record::{SessionKey, SessionRecord};
use super::seal::{KeySource, Seal};
use super::seal_key::KeyKind;
use super::store_error::StoreError;
use super::token_store::{Generation, LockAttempt, StoreInfo, TokenStore, Versioned};

/// Sealed by the keychain, else by the passphrase that is named, else plain with a notice.
#[derive(Debug)]
pub(super) struct AutoStore {
    plain: FileStore,
    keyring: FileStore,
    passphrase: FileStore,
    has_passphrase: bool,
    notice: Mutex<Option<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Sealed(KeyKind),
    Plain,
}

impl AutoStore {
    /// `plain` names the folder.
    pub(super) fn new(
        plain: FileStore,
        keyring: KeySource,
        passphrase_file: Option<PathBuf>,
    ) -> Self {
        let has_passphrase = passphrase_file.is_some();
        Self {
            keyring: plain.clone().sealed(keyring),
            passphrase: plain.clone().sealed(KeySource::Passphrase(passphrase_file)),
            plain,
            has_passphrase,
            notice: Mutex::default(),
        }
    }

    fn store(&self, choice: Option<Choice>) -> &FileStore {
        match choice {
            Some(Choice::Sealed(KeyKind::Keyring)) => &self.keyring,
            Some(Choice::Sealed(KeyKind::Passphrase)) => &self.passphrase,
            Some(Choice::Plain) | None => &self.plain,
        }
    }

    /// What an earlier write chose. Looks at names of files only, where it can.
    fn choice(&self) -> Result<Option<Choice>, StoreError> {
        let folder = self.plain.folder();
        for kind in [KeyKind::Keyring, KeyKind::Passphrase] {
            if Seal::is_set_up(folder, kind) {
                return Ok(Some(Choice::Sealed(kind)));
            }
        }
        if self.choice_path().symlink_metadata().is_ok() {
            return Ok(Some(Choice::Plain));
        }
        Ok(self.plain.found_seal()?.map(Choice::Sealed))
    }

    /// Chooses, if nobody did.
    fn choose(&self) -> Result<Choice, StoreError> {
        if let Some(choice) = self.choice()? {
            return Ok(choice);
        }
        let _writing = self.plain.lock_for_writing()?;
        if let Some(choice) = self.choice()? {
            return Ok(choice);
        }
        let reason = match self.keyring.key_name_locked() {
            Ok(_) => return Ok(Choice::Sealed(KeyKind::Keyring)),
            Err(StoreError::Keychain { reason }) => reason,
            Err(other) => return Err(other),
        };
        if self.has_passphrase {
            self.passphrase.key_name_locked()?;
            return Ok(Choice::Sealed(KeyKind::Passphrase));
        }
        let line = format!("file: {reason}\n");
        file_access::replace(&self.choice_path(), line.as_bytes())?;
        let mut notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner);
        *notice = Some(format!(
            "system keychain not reachable ({reason}); using a 0600 file instead. \
             hint: --store sealed with HALLPASS_PASSPHRASE_FILE to encrypt it. This is shown once."
        ));
        Ok(Choice::Plain)
    }

    fn choice_path(&self) -> PathBuf {
        self.plain.folder().join("auto.choice")
    }
}

impl TokenStore for AutoStore {
    fn load(&self, key: &SessionKey) -> Result<Option<Versioned<SessionRecord>>, StoreError> {
        let choice = self.choice()?;
        match self.store(choice).load(key) {
            // Somebody made the choice meanwhile.
            Err(StoreError::Sealed { .. }) if choice.is_none() => {
                self.store(self.choice()?).load(key)
            }
            done => done,
        }
    }

    fn compare_and_swap(
        &self,
        key: &SessionKey,
        old: Option<Generation>,
        new: &SessionRecord,
    ) -> Result<Generation, StoreError> {
        self.store(Some(self.choose()?))
            .compare_and_swap(key, old, new)
    }

    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.plain.remove(key)
    }

    fn try_lock(&self, key: &SessionKey) -> Result<LockAttempt, StoreError> {
        self.plain.try_lock(key)
    }

    fn list(&self) -> Result<Vec<SessionKey>, StoreError> {
        self.plain.list()
    }

    fn describe(&self) -> StoreInfo {
        match self.choice() {
            Ok(Some(choice)) => self.store(Some(choice)).describe(),
            Ok(None) | Err(_) => StoreInfo {
                kind: "auto",
                ..self.plain.describe()
            },
        }
    }

    fn prepare(&self) -> Result<(), StoreError> {
        self.store(Some(self.choose()?)).prepare()
    }

    fn take_notice(&self) -> Option<String> {
        let mut notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner);
        notice.take()
    }
}
