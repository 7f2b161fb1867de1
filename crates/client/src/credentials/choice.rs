//! Which store a program or a person chooses, by name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::auto::AutoStore;
use super::exec::ExecStore;
use super::file::FileStore;
use super::keychain::SystemKeychain;
use super::memory::MemoryStore;
use super::seal::KeySource;
use super::store_error::StoreError;
use super::token_store::TokenStore;

/// A choice of where sessions are kept; [`Store::open`] makes the store.
///
/// ```
/// use hallpass_client::Store;
///
/// let store = Store::parse("exec:/usr/local/bin/vault-session --team acme")?;
/// assert!(matches!(store, Store::Exec(command) if command.len() == 3));
/// # Ok::<(), hallpass_client::UnknownStore>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Store {
    /// [`Self::Keyring`] where it works, else [`Self::Sealed`] where a passphrase file is named,
    /// else [`Self::File`] with a notice that is shown once.
    Auto,
    /// Sealed files whose key is in the system's keychain.
    Keyring,
    /// Sealed files whose key comes from a passphrase file.
    Sealed,
    /// Plain files that only their owner reads.
    File,
    /// Memory of this process.
    Memory,
    /// A command that keeps sessions, program first; no shell sees it.
    Exec(Vec<String>),
}

/// Where a store of an application is.
#[derive(Clone, Debug)]
#[must_use]
pub struct StorePlace {
    app_name: String,
    state_dir: PathBuf,
    passphrase_file: Option<PathBuf>,
}

/// A text that names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownStore {
    /// No store has that name.
    #[error("`{0}` is no store")]
    Name(String),
    /// `exec:` without a command, or with one that is no list of arguments.
    #[error("`{0}` names no command")]
    NoCommand(String),
    /// `exec:` in an environment variable: whoever sets variables would run programs (row C-80).
    #[error("a command for the store is not taken from the environment")]
    FromEnvironment,
}

impl Store {
    /// Reads `auto`, `keyring`, `sealed`, `file`, `memory` or `exec:COMMAND`.
    ///
    /// A command is split at white space; nothing is quoted, expanded or given to a shell. An
    /// argument that holds white space is written in a JSON list: `exec:["op", "my vault"]`.
    ///
    /// # Errors
    ///
    /// [`UnknownStore`].
    pub fn parse(text: &str) -> Result<Self, UnknownStore> {
        Ok(match text {
            "auto" => Self::Auto,
            "keyring" => Self::Keyring,
            "sealed" => Self::Sealed,
            "file" => Self::File,
            "memory" => Self::Memory,
            _ => match text.strip_prefix(EXEC) {
                Some(command) => Self::Exec(
                    arguments(command)
                        .ok_or_else(|| UnknownStore::NoCommand(crate::clean::text(text)))?,
                ),
                None => return Err(UnknownStore::Name(crate::clean::text(text))),
            },
        })
    }

    /// Reads the value of an environment variable: the same, without `exec:`.
    ///
    /// # Errors
    ///
    /// [`UnknownStore`].
    pub fn parse_variable(text: &str) -> Result<Self, UnknownStore> {
        if text.starts_with(EXEC) {
            return Err(UnknownStore::FromEnvironment);
        }
        Self::parse(text)
    }

    /// The store of an application that lets its users not care.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoHome`] when the user has no home folder.
    pub fn auto(app_name: &str) -> Result<Arc<dyn TokenStore>, StoreError> {
        Ok(Self::Auto.open(&StorePlace::app(app_name)?))
    }

    /// Makes the store. Touches nothing: files, keychains and commands are called when a session is
    /// read or written.
    pub fn open(&self, place: &StorePlace) -> Arc<dyn TokenStore> {
        let files = FileStore::in_state_dir(&place.state_dir);
        let keyring = || KeySource::Keyring(Box::new(SystemKeychain::new(&place.app_name)));
        let passphrase = place.passphrase_file.clone();
        match self {
            Self::Auto => Arc::new(AutoStore::new(files, keyring(), passphrase)),
            Self::Keyring => Arc::new(files.sealed(keyring())),
            Self::Sealed => Arc::new(files.sealed(KeySource::Passphrase(passphrase))),
            Self::File => Arc::new(files),
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Exec(command) => Arc::new(ExecStore::new(command.clone(), &place.state_dir)),
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Keyring => "keyring",
            Self::Sealed => "sealed",
            Self::File => "file",
            Self::Memory => "memory",
            // The arguments may say more than a log should.
            Self::Exec(command) => {
                return write!(f, "{EXEC}{}", command.first().map_or("", String::as_str));
            }
        })
    }
}

impl StorePlace {
    /// The place that the system has for an application's state.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoHome`] when the user has no home folder.
    pub fn app(app_name: &str) -> Result<Self, StoreError> {
        Ok(Self::in_state_dir(
            app_name,
            FileStore::state_dir(app_name, None)?,
        ))
    }

    /// A folder of the caller's choice. The name is what people find in their keychain program.
    pub fn in_state_dir(app_name: impl Into<String>, state_dir: impl AsRef<Path>) -> Self {
        Self {
            app_name: app_name.into(),
            state_dir: state_dir.as_ref().to_owned(),
            passphrase_file: None,
        }
    }

    /// The file that holds the passphrase for [`Store::Sealed`].
    pub fn passphrase_file(mut self, path: Option<PathBuf>) -> Self {
        self.passphrase_file = path;
        self
    }
}

impl UnknownStore {
    /// The next step for the person.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Name(_) => "use auto, keyring, sealed, file, memory or exec:COMMAND",
            Self::NoCommand(_) => {
                "use exec:PROGRAM ARGUMENT…, or a JSON list such as exec:[\"op\", \"my vault\"]"
            }
            Self::FromEnvironment => "name it in config.toml, or with --store",
        }
    }
}

fn arguments(command: &str) -> Option<Vec<String>> {
    let list: Vec<String> = if command.trim_start().starts_with('[') {
        serde_json::from_str(command).ok()?
    } else {
        // Who writes quotes expects a shell. A backslash is an escape, or separates folders.
        let is_shell = |c: char| matches!(c, '"' | '\'' | '`' | '$') || (c == '\\' && cfg!(unix));
        if command.contains(is_shell) {
            return None;
        }
        command.split_whitespace().map(str::to_owned).collect()
    };
    let is_command = list.first().is_some_and(|program| !program.is_empty());
    let is_clean = list.iter().all(|argument| !argument.contains('\0'));
    (is_command && is_clean).then_some(list)
}

const EXEC: &str = "exec:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_store_has_a_name_that_is_read_back() {
        for text in ["auto", "keyring", "sealed", "file", "memory", "exec:op"] {
            assert_eq!(Store::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "Auto", "plain", "keychain", "exec", "exe:c"] {
            let error = Store::parse(text).unwrap_err();
            assert!(matches!(error, UnknownStore::Name(_)), "{text}");
        }
    }

    #[test]
    fn c_80_a_command_is_a_list_of_arguments_and_never_shell_text() {
        let command = |text: &str| match Store::parse(text) {
            Ok(Store::Exec(command)) => Some(command),
            Ok(_) | Err(_) => None,
        };
        assert_eq!(command("exec: a  ;b |c").unwrap(), ["a", ";b", "|c"]);
        assert_eq!(command(r#"exec:["a b", "$c"]"#).unwrap(), ["a b", "$c"]);
        for text in [
            "exec:",
            "exec:  ",
            "exec:[]",
            r#"exec:[""]"#,
            r#"exec:["a", 1]"#,
            r#"exec:["a", "\u0000"]"#,
            "exec:a 'b c'",
            "exec:a \"b c\"",
            "exec:a $HOME",
            "exec:a `b`",
        ] {
            let error = Store::parse(text).unwrap_err();
            assert!(matches!(error, UnknownStore::NoCommand(_)), "{text}");
        }
    }

    #[test]
    fn c_80_no_command_comes_from_the_environment() {
        assert_eq!(
            Store::parse_variable("exec:/tmp/x"),
            Err(UnknownStore::FromEnvironment)
        );
        assert_eq!(Store::parse_variable("memory"), Ok(Store::Memory));
    }
}
