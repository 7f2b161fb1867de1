//! The settings of `serve --dev`: flags win over the environment, that over the file, that over
//! the defaults.
//!
//! Contract: "What a drop-in must accept" of `docs/dev-mode.md`; rows S-284, A-92.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use super::error::SettingsError;
use super::values::{ControlAccess, PublicUrl, Settings, loopback};
use super::{files, json_file, toml_file};

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct DevFlags {
    /// `--host`: the name or address to listen on.
    pub host: Option<String>,
    /// `--port`; 0 takes any free one.
    pub port: Option<u16>,
    /// `--config`: a `.json` file as the mock reads it, or a `.toml` file of hallpass.
    pub config: Option<PathBuf>,
    /// `--strict`: clients must be configured, unknown keys are errors.
    pub strict: bool,
    /// `--dev-public`: peers with public addresses are served too.
    pub dev_public: bool,
    /// `--dev-control-public`: the control API answers more than this machine.
    pub dev_control_public: bool,
    /// `--issuer-url`: the scheme, host and port of every issuer.
    pub issuer_url: Option<String>,
    /// `--database`: refused in dev mode.
    pub database: Option<String>,
}

/// The environment, as a function: settings are the one place that reads it.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The port of the mock.
const DEFAULT_PORT: u16 = 8080;

impl Settings {
    /// Reads the settings of dev mode.
    pub fn dev(
        env: &dyn Fn(&str) -> Option<String>,
        flags: DevFlags,
    ) -> Result<Self, SettingsError> {
        let env: Env<'_> = &|name| env(name).filter(|value| !value.is_empty());
        refuse_production(env, &flags)?;
        let mut settings = Self {
            strict: flags.strict,
            ..Self::defaults(DEFAULT_PORT)
        };
        // Strict is: nobody but the configured clients, unless the file says otherwise.
        settings.registration.is_open = !flags.strict;
        if let Some(source) = files::find(env, flags.config)? {
            match source.format {
                files::Format::Json => json_file::apply(&source, &mut settings)?,
                files::Format::Toml => toml_file::apply(&source, &mut settings)?,
            }
        }
        if env("LOGBACK_CONFIG").is_some() {
            settings
                .warnings
                .push("`LOGBACK_CONFIG` has no effect: set `LOG_LEVEL` instead".to_owned());
        }
        settings.dev_public = flags.dev_public;
        if flags.dev_control_public {
            settings.control = ControlAccess::Public;
        }
        settings.listen_where_told(
            flags.host.or_else(|| env("SERVER_HOSTNAME")),
            port(env, flags.port)?,
        )?;
        if let Some(url) = flags.issuer_url {
            settings.public =
                PublicUrl::Fixed(check_issuer_url("command line", "--issuer-url", &url)?);
        }
        Ok(settings)
    }

    fn listen_where_told(
        &mut self,
        host: Option<String>,
        port: Option<u16>,
    ) -> Result<(), SettingsError> {
        if let Some(host) = host {
            let port = port
                .or_else(|| self.listen.first().map(SocketAddr::port))
                .unwrap_or(DEFAULT_PORT);
            self.listen = addresses_of(&host, port)?;
            self.hostname = Some(host);
        } else if let Some(port) = port {
            self.listen
                .iter_mut()
                .for_each(|address| address.set_port(port));
        }
        self.loopback_only = self
            .listen
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback());
        Ok(())
    }
}

/// Dev mode signs anybody in: it does not start on what belongs to production (row S-284).
fn refuse_production(env: Env<'_>, flags: &DevFlags) -> Result<(), SettingsError> {
    let refuse = |what| Err(SettingsError::NotInDevMode { what });
    if flags.database.is_some() || env("HALLPASS__DATABASE__URL").is_some() {
        return refuse(DATABASE);
    }
    if env("HALLPASS__SECRETS__KEYRING_FILE").is_some() {
        return refuse(KEYRING);
    }
    if env("HALLPASS__PUBLIC_URL").is_some_and(|url| is_https(&url)) {
        return refuse(HTTPS);
    }
    Ok(())
}

/// What dev mode refuses, in words that follow "together with".
pub(super) const DATABASE: &str = "a database URL";
/// See [`DATABASE`].
pub(super) const KEYRING: &str = "a keyring";
/// See [`DATABASE`].
pub(super) const HTTPS: &str = "an https issuer URL";

fn port(env: Env<'_>, flag: Option<u16>) -> Result<Option<u16>, SettingsError> {
    let named = ["SERVER_PORT", "PORT"]
        .into_iter()
        .find_map(|name| Some((name, env(name)?)));
    match (flag, named) {
        (Some(port), _) => Ok(Some(port)),
        (None, None) => Ok(None),
        (None, Some((name, text))) => text.parse().map(Some).map_err(|_| SettingsError::BadValue {
            place: "environment".to_owned(),
            key: name.to_owned(),
            problem: "is not a port".to_owned(),
            hint: Some("set it to a number from 0 to 65535".to_owned()),
        }),
    }
}

/// `localhost` is both loopback addresses; a name is looked up once, now.
fn addresses_of(host: &str, port: u16) -> Result<Vec<SocketAddr>, SettingsError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if bare.eq_ignore_ascii_case("localhost") {
        return Ok(loopback(port));
    }
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let mut addresses: Vec<_> = match (bare, port).to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(_) => Vec::new(),
    };
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(SettingsError::BadValue {
            place: "command line or environment".to_owned(),
            key: host.to_owned(),
            problem: "is not a name that this machine can look up".to_owned(),
            hint: Some(
                "give `--host` (or `SERVER_HOSTNAME`) an address, such as 0.0.0.0".to_owned(),
            ),
        });
    }
    Ok(addresses)
}

pub(super) fn is_https(url: &str) -> bool {
    url.get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

/// Reads the fixed URL of the issuers: plain http, a host, perhaps a port.
pub(super) fn check_issuer_url(
    place: &str,
    key: &str,
    text: &str,
) -> Result<String, SettingsError> {
    if is_https(text) {
        return Err(SettingsError::NotInDevMode { what: HTTPS });
    }
    let plain = url::Url::parse(text).ok().filter(|url| {
        url.scheme() == "http"
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let url = plain.ok_or_else(|| SettingsError::BadValue {
        place: place.to_owned(),
        key: key.to_owned(),
        problem: format!("is `{text}`, not `http://` with a host and perhaps a port"),
        hint: Some("leave the issuer's path away: `http://auth.internal:8080`".to_owned()),
    })?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
