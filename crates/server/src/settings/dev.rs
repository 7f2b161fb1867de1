//! The settings of `serve --dev`: flags win over the environment, that over the file, that over
//! the defaults.
//!
//! Contract: "What a drop-in must accept" of `docs/dev-mode.md`; rows S-284, A-92.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use super::error::SettingsError;
use super::files::{self, Env};
use super::values::{ControlAccess, PublicUrl, Settings, loopback};
use super::{dev_refusals, json_file, toml_file};

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

/// The port of the mock.
const DEFAULT_PORT: u16 = 8080;

impl Settings {
    /// Reads the settings of dev mode.
    pub fn dev(
        env: &dyn Fn(&str) -> Option<String>,
        flags: DevFlags,
    ) -> Result<Self, SettingsError> {
        let env: Env<'_> = &|name| env(name).filter(|value| !value.is_empty());
        dev_refusals::check(env, flags.database.is_some())?;
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
            settings.public = PublicUrl::Fixed(dev_refusals::check_issuer_url(
                "command line",
                "--issuer-url",
                &url,
            )?);
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
