//! The TOML file of hallpass, as far as dev mode uses it.
//!
//! For users: `docs/dev-mode.md`.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::de::DeTable;

use super::client_config::{self, CLIENT_KEYS, ClientConfig};
use super::dev::{DATABASE, KEYRING, check_issuer_url};
use super::duration::Span;
use super::error::SettingsError;
use super::files::Source;
use super::known_keys::{self, Keys};
use super::values::{PublicUrl, Settings};

#[derive(Default, Deserialize)]
#[serde(default)]
struct TomlFile {
    public_url: Option<String>,
    listen: Option<SocketAddr>,
    database: Option<IgnoredAny>,
    secrets: Option<IgnoredAny>,
    ttl: Ttl,
    refresh: Refresh,
    device: Device,
    dpop: Dpop,
    par: Par,
    register: Register,
    client: Vec<ClientConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ttl {
    access: Option<Span>,
    id_token: Option<Span>,
    refresh_idle: Option<Span>,
    refresh_absolute: Option<Span>,
    device: Option<Span>,
    par: Option<Span>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refresh {
    grace: Option<Span>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dpop {
    nonce: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Register {
    mode: Option<RegisterMode>,
    require_pkce: Option<bool>,
}

/// Who may register a client (RFC 7591 §3).
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RegisterMode {
    Off,
    Open,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Par {
    required: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Device {
    interval: Option<Span>,
}

static KEYS: Keys = Keys::Table(&[
    ("public_url", Keys::Value),
    ("listen", Keys::Value),
    ("database", Keys::Value),
    ("secrets", Keys::Value),
    (
        "ttl",
        Keys::Table(&[
            ("access", Keys::Value),
            ("id_token", Keys::Value),
            ("refresh_idle", Keys::Value),
            ("refresh_absolute", Keys::Value),
            ("device", Keys::Value),
            ("par", Keys::Value),
        ]),
    ),
    ("refresh", Keys::Table(&[("grace", Keys::Value)])),
    ("device", Keys::Table(&[("interval", Keys::Value)])),
    ("dpop", Keys::Table(&[("nonce", Keys::Value)])),
    ("par", Keys::Table(&[("required", Keys::Value)])),
    (
        "register",
        Keys::Table(&[("mode", Keys::Value), ("require_pkce", Keys::Value)]),
    ),
    ("client", Keys::List(&CLIENT_KEYS)),
]);

/// Reads the file into the settings.
pub(super) fn apply(source: &Source, settings: &mut Settings) -> Result<(), SettingsError> {
    let malformed = |error: &toml::de::Error| SettingsError::Malformed {
        place: place(source, error.span().map(|span| span.start)),
        message: error.message().to_owned(),
    };
    let table = DeTable::parse(&source.text).map_err(|error| malformed(&error))?;
    for finding in known_keys::check_toml(table.get_ref(), &KEYS) {
        if !finding.known {
            let place = place(source, finding.offset);
            return Err(SettingsError::UnknownKey {
                place,
                key: finding.path,
                nearest: finding.nearest,
            });
        }
        settings.warnings.push(format!(
            "{}: `{}` has no effect yet",
            place(source, finding.offset),
            finding.path
        ));
    }
    let file: TomlFile = toml::from_str(&source.text).map_err(|error| malformed(&error))?;
    if file.database.is_some() {
        return Err(SettingsError::NotInDevMode { what: DATABASE });
    }
    if file.secrets.is_some() {
        return Err(SettingsError::NotInDevMode { what: KEYRING });
    }
    if let Some(url) = &file.public_url {
        settings.public = PublicUrl::Fixed(check_issuer_url(&source.name, "public_url", url)?);
    }
    if let Some(address) = file.listen {
        settings.listen = vec![address];
    }
    let (rules, refresh, device) = (
        &mut settings.token_rules,
        &mut settings.refresh,
        &mut settings.device,
    );
    for (key, span, target) in [
        ("ttl.access", file.ttl.access, &mut rules.access_lifetime),
        ("ttl.id_token", file.ttl.id_token, &mut rules.id_lifetime),
        ("ttl.refresh_idle", file.ttl.refresh_idle, &mut refresh.idle),
        (
            "ttl.refresh_absolute",
            file.ttl.refresh_absolute,
            &mut refresh.absolute,
        ),
        ("ttl.device", file.ttl.device, &mut device.lifetime),
        (
            "ttl.par",
            file.ttl.par,
            &mut settings.pushed_requests.lifetime,
        ),
        (
            "device.interval",
            file.device.interval,
            &mut device.interval,
        ),
    ] {
        if let Some(Span(span)) = span {
            *target = at_least_a_second(source, key, span)?;
        }
    }
    if let Some(Span(grace)) = file.refresh.grace {
        refresh.grace = grace;
    }
    settings.dpop_nonce = file.dpop.nonce;
    settings.pushed_requests.required = file.par.required;
    let registration = &mut settings.registration;
    if let Some(mode) = file.register.mode {
        registration.is_open = mode == RegisterMode::Open;
    }
    registration.require_pkce = file.register.require_pkce.unwrap_or(true);
    let place = client_config::Place {
        file: &source.name,
        folder: &source.folder,
        key: "client",
    };
    settings.clients = client_config::read_all(file.client, place)?;
    Ok(())
}

fn at_least_a_second(
    source: &Source,
    key: &str,
    span: Duration,
) -> Result<Duration, SettingsError> {
    if !span.is_zero() {
        return Ok(span);
    }
    Err(SettingsError::BadValue {
        place: source.name.clone(),
        key: key.to_owned(),
        problem: "is zero".to_owned(),
        hint: Some("write a span such as \"10m\"".to_owned()),
    })
}

/// `file:line:column`, both counted from one.
fn place(source: &Source, offset: Option<usize>) -> String {
    let Some(before) = offset.and_then(|offset| source.text.get(..offset)) else {
        return source.name.clone();
    };
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("{}:{line}:{column}", source.name)
}
