//! `hallpass profile import`: settings of another program become profiles. Secrets and commands come
//! along only when they are asked for.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use hallpass_client::{Secret, clean};
use serde_json::{Value, json};

use super::imported::Imported;
use super::{Files, client_file, kubeconfig};
use crate::args::ProfileImportArgs;
use crate::commands::Context;
use crate::config::{ProfileFile, SecretPlace, Settings, judge_name};
use crate::failure::Failure;
use crate::files;
use crate::output::Output;

/// Imports a file.
pub(super) fn run(args: &ProfileImportArgs, context: &Context) -> Result<(), Failure> {
    let own = Files::read(context)?;
    let text = read(&args.file)?;
    let mut found = parse(text.expose(), args)?;
    if found.is_empty() {
        return Err(
            Failure::config(format!("{} holds no profile", args.file.display())).hint_to(
                "give a config.toml, a client_secret_*.json or `kubectl config view -o json`",
            ),
        );
    }
    for (name, imported) in &mut found {
        own.may_add(name, args.force)?;
        check(name, imported, args)?;
        own.may_replace(context, name, &imported.settings)?;
    }
    let mut notes = Vec::new();
    for (name, imported) in &mut found {
        match &imported.secret {
            Some(secret) if args.with_secret => {
                let place = own.places.secret(name);
                files::write_secret(&place, secret)?;
                imported.settings.client_secret = Some(SecretPlace::File(place));
            }
            Some(_) => notes.push(format!(
                "the client secret of `{name}` was left out; --with-secret takes it along"
            )),
            None => {}
        }
    }
    for (name, imported) in &found {
        ProfileFile::remember(&own.places, name, &imported.settings)?;
    }
    tell(&found, &notes, context)
}

fn tell(
    found: &BTreeMap<String, Imported>,
    notes: &[String],
    context: &Context,
) -> Result<(), Failure> {
    if context.output.is_json() {
        let names: Vec<_> = found.keys().collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.profile-change/1",
            "added": names,
            "notes": notes,
        }));
    }
    for (name, imported) in found {
        let issuer = clean::text(imported.settings.issuer.as_deref().unwrap_or_default());
        context
            .output
            .done(&format!("Added profile \"{name}\" ({issuer})"));
    }
    for note in notes {
        context.output.warn(note);
    }
    Ok(())
}

/// What the file is, by what is in it.
fn parse(text: &str, args: &ProfileImportArgs) -> Result<BTreeMap<String, Imported>, Failure> {
    let path = &args.file;
    let Ok(json) = serde_json::from_str::<Value>(text) else {
        let file = ProfileFile::read_foreign(text, path)?;
        let beside = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let named = |(name, mut settings): (String, Settings)| {
            settings.resolve(beside.parent().unwrap_or(Path::new("/")));
            // Row C-76: which hosts helpers give tokens to is said on this machine.
            settings.helpers = None;
            let imported = Imported {
                settings,
                secret: None,
            };
            (name, imported)
        };
        return Ok(file.profile.into_iter().map(named).collect());
    };
    if let Some(imported) = client_file::read(&json, args.issuer.as_deref())? {
        let name = args.name.clone().unwrap_or_else(|| "google".to_owned());
        return Ok([(name, imported)].into());
    }
    let mut found = kubeconfig::read(&json);
    if let (Some(name), 1) = (&args.name, found.len()) {
        let only = found.into_values().map(|only| (name.clone(), only));
        found = only.collect();
    }
    Ok(found)
}

fn check(name: &str, imported: &Imported, args: &ProfileImportArgs) -> Result<(), Failure> {
    judge_name(name)?;
    let settings = &imported.settings;
    if settings.issuer.is_none() || settings.client_id.is_none() {
        return Err(
            Failure::config(format!("profile `{name}` lacks its issuer or client id"))
                .hint_to("add --issuer URL, or complete the file"),
        );
    }
    // Row C-80: a file from elsewhere must not make programs run here.
    if settings.runs_commands() && !args.allow_commands {
        return Err(
            Failure::config(format!("profile `{name}` would run programs"))
                .hint_to("look at the file; --allow-commands takes them along"),
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<Secret<String>, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::config(format!("cannot read {}", path.display())).caused_by(error)
    };
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(LONGEST).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
        file.take(LONGEST).read_to_string(&mut text)
    };
    read.map_err(|error| failed(&error))?;
    Ok(Secret::new(text))
}

const LONGEST: u64 = 4 * 1024 * 1024;
