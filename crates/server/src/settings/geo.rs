//! `[geo]`.

use std::path::PathBuf;

use super::error::SettingsError;
use super::files::Source;
use super::refusal::{bad_in, with_hint};
use super::server_toml;
use crate::places::Places;

/// `[geo]`: the operator's own file that says where addresses are. It is large, and a running server
/// alone reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeoSettings {
    /// The file.
    pub mmdb: PathBuf,
    /// What messages call the settings that name it.
    pub named_in: String,
}

impl GeoSettings {
    /// What a configuration names; an empty name is none.
    pub(super) fn read(source: &Source, given: server_toml::Geo) -> Option<Self> {
        let file = given.mmdb.filter(|file| !file.as_os_str().is_empty())?;
        Some(Self {
            mmdb: source.folder.join(file),
            named_in: source.name.clone(),
        })
    }

    /// Reads the file.
    pub(crate) fn open(&self) -> Result<Places, SettingsError> {
        Places::open(&self.mmdb).map_err(|unusable| {
            let problem = format!("names `{}`, which {unusable}", self.mmdb.display());
            let error = bad_in(&self.named_in, "geo.mmdb", &problem);
            with_hint(error, unusable.hint())
        })
    }
}
