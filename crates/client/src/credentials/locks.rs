//! One lock for all processes of a user, however they were started (rows C-21, C-73).
//!
//! A lock lies beside the sessions, so that a login shell, cron and `sudo -u` meet at it whatever
//! their variables say. Where that file system cannot lock (some network mounts), it lies in a folder
//! that follows from the user alone, and a note beside the sessions names it. Lock files are never
//! removed: two processes could each hold a lock of the same name.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::file_access;
use super::store_error::StoreError;
use crate::file_lock::FileLock;

/// Takes the locks of one folder of sessions.
#[derive(Clone, Debug)]
pub(super) struct Locks {
    folder: PathBuf,
    /// Where folders for locks are made when the sessions' own cannot lock.
    bases: Vec<PathBuf>,
    system: System,
}

/// The system's call, which tests replace by one that fails. It is told the file's path.
type System = fn(&File, &Path, Wait) -> io::Result<bool>;

/// Whether to wait for whoever holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Yes,
    No,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Taken {
    /// The lock is held until this is dropped.
    Ours(FileLock),
    /// Somebody else holds it; the file says who.
    Busy(File),
}

impl Locks {
    /// The locks of a folder.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            // Not what TMPDIR says: another process of this user may have another one.
            bases: ["/tmp", "/var/tmp"].map(PathBuf::from).to_vec(),
            system: lock,
        }
    }

    /// Takes the lock of this name.
    pub(super) fn take(&self, name: &str, wait: Wait) -> Result<Taken, StoreError> {
        file_access::private_folder(&self.folder)?;
        if let Some(place) = self.noted_place()? {
            return self.take_in(&place, name, wait);
        }
        match self.try_to_take(&self.folder.join(name), wait)? {
            Ok(taken) => Ok(taken),
            Err(error) => {
                let place = self.choose_place(error)?;
                self.take_in(&place, name, wait)
            }
        }
    }

    fn take_in(&self, place: &Path, name: &str, wait: Wait) -> Result<Taken, StoreError> {
        let path = place.join(self.name_elsewhere(name)?);
        self.try_to_take(&path, wait)?
            .map_err(|error| StoreError::io("lock", path, error))
    }

    /// The inner error is of a file system that cannot lock.
    fn try_to_take(&self, path: &Path, wait: Wait) -> Result<io::Result<Taken>, StoreError> {
        let file = file_access::open_lock(path)?;
        match (self.system)(&file, path, wait) {
            Ok(true) => Ok(Ok(Taken::Ours(FileLock::new(file)))),
            Ok(false) => Ok(Ok(Taken::Busy(file))),
            Err(error) if cannot_lock(&error) => Ok(Err(error)),
            Err(error) => Err(StoreError::io("lock", path, error)),
        }
    }

    /// The place that somebody chose, unless somebody else has taken it since, as after a restart
    /// that emptied `/tmp`.
    fn noted_place(&self) -> Result<Option<PathBuf>, StoreError> {
        let noted = file_access::read(&self.note())?;
        let place = noted.and_then(|bytes| String::from_utf8(bytes).ok());
        let place = place.map(|text| PathBuf::from(text.trim_end()));
        match place {
            Some(place) if !place.is_absolute() || !is_ours(&place) => {
                let taken = io::Error::from(io::ErrorKind::PermissionDenied);
                self.choose_place(taken).map(Some)
            }
            place => Ok(place),
        }
    }

    /// The first place in a fixed order that is ours, so that two who choose at once choose alike.
    fn choose_place(&self, reason: io::Error) -> Result<PathBuf, StoreError> {
        let failed = |error| StoreError::io("lock the sessions in", &self.folder, error);
        let mut places = names_of_places()
            .into_iter()
            .flat_map(|name| self.bases.iter().map(move |base| base.join(&name)));
        let place = places.find(|place| is_ours(place));
        let place = place.ok_or_else(|| failed(reason))?;
        let note = format!("{}\n", place.display());
        file_access::replace(&self.note(), note.as_bytes())?;
        tracing::debug!(place = %place.display(), "this file system cannot lock: locks are there");
        Ok(place)
    }

    fn note(&self) -> PathBuf {
        self.folder.join("locks.place")
    }

    /// Sessions of several folders share a place. The folder's number is the same by whatever path
    /// it is reached; should two be alike, their processes wait for each other, no more.
    fn name_elsewhere(&self, name: &str) -> Result<String, StoreError> {
        let found = std::fs::metadata(&self.folder)
            .map_err(|error| StoreError::io("look at", &self.folder, error))?;
        Ok(format!("{:x}-{name}", number(&found)))
    }
}

/// The system's own lock.
fn lock(file: &File, _path: &Path, wait: Wait) -> io::Result<bool> {
    match wait {
        Wait::Yes => file.lock().map(|()| true),
        Wait::No => match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        },
    }
}

#[cfg(unix)]
fn cannot_lock(error: &io::Error) -> bool {
    use rustix::io::Errno;
    // NFS without its lock daemon says NOLCK.
    let no_lock = [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP];
    no_lock
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Every file system of Windows locks.
#[cfg(not(unix))]
fn cannot_lock(_error: &io::Error) -> bool {
    false
}

/// They follow from the user alone. Another user may have taken some of them.
#[cfg(unix)]
fn names_of_places() -> Vec<String> {
    let user = file_access::owner::me();
    let name = |n| match n {
        1 => format!("hallpass-{user}"),
        n => format!("hallpass-{user}-{n}"),
    };
    (1..=MOST_TRIES).map(name).collect()
}

#[cfg(not(unix))]
fn names_of_places() -> Vec<String> {
    Vec::new()
}

/// Makes a folder that only we enter, or judges the one that is there: no link, and nobody else's.
#[cfg(unix)]
fn is_ours(place: &Path) -> bool {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let made = std::fs::DirBuilder::new().mode(0o700).create(place);
    if made.is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        return false;
    }
    std::fs::symlink_metadata(place).is_ok_and(|found| {
        let is_private = found.mode() & 0o777 == 0o700;
        found.is_dir() && is_private && found.uid() == file_access::owner::me()
    })
}

#[cfg(not(unix))]
fn is_ours(_place: &Path) -> bool {
    false
}

#[cfg(unix)]
fn number(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn number(_found: &std::fs::Metadata) -> u64 {
    0
}

/// So many names are tried below each base.
#[cfg(unix)]
const MOST_TRIES: u32 = 8;

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A file system that cannot lock what lies beside the sessions.
    fn cannot(file: &File, path: &Path, wait: Wait) -> io::Result<bool> {
        if path
            .parent()
            .is_some_and(|folder| folder.ends_with("sessions"))
        {
            return Err(rustix::io::Errno::NOLCK.into());
        }
        lock(file, path, wait)
    }

    fn locks(folder: &Path) -> Locks {
        Locks {
            folder: folder.join("sessions"),
            bases: vec![folder.join("a"), folder.join("b")],
            system: cannot,
        }
    }

    fn is_busy(locks: &Locks) -> bool {
        let taken = locks.take("x.lock", Wait::No);
        taken.is_ok_and(|taken| matches!(taken, Taken::Busy(_)))
    }

    #[test]
    fn c_73_where_files_cannot_be_locked_everybody_meets_at_the_place_of_the_note() {
        let folder = tempfile::tempdir().unwrap();
        let locks = locks(folder.path());
        std::fs::create_dir(folder.path().join("a")).unwrap();
        let held = locks.take("x.lock", Wait::No).unwrap();
        assert!(matches!(held, Taken::Ours(_)) && is_busy(&locks));
        // Who comes by another path finds the same lock, as does who could lock beside.
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        let other = Locks {
            folder: link.join("sessions"),
            system: lock,
            ..locks.clone()
        };
        assert!(is_busy(&other));
        drop(held);
        assert!(!is_busy(&other));
        let place = std::fs::read_to_string(locks.note()).unwrap();
        let user = file_access::owner::me();
        let expected = folder.path().join(format!("a/hallpass-{user}"));
        assert_eq!(Path::new(place.trim_end()), expected);
    }

    #[test]
    fn c_73_a_place_that_somebody_else_prepared_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let locks = locks(folder.path());
        let user = file_access::owner::me();
        let place = |base: &str| folder.path().join(base).join(format!("hallpass-{user}"));
        for base in ["a", "b"] {
            std::fs::create_dir(folder.path().join(base)).unwrap();
        }
        // One that others can enter, and one that is a link.
        std::fs::create_dir(place("a")).unwrap();
        std::fs::set_permissions(place("a"), PermissionsExt::from_mode(0o755)).unwrap();
        symlink(folder.path().join("a"), place("b")).unwrap();
        let held = locks.take("x.lock", Wait::No).unwrap();
        assert!(matches!(held, Taken::Ours(_)) && is_busy(&locks));
        let note = std::fs::read_to_string(locks.note()).unwrap();
        assert!(note.contains(&format!("/a/hallpass-{user}-2")), "{note}");

        // A restart empties the place, and somebody is faster: the next one is taken.
        drop(held);
        let noted = Path::new(note.trim_end());
        std::fs::remove_dir_all(noted).unwrap();
        symlink("/", noted).unwrap();
        let held = locks.take("x.lock", Wait::No).unwrap();
        assert!(matches!(held, Taken::Ours(_)) && is_busy(&locks));
        let note = std::fs::read_to_string(locks.note()).unwrap();
        assert!(note.contains(&format!("/b/hallpass-{user}-2")), "{note}");
    }

    #[test]
    fn where_there_is_no_place_at_all_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = locks(folder.path()).take("x.lock", Wait::No).unwrap_err();
        assert!(error.to_string().contains("sessions"), "{error}");
    }
}
