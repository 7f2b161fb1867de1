//! The settings of production: flags win over the environment, that over the file, that over the
//! defaults.
//!
//! For users: `docs/server.md`.

mod audit;
mod branding;
mod database;
mod email;
mod key_ring;
mod login;
mod public_url;
mod resources;
#[cfg(test)]
mod tests;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hallpass_issuer::consent_policy::ConsentPolicy;
use hallpass_issuer::tokens::mint::Dialect;
use hallpass_protocol::jose::Algorithm;

use super::error::SettingsError;
use super::files::{self, Format, Source};
use super::geo::GeoSettings;
use super::mode::{Compat, LimitSettings, Mode, Network};
use super::refusal::{bad, with_hint};
use super::server_toml::CompatWord;
use super::values::{ControlAccess, PublicUrl, Settings};
use super::{overrides, toml_file};

/// Where the file is, unless `--config` says otherwise.
const DEFAULT_FILE: &str = "/etc/hallpass/server.toml";
/// The port of the contract: no privilege is needed for it.
const PORT: u16 = 8443;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct ServerFlags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--database`, in place of `database.url`.
    pub database: Option<String>,
}

impl Settings {
    /// Reads the settings of production. `variables` are those of the environment; the ones that
    /// begin with `HALLPASS__`, and `CREDENTIALS_DIRECTORY`, are read.
    pub fn production(
        variables: &[(String, String)],
        flags: &ServerFlags,
    ) -> Result<Self, SettingsError> {
        let source = find(flags.config.as_deref())?;
        let warnings = toml_file::check_keys(&source, Mode::Production)?;
        let file = overrides::read(&source, variables)?;
        let mut settings = Self {
            warnings,
            ..Self::production_defaults()
        };
        let mut file = toml_file::apply_common(file, &source, &mut settings)?;
        refuse_user_ids(&source, &settings)?;
        let url = public_url::public_url(&source, file.public_url.as_deref())?;
        settings.passkeys = login::passkeys(&source, file.login.passkey, &url)?;
        settings.public = PublicUrl::Fixed(url);
        settings.tls = tls::certificate(&source, file.tls.take(), settings.is_https())?;
        settings.listen = vec![file.listen.unwrap_or_else(|| default_address(&settings))];
        settings.loopback_only = settings
            .listen
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback());
        settings.compat = compat(&file.compat);
        settings.trusted_proxies = trusted_proxies(&source, &file.trusted_proxies)?;
        settings.database = database::database(&source, &mut file, flags.database.as_deref())?;
        let secrets = file.secrets.take().unwrap_or_default();
        settings.key_ring = key_ring::key_ring(&source, &secrets, variables, &settings.database)?;
        if let Some(password) = file.login.password {
            settings.login.password = password;
        }
        if let Some(totp) = file.login.totp {
            settings.login.totp = totp;
        }
        settings.login.require_mfa =
            login::require_mfa(&source, file.login.require_mfa, &settings)?;
        let blocklist = file.login.password_blocklist_file.as_deref();
        settings.password_blocklist = login::password_blocklist(&source, blocklist)?;
        settings.login.argon2 = login::cost(&file.login.argon2, &source, &mut settings.warnings)?;
        if let Some(email) = &file.email {
            settings.email = email::email(&source, email)?;
        }
        settings.login.registration =
            login::registration(&source, file.login.registration, &settings)?;
        settings.geo = GeoSettings::read(&source, std::mem::take(&mut file.geo));
        settings.audit = audit::audit(&source, &file.audit)?;
        let given = std::mem::take(&mut file.branding);
        settings.branding = branding::branding(&source, given, &settings.public)?;
        settings.resources = resources::resources(&source, file.resource)?;
        Ok(settings)
    }

    fn production_defaults() -> Self {
        let mut settings = Self::defaults(PORT);
        settings.mode = Mode::Production;
        settings.compat = Compat::default();
        settings.strict = true;
        settings.consent = Some(ConsentPolicy::Remember);
        settings.limits = LimitSettings::default();
        settings.control = ControlAccess::Off;
        settings.algorithm = Algorithm::Es256;
        settings.id_token_algorithm = Some(Algorithm::Rs256);
        settings.registration.is_open = false;
        settings.token_rules.dialect = Dialect::Rfc9068;
        settings.token_rules.access_lifetime = std::time::Duration::from_mins(10);
        settings.token_rules.id_lifetime = std::time::Duration::from_mins(10);
        settings
    }
}

/// Row S-137 (RFC 9700 §4.15): the subject of a client's own token is its id, and no person may ever
/// have that subject. People have UUIDs.
fn refuse_user_ids(source: &Source, settings: &Settings) -> Result<(), SettingsError> {
    let is_uuid = |id: &str| {
        let form = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        id.len() == 36 && id.bytes().enumerate().all(form)
    };
    let taken = settings
        .clients
        .iter()
        .find(|client| is_uuid(client.id.as_str()));
    match taken {
        None => Ok(()),
        Some(client) => {
            let key = format!("client[{}].id", client.id);
            let error = bad(source, &key, "looks like the id of a person");
            Err(with_hint(
                error,
                "give the client a name, such as \"acme-cli\"",
            ))
        }
    }
}

/// Without a file the environment may say it all, as in containers.
fn find(flag: Option<&Path>) -> Result<Source, SettingsError> {
    let path = flag.unwrap_or(Path::new(DEFAULT_FILE));
    match files::read(path, Format::Toml) {
        Err(SettingsError::Unreadable { source, .. })
            if flag.is_none() && source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(Source {
                name: DEFAULT_FILE.to_owned(),
                folder: PathBuf::new(),
                text: String::new(),
                format: Format::Toml,
            })
        }
        outcome => outcome,
    }
}

/// Behind a proxy nobody else needs to reach us.
fn default_address(settings: &Settings) -> SocketAddr {
    if settings.tls.is_some() {
        (Ipv4Addr::UNSPECIFIED, PORT).into()
    } else {
        (Ipv4Addr::LOCALHOST, PORT).into()
    }
}

fn compat(words: &[CompatWord]) -> Compat {
    Compat {
        mock: words.contains(&CompatWord::Mock),
        hydra: words.contains(&CompatWord::Hydra),
        workos: words.contains(&CompatWord::Workos),
        google: words.contains(&CompatWord::Google),
    }
}

fn trusted_proxies(source: &Source, texts: &[String]) -> Result<Vec<Network>, SettingsError> {
    let parse = |text: &String| {
        text.parse().map_err(|()| {
            let problem = format!("holds `{text}`, which is no network");
            let error = bad(source, "trusted_proxies", &problem);
            with_hint(
                error,
                "write an address such as \"10.1.2.3\", or a network such as \"10.0.0.0/8\"",
            )
        })
    };
    texts.iter().map(parse).collect()
}
