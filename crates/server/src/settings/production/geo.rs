//! `[geo]`.

use std::path::PathBuf;

use super::refusal::{bad_in, with_hint};
use crate::places::Places;
use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::server_toml;

/// `[geo]`: the operator's own file that says where addresses are. It is large, and a running server
/// alone reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeoSettings {
    /// The file.
    pub mmdb: PathBuf,
    /// What messages call the settings that name it.
    pub named_in: String,
}

pub(super) fn geo(source: &Source, given: server_toml::Geo) -> Option<GeoSettings> {
    let file = given.mmdb.filter(|file| !file.as_os_str().is_empty())?;
    Some(GeoSettings {
        mmdb: source.folder.join(file),
        named_in: source.name.clone(),
    })
}

impl GeoSettings {
    /// Reads the file.
    pub(crate) fn open(&self) -> Result<Places, SettingsError> {
        Places::open(&self.mmdb).map_err(|unusable| {
            let problem = format!("names `{}`, which {unusable}", self.mmdb.display());
            let error = bad_in(&self.named_in, "geo.mmdb", &problem);
            with_hint(error, unusable.hint())
        })
    }
}
