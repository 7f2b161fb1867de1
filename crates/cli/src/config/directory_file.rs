//! `.hallpass.toml`: which profile the programs below a folder use.
//!
//! Row C-79: such a file comes with a repository, so it is not the person's word. It chooses among
//! profiles that are there and narrows their scopes; a server or client of its own counts only after
//! `hallpass profile trust`, and only as long as the file stays as it was then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hallpass_client::clean;
use serde::{Deserialize, Serialize};

use super::mistake::Mistake;
use super::settings::Settings;
use crate::failure::Failure;
use crate::files::{self, Places};

/// The nearest file, upwards from the folder that the command runs in.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) content: Content,
    /// Whether a person looked at exactly this.
    pub(crate) is_trusted: bool,
    text: String,
}

/// What a file in a folder may say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Content {
    /// The profile to use.
    pub(crate) profile: Option<String>,
    /// The only scopes to ask for, of those that the profile asks for.
    pub(crate) scopes: Option<Vec<String>>,
    /// The server of a profile that is not there; only where it is trusted.
    pub(crate) issuer: Option<String>,
    /// The client of a profile that is not there; only where it is trusted.
    pub(crate) client_id: Option<String>,
}

/// The files that a person trusted: path and content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Trust {
    #[serde(default)]
    trusted: BTreeMap<String, String>,
}

impl DirectoryFile {
    /// Looks for the file; one that cannot be used is told in one line, and nothing else happens.
    pub(crate) fn find(places: &Places, notes: &mut Vec<String>) -> Option<Self> {
        let folder = std::env::current_dir().ok()?;
        let (path, file) = folder.ancestors().find_map(|folder| {
            let path = folder.join(NAME);
            File::open(&path).ok().map(|file| (path, file))
        })?;
        match Self::read(path.clone(), file, places) {
            Ok(found) => Some(found),
            Err(reason) => {
                notes.push(format!("ignored {}: {reason}", shown(&path)));
                None
            }
        }
    }

    /// Reads the file of one folder, for `hallpass profile trust`.
    pub(crate) fn in_folder(folder: &Path, places: &Places) -> Result<Self, Failure> {
        let cannot = |error: &std::io::Error| {
            Failure::config(format!("cannot read {}", shown(&folder.join(NAME))))
                .caused_by(error)
                .hint_to("name the folder that holds the file")
        };
        let folder = folder.canonicalize().map_err(|error| cannot(&error))?;
        let path = folder.join(NAME);
        let file = File::open(&path).map_err(|error| cannot(&error))?;
        Self::read(path.clone(), file, places)
            .map_err(|reason| Failure::config(format!("{}: {reason}", shown(&path))))
    }

    fn read(path: PathBuf, file: File, places: &Places) -> Result<Self, String> {
        let unreadable = |error: std::io::Error| error.to_string();
        let found = file.metadata().map_err(unreadable)?;
        if !found.is_file() {
            return Err("it is no file".to_owned());
        }
        if files::is_of_another_user(&found) {
            return Err("it belongs to another user".to_owned());
        }
        let mut text = String::new();
        file.take(LONGEST)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let content: Content =
            toml::from_str(&text).map_err(|error| Mistake::of(&error, &text).in_short())?;
        // Only what would need trust asks whether it is there.
        let is_trusted = content.needs_trust()
            && Trust::read(places)
                .map_err(|failure| failure.message().to_owned())?
                .holds(&path, &text);
        Ok(Self {
            path,
            content,
            is_trusted,
            text,
        })
    }

    /// The file for people.
    pub(crate) fn shown(&self) -> String {
        shown(&self.path)
    }

    /// What it says about the chosen profile, as far as it may: scopes among those that the profile
    /// asks for, and where it is trusted a server for a profile that has none.
    pub(crate) fn settings(
        &self,
        name: &str,
        profile: &Settings,
        asked_by_default: &[&str],
        notes: &mut Vec<String>,
    ) -> Settings {
        let mut settings = Settings::default();
        if self
            .content
            .profile
            .as_deref()
            .is_some_and(|own| own != name)
        {
            return settings;
        }
        let mut ignored = Vec::new();
        if self.content.needs_trust() {
            if self.is_trusted {
                settings.issuer.clone_from(&self.content.issuer);
                settings.client_id.clone_from(&self.content.client_id);
            } else {
                let folder = self.path.parent().unwrap_or(Path::new("."));
                ignored.push(format!(
                    "its issuer and client id, until `hallpass profile trust {}`",
                    shown(folder)
                ));
            }
        }
        if let Some(scopes) = &self.content.scopes {
            let is_own = settings.issuer.is_some() && profile.issuer.is_none();
            let may = |scope: &String| match &profile.scopes {
                Some(scopes) => scopes.contains(scope),
                None => is_own || asked_by_default.contains(&scope.as_str()),
            };
            let (within, beyond): (Vec<_>, Vec<_>) = scopes.iter().cloned().partition(may);
            if !beyond.is_empty() {
                let beyond = clean::text(&beyond.join(" "));
                ignored.push(format!(
                    "`{beyond}`, which profile `{name}` does not ask for"
                ));
            }
            if !within.is_empty() {
                settings.scopes = Some(within);
            }
        }
        if !ignored.is_empty() {
            notes.push(format!(
                "ignored of {}: {}",
                self.shown(),
                ignored.join("; ")
            ));
        }
        settings
    }
}

impl Content {
    fn needs_trust(&self) -> bool {
        self.issuer.is_some() || self.client_id.is_some()
    }
}

impl Trust {
    /// What was trusted before.
    pub(crate) fn read(places: &Places) -> Result<Self, Failure> {
        let path = places.trusted();
        let Some(bytes) = files::read(&path)? else {
            return Ok(Self::default());
        };
        let text = String::from_utf8_lossy(&bytes);
        // Who cannot be understood trusted nothing; the next trust writes the file anew.
        Ok(toml::from_str(&text).unwrap_or_default())
    }

    /// Whether exactly this was trusted.
    fn holds(&self, path: &Path, text: &str) -> bool {
        self.trusted
            .get(&key(path))
            .is_some_and(|trusted| trusted == text)
    }

    /// Trusts a file as it is now; `None` takes all trust from its place.
    pub(crate) fn set(
        places: &Places,
        path: &Path,
        file: Option<&DirectoryFile>,
    ) -> Result<(), Failure> {
        let place = places.trusted();
        let _writing = files::lock(&place)?;
        let mut trust = Self::read(places)?;
        match file {
            Some(file) => trust.trusted.insert(key(path), file.text.clone()),
            None => trust.trusted.remove(&key(path)),
        };
        let text = toml::to_string(&trust)
            .map_err(|error| Failure::store("cannot write what is trusted").caused_by(&error))?;
        files::replace(&place, &format!("{HEADER}{text}"))
    }
}

/// Links are followed: the same file by another way is the same file.
fn key(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

fn shown(path: &Path) -> String {
    clean::text(&path.display().to_string())
}

/// The name of the file.
pub(crate) const NAME: &str = ".hallpass.toml";
const LONGEST: u64 = 64 * 1024;
const HEADER: &str =
    "# Written by `hallpass profile trust`: the files that were trusted, as they were then.\n";
