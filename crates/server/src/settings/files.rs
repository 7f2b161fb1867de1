//! Finds and reads the one configuration file.
//!
//! Contract: `JSON_CONFIG` and `JSON_CONFIG_PATH` of `docs/dev-mode.md`.

use std::path::{Path, PathBuf};

use super::error::SettingsError;

/// The environment, as a function: settings are the one place that reads it.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A configuration, not yet understood.
#[derive(Debug)]
pub(super) struct Source {
    /// What messages call it: a path or `JSON_CONFIG`.
    pub(super) name: String,
    /// The folder from which its relative paths start.
    pub(super) folder: PathBuf,
    /// The text.
    pub(super) text: String,
    /// How to read it.
    pub(super) format: Format,
}

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The mock's JSON.
    Json,
    /// The TOML of hallpass.
    Toml,
}

/// Takes the first that is there: the flag, `JSON_CONFIG`, `JSON_CONFIG_PATH`, `./config.json`.
pub(super) fn find(env: Env<'_>, flag: Option<PathBuf>) -> Result<Option<Source>, SettingsError> {
    if let Some(path) = flag {
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Format::Json,
            Some("toml") => Format::Toml,
            Some(_) | None => return Err(SettingsError::UnknownFormat(path)),
        };
        return read(&path, format).map(Some);
    }
    if let Some(text) = env("JSON_CONFIG") {
        let name = "JSON_CONFIG".to_owned();
        return Ok(Some(Source {
            name,
            folder: PathBuf::new(),
            text,
            format: Format::Json,
        }));
    }
    if let Some(path) = env("JSON_CONFIG_PATH") {
        return read(Path::new(&path), Format::Json).map(Some);
    }
    match read(Path::new("config.json"), Format::Json) {
        Err(SettingsError::Unreadable { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        outcome => outcome.map(Some),
    }
}

pub(super) fn read(path: &Path, format: Format) -> Result<Source, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    // Editors on Windows begin a file with a byte order mark.
    let text = text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text);
    Ok(Source {
        name: path.display().to_string(),
        folder,
        text,
        format,
    })
}
