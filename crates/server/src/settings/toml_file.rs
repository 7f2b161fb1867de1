//! Reads the TOML file of hallpass: what dev mode and production have in common, and dev mode.
//!
//! For users: `docs/server.md`, `docs/dev-mode.md`.

use std::time::Duration;

use hallpass_issuer::authorization::GraceElsewhere;
use hallpass_issuer::grants::authorization_code::NetworkMismatch;
use toml::de::DeTable;

use super::client_config;
use super::dev_refusals::{DATABASE, KEYRING, check_issuer_url};
use super::duration::Span;
use super::error::SettingsError;
use super::files::Source;
use super::known_keys;
use super::mode::Mode;
use super::server_toml::{
    ElsewhereWord, KEYS, MismatchWord, RegisterMode, RotationWord, ServerToml,
};
use super::values::{PublicUrl, Rotation, Settings};

/// Reads the file into the settings of dev mode.
pub(super) fn apply(source: &Source, settings: &mut Settings) -> Result<(), SettingsError> {
    settings.warnings.extend(check_keys(source, Mode::Dev)?);
    let file = parse(source)?;
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
    apply_common(file, source, settings).map(drop)
}

/// Refuses unknown keys, each with its line, column and nearest name; the others that have no
/// effect here are warnings.
pub(super) fn check_keys(source: &Source, mode: Mode) -> Result<Vec<String>, SettingsError> {
    let table = DeTable::parse(&source.text).map_err(|error| malformed(source, &error))?;
    let mut warnings = Vec::new();
    for finding in known_keys::check_toml(table.get_ref(), &KEYS, mode) {
        let place = place(source, finding.offset);
        if !finding.known {
            return Err(SettingsError::UnknownKey {
                place,
                key: finding.path,
                nearest: finding.nearest,
            });
        }
        let here = match mode {
            Mode::Dev => "has no effect in dev mode",
            Mode::Production => "has no effect yet",
        };
        warnings.push(format!("{place}: `{}` {here}", finding.path));
    }
    Ok(warnings)
}

/// Reads the values; one of another type is told with its place.
pub(super) fn parse(source: &Source) -> Result<ServerToml, SettingsError> {
    toml::from_str(&source.text).map_err(|error| malformed(source, &error))
}

/// Takes what means the same in both modes; returns the file without it.
pub(super) fn apply_common(
    file: ServerToml,
    source: &Source,
    settings: &mut Settings,
) -> Result<ServerToml, SettingsError> {
    apply_lifetimes(&file, source, settings)?;
    if let Some(Span(grace)) = file.refresh.grace {
        settings.refresh.grace = grace;
    }
    if let Some(word) = file.refresh.rotation {
        settings.rotation = match word {
            RotationWord::Always => Rotation::All,
            RotationWord::Public => Rotation::Public,
            RotationWord::Never => Rotation::Never,
        };
    }
    if let Some(word) = file.refresh.grace_elsewhere {
        settings.refresh.grace_elsewhere = match word {
            ElsewhereWord::Alert => GraceElsewhere::Told,
            ElsewhereWord::Revoke => GraceElsewhere::Ended,
        };
    }
    settings.device_flow = file.device.enabled.unwrap_or(true);
    let device = &mut settings.device;
    device.prefill = file.device.prefill.unwrap_or(device.prefill);
    if let Some(most) = file.device.max_pending_per_client {
        device.max_pending_per_client = most.into();
    }
    if let Some(word) = file.device.require {
        settings.device_requirement = word.into();
    }
    if let Some(word) = file.loopback.network_mismatch {
        settings.network_mismatch = match word {
            MismatchWord::Off => NetworkMismatch::Ignored,
            MismatchWord::Warn => NetworkMismatch::Told,
            MismatchWord::Refuse => NetworkMismatch::Refused,
        };
    }
    let polls = &mut settings.long_polls;
    if let Some(Span(longest)) = file.device.long_poll_max {
        polls.longest = longest;
    }
    if let Some(most) = file.device.long_polls_max {
        polls.most = usize::try_from(most).unwrap_or(usize::MAX);
    }
    apply_limits(&file, settings);
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
    let (clients, rest) = file.without_clients();
    settings.clients = client_config::read_all(clients, place)?;
    Ok(rest)
}

fn apply_lifetimes(
    file: &ServerToml,
    source: &Source,
    settings: &mut Settings,
) -> Result<(), SettingsError> {
    let (rules, refresh, device) = (
        &mut settings.token_rules,
        &mut settings.refresh,
        &mut settings.device,
    );
    let browser = &mut settings.browser_sessions;
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
        ("ttl.code", file.ttl.code, &mut settings.code_lifetime),
        (
            "ttl.interaction",
            file.ttl.interaction,
            &mut settings.interaction_lifetime,
        ),
        ("ttl.sso_idle", file.ttl.sso_idle, &mut browser.idle),
        (
            "ttl.sso_absolute",
            file.ttl.sso_absolute,
            &mut browser.absolute,
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
    Ok(())
}

fn apply_limits(file: &ServerToml, settings: &mut Settings) {
    let (given, limits) = (&file.limits, &mut settings.limits);
    for (rate, target) in [
        (given.login_per_account, &mut limits.login_per_account),
        (given.login_per_ip, &mut limits.login_per_ip),
        (
            given.user_code_per_session,
            &mut limits.user_code_per_session,
        ),
        (
            given.user_code_per_account,
            &mut limits.user_code_per_account,
        ),
        (given.user_code_per_ip, &mut limits.user_code_per_ip),
        (
            given.user_code_global_fail,
            &mut limits.user_code_global_fail,
        ),
        (given.client_secret_fail, &mut limits.client_secret_fail),
        (given.device_start_per_ip, &mut limits.device_start_per_ip),
        (
            given.device_start_per_client,
            &mut limits.device_start_per_client,
        ),
    ] {
        if let Some(rate) = rate {
            *target = rate.0;
        }
    }
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

fn malformed(source: &Source, error: &toml::de::Error) -> SettingsError {
    SettingsError::Malformed {
        place: place(source, error.span().map(|span| span.start)),
        message: error.message().to_owned(),
    }
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
