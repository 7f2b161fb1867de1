//! `[secrets]`: where the key ring is.

use std::path::Path;

use hallpass_protocol::Secret;

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::{DatabaseSettings, KeyRingSource};
use crate::settings::overrides;
use crate::settings::refusal::{bad, with_hint};
use crate::settings::server_toml::Secrets;

/// The file of the settings, else the environment, else a systemd credential, else a file beside
/// the SQLite database.
pub(super) fn key_ring(
    source: &Source,
    secrets: &Secrets,
    variables: &[(String, String)],
    database: &DatabaseSettings,
) -> Result<KeyRingSource, SettingsError> {
    let find = |wanted: &str| {
        let found = variables.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    if secrets.keyring.is_some() {
        let error = bad(
            source,
            "secrets.keyring",
            "stands in the settings, which others may read",
        );
        return Err(with_hint(
            error,
            "put it into a file of its own and name that with `keyring_file`",
        ));
    }
    let text = find(overrides::KEYRING);
    match (&secrets.keyring_file, text) {
        (Some(_), Some(_)) => Err(with_hint(
            bad(
                source,
                "secrets.keyring_file",
                "and HALLPASS__SECRETS__KEYRING are both set",
            ),
            "keep one of them",
        )),
        (Some(file), None) => Ok(KeyRingSource::File(source.folder.join(file))),
        (None, Some(text)) => Ok(KeyRingSource::Text {
            name: overrides::KEYRING.to_owned(),
            text: Secret::new(text.clone()),
        }),
        (None, None) => {
            if let Some(credential) = find("CREDENTIALS_DIRECTORY")
                .map(|folder| Path::new(folder).join("keyring"))
                .filter(|path| path.exists())
            {
                return read_credential(&credential);
            }
            let place = database.url.expose().strip_prefix("sqlite:");
            let Some(place) = place.map(|place| place.strip_prefix("//").unwrap_or(place)) else {
                return Err(with_hint(
                    bad(source, "secrets.keyring_file", "is missing"),
                    "every node needs the same key ring: make one with `hallpass admin keys new-ring FILE`",
                ));
            };
            Ok(KeyRingSource::File(
                Path::new(place).with_file_name("keyring.toml"),
            ))
        }
    }
}

/// systemd.exec(5), `LoadCredential=`: only this service can read it, whatever its mode says.
fn read_credential(path: &Path) -> Result<KeyRingSource, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(KeyRingSource::Text {
        name: path.display().to_string(),
        text: Secret::new(text),
    })
}
