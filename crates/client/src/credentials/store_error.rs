//! Why credentials could not be read or written, and how to mend it.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

/// Why a store failed. Each names the place; [`StoreError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system said no.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said; shown as the cause.
        #[source]
        source: io::Error,
    },
    /// Other users can read or change the file or folder (row A-90).
    #[error("{} can be read or changed by other users (mode {mode:04o})", path.display())]
    TooOpen {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// The file belongs to somebody else (row A-90).
    #[error("{} belongs to another user (uid {owner})", path.display())]
    OtherOwner {
        /// The file or folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The path is a symbolic link, or no regular file (row A-90).
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The content is damaged; it was moved away, nothing was overwritten.
    #[error("{} was damaged and has been moved to {}", path.display(), moved_to.display())]
    Corrupt {
        /// Where it lay.
        path: PathBuf,
        /// Where it lies now.
        moved_to: PathBuf,
    },
    /// A newer version of this program wrote the file.
    #[error("{} was written by a newer version (format {version})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that it names.
        version: u64,
    },
    /// Somebody else changed the session meanwhile.
    #[error("another process changed the session meanwhile")]
    Conflict,
    /// The lock of the session is held by another process for too long.
    #[error("another process holds the session's lock{}", holder.as_ref().map(|who| format!(" ({who})")).unwrap_or_default())]
    Busy {
        /// Its pid and command, if it wrote them down.
        holder: Option<String>,
    },
    /// The session is sealed with a key that this store does not use. It is never replaced by a
    /// plain file (row C-74).
    #[error("{} is sealed with {by}", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Where the key lies, for a sentence.
        by: &'static str,
        /// The store that opens it.
        store: &'static str,
    },
    /// Sessions in this folder are sealed, and this one is not: somebody may have put it there (row
    /// C-74).
    #[error("{} is not sealed, although sessions in its folder are", path.display())]
    Unsealed {
        /// The file.
        path: PathBuf,
    },
    /// The file was sealed for another session or was changed (row C-74).
    #[error("{} was sealed for another session, or was changed", path.display())]
    Swapped {
        /// The file.
        path: PathBuf,
    },
    /// The system keychain did not do its part.
    #[error("system keychain not reachable ({reason})")]
    Keychain {
        /// Why, in a few words.
        reason: String,
    },
    /// The keychain answers, but has no key for the sessions that were sealed with it.
    #[error("the system keychain has no key for the sessions in {}", folder.display())]
    KeyMissing {
        /// Where the sessions are.
        folder: PathBuf,
    },
    /// The sessions are sealed with a passphrase, and nobody said where it is.
    #[error("no file is named that holds the passphrase of the sealed sessions")]
    NoPassphrase,
    /// The passphrase is not the one that the sessions were sealed with.
    #[error("the passphrase in {} is not the one of the sealed sessions", path.display())]
    WrongPassphrase {
        /// The file that holds it.
        path: PathBuf,
    },
    /// The command of an `exec:` store failed.
    #[error("the store's command `{command}` {what}")]
    Command {
        /// The program.
        command: String,
        /// What it did.
        what: String,
    },
    /// There is no place for files: the home folder is unknown.
    #[error("the home folder of this user is unknown")]
    NoHome,
    /// A store of the caller's own failed.
    #[error("{message}")]
    Other {
        /// What failed.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl StoreError {
    /// The next step for the person.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("check the permissions of the folder".to_owned())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => Some(
                "the file system is read-only: name another place, or keep the session in memory"
                    .to_owned(),
            ),
            Self::Io { .. } => None,
            Self::TooOpen { path, wanted, .. } => Some(format!(
                "chmod {wanted:o} '{}', and sign in again if others may have read it",
                path.display()
            )),
            Self::OtherOwner { path, .. } => Some(format!(
                "remove '{}' or run as its owner; do not use sudo to sign in",
                path.display()
            )),
            Self::NotAFile { path } => Some(format!(
                "remove '{}'; credentials are kept in a plain file only",
                path.display()
            )),
            Self::Corrupt { .. } => Some("sign in again".to_owned()),
            Self::Newer { .. } => {
                Some("upgrade this program, or sign in again after removing the file".to_owned())
            }
            Self::Conflict => Some("try again".to_owned()),
            Self::Busy { .. } => Some("wait for that process, or end it".to_owned()),
            Self::Sealed { store, .. } => Some(format!(
                "take the store `{store}`, or sign out there first"
            )),
            Self::Unsealed { path } => Some(format!(
                "remove '{}' and sign in again, or take the store `file` if you put it there",
                path.display()
            )),
            Self::Swapped { path } => Some(format!(
                "remove '{}' and sign in again; find out who else writes in this folder",
                path.display()
            )),
            Self::Keychain { .. } => Some(
                "start or unlock the keychain, or take the store `sealed` with HALLPASS_PASSPHRASE_FILE"
                    .to_owned(),
            ),
            Self::KeyMissing { folder } => Some(format!(
                "go back to the keychain of their sign-in, or remove '{}' and sign in again",
                folder.display()
            )),
            Self::NoPassphrase => Some(
                "put a passphrase in a file and name the file in HALLPASS_PASSPHRASE_FILE"
                    .to_owned(),
            ),
            Self::WrongPassphrase { .. } => {
                Some("name the file with the passphrase of the last sign-in".to_owned())
            }
            Self::Command { .. } => Some("run the command by hand, or take another store".to_owned()),
            Self::NoHome => Some("set HOME, or name a file for the credentials".to_owned()),
            Self::Other { hint, .. } => hint.clone(),
        }
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            what,
            path: path.into(),
            source,
        }
    }

    pub(crate) fn into_source(self) -> Option<Box<dyn StdError + Send + Sync>> {
        match self {
            Self::Io { source, .. } => Some(source.into()),
            _ => None,
        }
    }
}
