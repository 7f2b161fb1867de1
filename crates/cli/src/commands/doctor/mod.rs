//! `hallpass doctor`: tries what a sign-in needs, says how it went and what to do, and writes a report
//! that can be shown to others: it holds no token, no secret and no name of a home folder.

mod check;
mod permissions;
mod server;
mod store;
mod surroundings;

use std::path::Path;

use hallpass_client::clean;
use serde_json::{Value, json};

use self::check::{Check, Status};
use crate::args::DoctorArgs;
use crate::commands::Context;
use crate::exit_code;
use crate::failure::Failure;
use crate::files;
use crate::output::{Output, printable};
use crate::profile::Profile;
use crate::runtime;

/// Looks at everything.
pub(crate) fn run(args: &DoctorArgs, context: &Context) -> Result<(), Failure> {
    let mut checks = permissions::look(args.fix, context)?;
    let profile = context.profile(&args.profile);
    match &profile {
        Err(failure) => {
            let failed = Check::fail("config", failure.message());
            checks.push(match failure.hint() {
                Some(hint) => failed.hint(hint),
                None => failed,
            });
        }
        Ok(profile) => {
            let file = &profile.places.config;
            let is_there = if file.exists() { "" } else { " (not there)" };
            checks.push(Check::pass(
                "config",
                format!("{}{is_there}", file.display()),
            ));
            checks.push(known(profile));
            checks.extend(store::look(profile));
            checks.extend(runtime::block_on(async {
                Ok(server::look(profile).await)
            })?);
        }
    }
    let ports = profile
        .as_ref()
        .ok()
        .and_then(|profile| profile.settings.callback_ports.clone());
    checks.extend(surroundings::look(&ports.unwrap_or_default(), context));

    let report = report(&checks, profile.ok().as_ref(), context);
    if let Some(file) = &args.report {
        files::replace(file, &format!("{report:#}\n"))?;
        context
            .output
            .note(&format!("Report written to {}", file.display()));
    }
    let is_ok = checks.iter().all(|check| check.status != Status::Fail);
    if context.output.is_json() {
        Output::answer_json(&report)?;
    } else {
        Output::answer(&to_text(&checks, context))?;
    }
    if is_ok {
        Ok(())
    } else {
        Err(Failure::with_exit(exit_code::OTHER, "something is broken").told())
    }
}

fn known(profile: &Profile) -> Check {
    let chosen = format!("{} ({})", profile.name, profile.chosen_by);
    if profile.is_known() {
        Check::pass("profile", chosen)
    } else {
        let hint = format!("run `{}`", profile.login_command());
        Check::warn("profile", format!("{chosen}: no server and client yet")).hint(hint)
    }
}

fn report(checks: &[Check], profile: Option<&Profile>, context: &Context) -> Value {
    let report = json!({
        "schema": "hallpass.doctor/1",
        "ok": checks.iter().all(|check| check.status != Status::Fail),
        "version": env!("CARGO_PKG_VERSION"),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "profile": profile.map(|profile| &profile.name),
        "issuer": profile.and_then(|profile| profile.settings.issuer.as_deref()),
        "client_id": profile.and_then(|profile| profile.settings.client_id.as_deref()),
        // Names only: the values may be secret.
        "variables": context.environment.own_names(),
        "checks": checks.iter().map(Check::to_json).collect::<Vec<_>>(),
    });
    let home = etcetera::home_dir().ok();
    without_home(report, home.as_deref())
}

/// The home folder has somebody's name.
fn without_home(value: Value, home: Option<&Path>) -> Value {
    let home = home.and_then(Path::to_str).filter(|home| home.len() > 1);
    match value {
        Value::String(text) => match home {
            Some(home) => text.replace(home, "~").into(),
            None => text.into(),
        },
        Value::Array(items) => {
            let items = items.into_iter();
            items
                .map(|item| without_home(item, home.map(Path::new)))
                .collect()
        }
        Value::Object(members) => {
            let members = members.into_iter();
            let members =
                members.map(|(name, item)| (name, without_home(item, home.map(Path::new))));
            Value::Object(members.collect())
        }
        other => other,
    }
}

fn to_text(checks: &[Check], context: &Context) -> String {
    let paint = context.output.paint;
    let is_unicode = context.output.style.unicode;
    let mut text = String::new();
    for check in checks {
        let mark = match (check.status, is_unicode) {
            (Status::Pass, true) => paint.good("✔"),
            (Status::Fail, true) => paint.bad("✘"),
            (Status::Warn, true) => "!".to_owned(),
            (Status::Skip, true) => paint.dim("-"),
            (status, false) => format!("{:<4}", status.as_str()),
        };
        let value = printable(&clean::text(check.value.as_deref().unwrap_or_default()));
        text.extend([format!("{mark} {:<20} {value}\n", check.id)]);
        if let Some(hint) = &check.hint {
            text.extend([format!("    hint: {}\n", clean::text(hint))]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_no_home() {
        let report = json!({"a": ["/home/ada/x", 1], "b": "cannot read /home/ada/.config"});
        assert_eq!(
            without_home(report, Some(Path::new("/home/ada"))),
            json!({"a": ["~/x", 1], "b": "cannot read ~/.config"})
        );
    }
}
