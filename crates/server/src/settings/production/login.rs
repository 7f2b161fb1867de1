//! `[login]`.

use hallpass_issuer::factors::passkey::{NoRelyingParty, RelyingParty};
use hallpass_issuer::factors::password::Cost;
use hallpass_issuer::factors::required::RequireMfa;

use super::refusal::{bad, with_hint};
use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::server_toml::{Argon2, RequireMfaWord};
use crate::settings::values::Settings;

/// Two sign-ins at once for each core need so much memory each.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;

/// Of administrators, unless something else is said. Where no factor is taken nobody could meet it.
pub(super) fn require_mfa(
    source: &Source,
    given: Option<RequireMfaWord>,
    settings: &Settings,
) -> Result<RequireMfa, SettingsError> {
    let wanted = match given {
        None => RequireMfa::default(),
        Some(RequireMfaWord::Off) => RequireMfa::Off,
        Some(RequireMfaWord::Admins) => RequireMfa::Admins,
        Some(RequireMfaWord::All) => RequireMfa::All,
    };
    if settings.factor_policy().offered.has_any() || wanted == RequireMfa::Off {
        return Ok(wanted);
    }
    if given.is_none() {
        return Ok(RequireMfa::Off);
    }
    let error = bad(
        source,
        "login.require_mfa",
        "requires a second factor, and every one of them is switched off",
    );
    Err(with_hint(
        error,
        "write `totp = true` or `passkey = true` under `[login]`",
    ))
}

/// Passkeys are on where they can be, unless they are switched off.
pub(super) fn passkeys(
    source: &Source,
    given: Option<bool>,
    public_url: &str,
) -> Result<Option<RelyingParty>, SettingsError> {
    let found = match url::Url::parse(public_url) {
        Ok(url) => RelyingParty::at(&url),
        Err(_) => Err(NoRelyingParty::Address),
    };
    match (given, found) {
        (Some(false), _) | (None, Err(_)) => Ok(None),
        (Some(true) | None, Ok(relying_party)) => Ok(Some(relying_party)),
        (Some(true), Err(reason)) => {
            let problem = format!("cannot be: {reason}");
            Err(with_hint(
                bad(source, "login.passkey", &problem),
                "give `public_url` a host name, such as `https://id.example.com`",
            ))
        }
    }
}

/// How much work a guess at a password is. Less than RFC 9106 and OWASP ask for is a warning: some
/// machines are small.
pub(super) fn cost(
    given: &Argon2,
    source: &Source,
    warnings: &mut Vec<String>,
) -> Result<Cost, SettingsError> {
    let usual = Cost::default();
    let cost = Cost {
        memory_kib: given.memory_kib.unwrap_or(usual.memory_kib),
        passes: given.passes.unwrap_or(usual.passes),
        lanes: given.lanes.unwrap_or(usual.lanes),
    };
    for (key, value, range) in [
        ("lanes", cost.lanes, 1..=16),
        ("passes", cost.passes, 1..=32),
        (
            "memory_kib",
            cost.memory_kib,
            8 * cost.lanes..=MOST_MEMORY_KIB,
        ),
    ] {
        if !range.contains(&value) {
            return Err(SettingsError::BadValue {
                place: source.name.clone(),
                key: format!("login.argon2.{key}"),
                problem: format!("is {value}"),
                hint: Some(format!("take {} to {}", range.start(), range.end())),
            });
        }
    }
    let work = |cost: Cost| u64::from(cost.memory_kib) * u64::from(cost.passes);
    if work(cost) < work(usual) {
        warnings.push(format!(
            "{}: `login.argon2` makes guessing cheaper than {} KiB in {} passes do",
            source.name, usual.memory_kib, usual.passes
        ));
    }
    Ok(cost)
}
