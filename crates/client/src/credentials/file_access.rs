//! Opens, replaces and locks files that hold secrets.
//!
//! Row A-90: a file that others can read, that is a link or that belongs to somebody else is refused,
//! not mended: whoever arranged it so may have a copy.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hallpass_protocol::Timestamp;

use super::store_error::StoreError;

/// Reads a whole file of secrets; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(mut file) = open_existing(path, OpenOptions::new().read(true))? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| StoreError::io("read", path, error))?;
    Ok(Some(bytes))
}

/// Replaces a file of secrets in one step: readers see the old content or the new one, also after a
/// crash (row C-22).
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = folder_of(path);
    let failed = |error| StoreError::io("write", path, error);
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(PRIVATE_FILE));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// Removes what writers left that were killed between writing and renaming: it holds secrets. One that
/// is being written is younger.
pub(super) fn remove_leftovers(folder: &Path, now: Timestamp) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_temporary = name
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1));
        if is_temporary && is_older(&entry, now) {
            let removed = fs::remove_file(entry.path());
            tracing::debug!(?removed, "a writer was killed here");
        }
    }
}

fn is_older(entry: &fs::DirEntry, now: Timestamp) -> bool {
    let modified = entry.metadata().and_then(|found| found.modified()).ok();
    let age = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let at = age.and_then(|age| i64::try_from(age.as_millis()).ok());
    at.is_some_and(|at| now.since(Timestamp::from_unix_millis(at)) > LEFTOVER)
}

/// Removes a file; it is fine when there is none.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path, error))
        }
        _ => {
            sync_folder(folder_of(path));
            Ok(())
        }
    }
}

/// Moves a damaged file away, so that it is neither read again nor lost, and says so.
pub(super) fn move_aside(path: &Path, now: Timestamp) -> StoreError {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".corrupt-{}", now.unix_seconds()));
    let moved_to = PathBuf::from(name);
    match fs::rename(path, &moved_to) {
        Ok(()) => StoreError::Corrupt {
            path: path.to_owned(),
            moved_to,
        },
        Err(error) => StoreError::io("move away the damaged file", path, error),
    }
}

/// Whether a file of secrets could be written here; leaves none behind.
pub(super) fn try_to_write(folder: &Path) -> Result<(), StoreError> {
    tempfile::tempfile_in(folder)
        .and_then(|mut file| file.write_all(&[0]))
        .map_err(|error| StoreError::io("write in", folder, error))
}

/// The files of sessions in a folder; none when it is not there.
pub(super) fn json_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", folder, error)),
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_session = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    Ok(paths.filter(is_session).collect())
}

/// Makes a folder that only its owner enters; one that is there is only judged.
pub(crate) fn private_folder(folder: &Path) -> Result<(), StoreError> {
    if !folder.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, PRIVATE_FOLDER);
        builder
            .create(folder)
            .map_err(|error| StoreError::io("create the folder", folder, error))?;
    }
    let found = fs::metadata(folder).map_err(|error| StoreError::io("look at", folder, error))?;
    if !found.is_dir() {
        let error = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(StoreError::io("use the folder", folder, error));
    }
    #[cfg(unix)]
    owner::judge_folder(folder, &found)?;
    Ok(())
}

/// Opens a lock file, made if need be. It is never deleted: a second process could lock a file that
/// is gone.
pub(crate) fn open_lock(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    if let Some(file) = open_existing(path, &options)? {
        return Ok(file);
    }
    let existing = options.clone();
    // `create_new` follows no link (POSIX `O_EXCL`).
    options.create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    match options.open(path) {
        Ok(file) => Ok(file),
        // Somebody else made it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            open_existing(path, &existing)?
                .ok_or_else(|| StoreError::io("open", path, io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(StoreError::io("create", path, error)),
    }
}

/// Opens a file without following a link: what was judged is what was opened.
fn open_existing(path: &Path, options: &OpenOptions) -> Result<Option<File>, StoreError> {
    let judged = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("look at", path, error)),
    };
    if !judged.is_file() {
        return Err(StoreError::NotAFile {
            path: path.to_owned(),
        });
    }
    let file = match options.open(path) {
        Ok(file) => file,
        // Replaced by its owner between the two looks; the next look finds the new one.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path, error)),
    };
    #[cfg(unix)]
    {
        let opened = file
            .metadata()
            .map_err(|error| StoreError::io("look at", path, error))?;
        owner::judge_file(path, &judged, &opened)?;
    }
    Ok(Some(file))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// How files are called until they are complete.
const TEMPORARY: (&str, &str) = (".hallpass-", ".tmp");
/// Nobody writes for so long.
const LEFTOVER: Duration = Duration::from_mins(1);

/// Makes a rename outlive a power cut. Where folders cannot be synced, the rename is as good as the
/// file system makes it.
fn sync_folder(folder: &Path) {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    if let Err(error) = synced {
        tracing::debug!(%error, "the folder could not be synced");
    }
}

#[cfg(unix)]
const PRIVATE_FILE: u32 = 0o600;
#[cfg(unix)]
const PRIVATE_FOLDER: u32 = 0o700;

#[cfg(unix)]
pub(super) mod owner {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::{PRIVATE_FILE, PRIVATE_FOLDER};
    use crate::credentials::store_error::StoreError;

    /// `judged` was looked at by name, `opened` through the handle.
    pub(super) fn judge_file(
        path: &Path,
        judged: &Metadata,
        opened: &Metadata,
    ) -> Result<(), StoreError> {
        let path_buf = || path.to_owned();
        let is_same = (judged.dev(), judged.ino()) == (opened.dev(), opened.ino());
        // Replaced by a rename of ours meanwhile is fine, replaced by a link is not: `opened` would
        // then be a file that the name does not show, which the owner and mode below still judge.
        if !is_same && std::fs::symlink_metadata(path).is_ok_and(|now| !now.is_file()) {
            return Err(StoreError::NotAFile { path: path_buf() });
        }
        if me() != opened.uid() {
            return Err(StoreError::OtherOwner {
                path: path_buf(),
                owner: opened.uid(),
            });
        }
        let mode = opened.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(StoreError::TooOpen {
                path: path_buf(),
                mode,
                wanted: PRIVATE_FILE,
            });
        }
        Ok(())
    }

    /// A folder that anybody may write lets anybody replace the file; a sticky one (`/tmp`) does not.
    pub(super) fn judge_folder(folder: &Path, found: &Metadata) -> Result<(), StoreError> {
        let (mode, owner) = (found.mode(), found.uid());
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            let path = folder.to_owned();
            return Err(StoreError::TooOpen {
                path,
                mode: mode & 0o7777,
                wanted: PRIVATE_FOLDER,
            });
        }
        if owner != 0 && me() != owner {
            return Err(StoreError::OtherOwner {
                path: folder.to_owned(),
                owner,
            });
        }
        Ok(())
    }

    /// The user of this process.
    pub(in crate::credentials) fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }
}
