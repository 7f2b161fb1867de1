//! Where the key ring is: read, refused when others can read it too, and made at the first start.
//!
//! For users: `docs/server.md`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hallpass_protocol::Secret;
use hallpass_protocol::Timestamp;
use hallpass_protocol::random::Random;

use super::ring::KeyRing;
use crate::settings::{KeyRingSource, Settings};

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file is not there, and a new one would not open the database.
    #[error("the key ring `{}` is missing", .0.display())]
    Missing(PathBuf),
    /// Others can read the file.
    #[error("others can read the key ring `{}`: its mode is {mode:04o}", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read or written.
    #[error("cannot use the key ring `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a key ring.
    #[error("`{name}` {problem}")]
    Malformed {
        /// What it is called.
        name: String,
        /// What is wrong, without any key.
        problem: String,
    },
}

impl KeyRingError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing(_) => {
                "bring it back from its copy; for a new database make one with `hallpass admin keys new-ring FILE`"
                    .to_owned()
            }
            Self::Readable { path, .. } => format!("run `chmod 600 {}`", path.display()),
            Self::Io { .. } => {
                "check the path and its permissions, or name another file with `secrets.keyring_file`"
                    .to_owned()
            }
            Self::Malformed { .. } => "see \"The key ring\" in docs/server.md".to_owned(),
        }
    }
}

/// The ring of the settings, and a word for the operator when it was made now.
pub(crate) fn load(
    settings: &Settings,
    random: &dyn Random,
    now: Timestamp,
) -> Result<(KeyRing, Option<String>), KeyRingError> {
    match &settings.key_ring {
        KeyRingSource::Fresh => Ok((KeyRing::generate(random), None)),
        KeyRingSource::Text { name, text } => parse(name, text).map(|ring| (ring, None)),
        KeyRingSource::File(path) => match read(path) {
            Err(KeyRingError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                if !is_first_start(settings) {
                    return Err(KeyRingError::Missing(path.clone()));
                }
                let ring = KeyRing::generate(random);
                create(path, &ring, now)?;
                let note = format!(
                    "made the key ring `{}`: keep a copy apart from the database",
                    path.display()
                );
                Ok((ring, Some(note)))
            }
            outcome => outcome.map(|ring| (ring, None)),
        },
    }
}

/// Writes a ring to a new file that only its owner reads. A file that is there stays as it is.
pub fn create(path: &Path, ring: &KeyRing, now: Timestamp) -> Result<(), KeyRingError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || -> io::Result<()> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = options.open(path)?;
        file.write_all(ring.spell(now).expose().as_bytes())?;
        // A database that is sealed with a lost key is lost too.
        file.sync_all()
    };
    write().map_err(|source| io_error(path, source))
}

impl KeyRing {
    /// Reads a file; one that others can read is refused.
    pub fn read(path: &Path) -> Result<Self, KeyRingError> {
        read(path)
    }
}

fn read(path: &Path) -> Result<KeyRing, KeyRingError> {
    let mut file = File::open(path).map_err(|source| io_error(path, source))?;
    check_mode(path, &file)?;
    let mut text = String::new();
    let read = file.read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|source| io_error(path, source))?;
    parse(&path.display().to_string(), &text)
}

fn parse(name: &str, text: &Secret<String>) -> Result<KeyRing, KeyRingError> {
    KeyRing::parse(text.expose()).map_err(|problem| KeyRingError::Malformed {
        name: name.to_owned(),
        problem,
    })
}

/// The mode of the open file, which nobody can exchange any more.
#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), KeyRingError> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = file.metadata().map_err(|source| io_error(path, source))?;
    let mode = metadata.permissions().mode() & 0o7777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    Err(KeyRingError::Readable {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn check_mode(_: &Path, _: &File) -> Result<(), KeyRingError> {
    Ok(())
}

/// Only a database that is not there yet can do with a new ring.
fn is_first_start(settings: &Settings) -> bool {
    let place = settings.database.url.expose().strip_prefix("sqlite:");
    let place = place.map(|place| Path::new(place.strip_prefix("//").unwrap_or(place)));
    place.is_some_and(|path| !path.exists())
}

fn io_error(path: &Path, source: io::Error) -> KeyRingError {
    KeyRingError::Io {
        path: path.to_owned(),
        source,
    }
}
