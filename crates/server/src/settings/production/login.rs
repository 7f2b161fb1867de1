//! `[login]`.

use std::path::Path;

use hallpass_issuer::factors::passkey::{NoRelyingParty, RelyingParty};
use hallpass_issuer::factors::password::{Cost, SHORTEST};
use hallpass_issuer::factors::required::RequireMfa;

use crate::password_blocklist::PasswordBlocklist;
use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::{AccountRegistration, EmailTransport};
use crate::settings::refusal::{bad, with_hint};
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

/// By invitation, unless something else is said. People who make accounts themselves prove an address by
/// mail and choose a password: where they could not, the setting would be a promise that nobody keeps.
pub(super) fn registration(
    source: &Source,
    given: Option<AccountRegistration>,
    settings: &Settings,
) -> Result<AccountRegistration, SettingsError> {
    let wanted = given.unwrap_or(AccountRegistration::Invite);
    if wanted != AccountRegistration::Open {
        return Ok(wanted);
    }
    let refused = |problem, hint| {
        let error = bad(source, "login.registration", problem);
        Err(with_hint(error, hint))
    };
    if matches!(settings.email.transport, EmailTransport::Log) {
        return refused(
            "is `open`, and no mail leaves this server: nobody could prove an address",
            "set up `[email]` with the transport `smtp` or `sendmail`, or write `registration = \"invite\"`",
        );
    }
    if !settings.login.password {
        return refused(
            "is `open`, and `login.password` is `false`: a new account begins with a password",
            "write `password = true`, or `registration = \"invite\"`",
        );
    }
    Ok(wanted)
}

/// The passwords that nobody may choose. A list of which no line is long enough is a mistake.
pub(super) fn password_blocklist(
    source: &Source,
    given: Option<&Path>,
) -> Result<PasswordBlocklist, SettingsError> {
    let Some(file) = given else {
        return Ok(PasswordBlocklist::default());
    };
    let key = "login.password_blocklist_file";
    let path = source.folder.join(file);
    match PasswordBlocklist::read(&path) {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err(with_hint(
            bad(
                source,
                key,
                &format!("names a file without a password of {SHORTEST} characters or more"),
            ),
            "name a text file with one password in each line; shorter ones are refused anyway",
        )),
        Err(error) => {
            let path = path.display();
            let problem = format!("names `{path}`, which cannot be read: {error}");
            Err(with_hint(
                bad(source, key, &problem),
                "check the path, which starts from the folder of the settings, and its permissions",
            ))
        }
    }
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
