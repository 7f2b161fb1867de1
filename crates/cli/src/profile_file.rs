//! The two files that hold profiles: `config.toml`, which people write and only they, and
//! `profiles.toml`, in which sign-ins are remembered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::Flow;
use crate::failure::Failure;
use crate::files::{self, Places};

/// What either file says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct ProfileFile {
    /// The format; there is only one so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
    /// The profile of a command that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_profile: Option<String>,
    /// The profiles by name.
    #[serde(default)]
    pub(crate) profile: BTreeMap<String, Settings>,
}

/// One profile.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// What to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<Vec<String>>,
    /// The APIs that the tokens are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<Vec<String>>,
    /// How to sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<Flow>,
    /// Where to await the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) callback_ports: Option<Vec<u16>>,
    /// The path of the redirect URI, as registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) callback_path: Option<String>,
    /// How the secret is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_method: Option<AuthMethod>,
    /// Where the secret is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<SecretPlace>,
}

/// How a client with a secret says who it is (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthMethod {
    /// Without a secret.
    None,
    /// In a header.
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
}

/// Where a client secret is; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretPlace {
    /// A file that holds it.
    pub(crate) file: PathBuf,
}

impl ProfileFile {
    /// Reads what the person wrote. A slip of the pen is named by its line and stays where it is.
    pub(crate) fn read_config(path: &Path) -> Result<Self, Failure> {
        let Some(bytes) = files::read(path)? else {
            return Ok(Self::default());
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(damaged(path)?.hint_to("write it again, or go on without it"));
        };
        if text.contains('\0') {
            return Err(damaged(path)?.hint_to("write it again, or go on without it"));
        }
        Self::parse(&text, path)?.map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            Failure::config(format!(
                "{} cannot be understood (line {line}): {}",
                path.display(),
                hallpass_client::clean::text(error.message())
            ))
            .hint_to(format!("correct line {line}"))
        })
    }

    /// Reads what the program wrote. A damaged file is moved aside and named.
    pub(crate) fn read_remembered(places: &Places) -> Result<Self, Failure> {
        let path = places.profiles();
        let Some(bytes) = files::read(&path)? else {
            return Ok(Self::default());
        };
        let parsed = match String::from_utf8(bytes) {
            Ok(text) => Self::parse(&text, &path)?.ok(),
            Err(_) => None,
        };
        match parsed {
            Some(file) => Ok(file),
            None => {
                Err(damaged(&path)?
                    .hint_to("run `hallpass login` with --issuer and --client-id again"))
            }
        }
    }

    /// Remembers a profile. The first one becomes the default.
    pub(crate) fn remember(
        places: &Places,
        name: &str,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let path = places.profiles();
        let _writing = files::lock(&path)?;
        let mut file = Self::read_remembered(places)?;
        if file.profile.get(name) == Some(settings) {
            return Ok(());
        }
        file.version = Some(VERSION);
        file.default_profile.get_or_insert_with(|| name.to_owned());
        file.profile.insert(name.to_owned(), settings.clone());
        let text = toml::to_string(&file)
            .map_err(|error| Failure::store("cannot write the profile").caused_by(&error))?;
        files::replace(&path, &format!("{HEADER}{text}"))
    }

    fn parse(text: &str, path: &Path) -> Result<Result<Self, toml::de::Error>, Failure> {
        let parsed = toml::from_str::<Self>(text);
        match parsed.as_ref().ok().and_then(|file| file.version) {
            Some(version) if version > VERSION => Err(Failure::config(format!(
                "{} was written for a newer version of hallpass (format {version})",
                path.display()
            ))
            .hint_to("upgrade hallpass")),
            _ => Ok(parsed),
        }
    }
}

impl Settings {
    /// These settings where they say something, else the others.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            issuer: self.issuer.or(other.issuer),
            client_id: self.client_id.or(other.client_id),
            scopes: self.scopes.or(other.scopes),
            resource: self.resource.or(other.resource),
            flow: self.flow.or(other.flow),
            callback_ports: self.callback_ports.or(other.callback_ports),
            callback_path: self.callback_path.or(other.callback_path),
            auth_method: self.auth_method.or(other.auth_method),
            client_secret: self.client_secret.or(other.client_secret),
        }
    }
}

fn damaged(path: &Path) -> Result<Failure, Failure> {
    let moved = files::move_aside(path)?;
    Ok(Failure::store(format!(
        "{} was damaged and has been moved to {}",
        path.display(),
        moved.display()
    )))
}

/// The format that this program writes.
const VERSION: u32 = 1;
const HEADER: &str =
    "# Written by `hallpass login`; config.toml is the place for settings of your own.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_s_config_is_read() {
        let text = r#"
            version = 1
            default_profile = "work"
            [defaults]
            store = "auto"
            [profile.work]
            issuer = "https://login.example.com"
            client_id = "acme-cli"
            scopes = ["openid"]
            flow = "auto"
            callback_ports = [0]
            dpop = "auto"
            [profile.robot]
            auth_method = "client_secret_post"
            client_secret = { file = "secret" }
            [[match]]
            dir = "~/src/**"
            profile = "work"
        "#;
        let file: ProfileFile = toml::from_str(text).unwrap();
        assert_eq!(file.default_profile.as_deref(), Some("work"));
        assert_eq!(file.profile["work"].flow, Some(Flow::Auto));
        assert_eq!(
            file.profile["robot"].auth_method,
            Some(AuthMethod::ClientSecretPost)
        );
    }

    #[test]
    fn the_first_settings_win_member_by_member() {
        let settings = |issuer: Option<&str>, client_id: &str| Settings {
            issuer: issuer.map(str::to_owned),
            client_id: Some(client_id.to_owned()),
            ..Settings::default()
        };
        let merged = settings(None, "a").or(settings(Some("i"), "b"));
        assert_eq!(merged, settings(Some("i"), "a"));
    }
}
