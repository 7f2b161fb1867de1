//! Where the command line keeps its files, and how it reads and replaces them.
//!
//! `HALLPASS_HOME` moves everything; else each system's own places.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy as _, base_strategy};
use hallpass_client::{Clock as _, FileStore, Secret};
use hallpass_protocol::time::SystemClock;

use crate::environment::Environment;
use crate::failure::Failure;

/// The places.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The person's own settings: read, never written.
    pub(crate) config: PathBuf,
    /// What the program remembers: sessions and profiles.
    pub(crate) state: PathBuf,
}

impl Places {
    /// Flag before variable before the system's place.
    pub(crate) fn find(
        config_flag: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let home = environment.path("HALLPASS_HOME");
        let state = FileStore::state_dir("hallpass", home.as_deref())?;
        let config = match config_flag
            .map(Path::to_owned)
            .or_else(|| environment.path("HALLPASS_CONFIG"))
        {
            Some(file) => file,
            None => match home {
                Some(home) => home.join("config.toml"),
                None => system_config()?,
            },
        };
        Ok(Self { config, state })
    }

    /// The profiles that sign-ins left behind.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.state.join("profiles.toml")
    }

    /// The files of folders that a person trusted.
    pub(crate) fn trusted(&self) -> PathBuf {
        self.state.join("trusted.toml")
    }

    /// The client secret that came with an import.
    pub(crate) fn secret(&self, profile: &str) -> PathBuf {
        self.state.join("secrets").join(profile)
    }
}

/// On macOS `~/.config/hallpass` when it is there, else where the system keeps settings.
fn system_config() -> Result<PathBuf, Failure> {
    let no_home = |_| Failure::store("the home folder of this user is unknown").hint_to("set HOME");
    let xdg = base_strategy::choose_base_strategy().map_err(no_home)?;
    let native = base_strategy::choose_native_strategy().map_err(no_home)?;
    let unixy = xdg.config_dir().join("hallpass");
    let folder = if cfg!(target_os = "macos") && !unixy.is_dir() {
        native.data_dir().join("hallpass")
    } else if cfg!(windows) {
        native.config_dir().join("hallpass")
    } else {
        unixy
    };
    Ok(folder.join("config.toml"))
}

/// Reads a small file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let failed = |error: &io::Error| {
        Failure::config(format!("cannot read {}", path.display()))
            .caused_by(error)
            .hint_to("check that it is a file which this user may read")
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    Ok(Some(bytes))
}

/// Moves a damaged file away, so that nothing overwrites it; returns where it is now.
pub(crate) fn move_aside(path: &Path) -> Result<PathBuf, Failure> {
    let stamp = SystemClock.now().unix_seconds();
    let moved = PathBuf::from(format!("{}.corrupt-{stamp}", path.display()));
    fs::rename(path, &moved).map_err(|error| {
        Failure::store(format!("cannot move the damaged {} away", path.display())).caused_by(&error)
    })?;
    Ok(moved)
}

/// Replaces a file in one step: readers see the old content or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".hallpass-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(|error| {
        Failure::store(format!("cannot write {}", path.display()))
            .caused_by(&error)
            .hint_to("check the folder's permissions and the free space")
    })
}

/// Writes a secret into a file that only this user reads.
pub(crate) fn write_secret(path: &Path, secret: &Secret<String>) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(folder).map_err(|error| {
        Failure::store(format!("cannot make the folder {}", folder.display())).caused_by(&error)
    })?;
    // The temporary file is made with mode 0600, and the name changes nothing about it.
    replace(path, secret.expose())
}

/// Holds off other processes that change the same file, until it is dropped.
pub(crate) fn lock(path: &Path) -> Result<File, Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let open = || {
        private_folder(folder)?;
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock)?;
        file.lock()?;
        Ok(file)
    };
    open().map_err(|error: io::Error| {
        Failure::store(format!("cannot lock {}", path.display()))
            .caused_by(&error)
            .hint_to("check the folder's permissions")
    })
}

/// Whether somebody else made a file. On Windows nobody is asked: folders there are not shared.
pub(crate) fn is_of_another_user(file: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // The user of this process is the owner of a file that it makes; `std` has no `geteuid`.
        let made = tempfile::tempfile().and_then(|file| file.metadata());
        let own = made.or_else(|_| fs::metadata("/proc/self"));
        own.is_ok_and(|own| own.uid() != file.uid())
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// No file of settings is longer.
const LARGEST: u64 = 1024 * 1024;
