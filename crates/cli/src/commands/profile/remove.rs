//! `hallpass profile remove` and `hallpass profile default`: both change what is remembered.

use serde_json::json;

use super::Files;
use crate::commands::Context;
use crate::config::{ProfileFile, judge_name, nearest};
use crate::failure::Failure;
use crate::output::Output;

/// Forgets a profile that nobody is signed in with.
pub(super) fn run(name: &str, context: &Context) -> Result<(), Failure> {
    let files = Files::read(context)?;
    exists(name, &files)?;
    if files.config.profile.contains_key(name) {
        let file = files.places.config.display();
        return Err(Failure::config(format!("profile `{name}` is in {file}"))
            .hint_to(format!("remove [profile.{name}] there")));
    }
    if context.quiet_profile(name)?.has_session()? {
        return Err(
            Failure::config(format!("somebody is signed in with profile `{name}`"))
                .hint_to(format!("run `hallpass logout {name}` first")),
        );
    }
    ProfileFile::change(&files.places, |file| {
        file.profile.remove(name);
        if file.default_profile.as_deref() == Some(name) {
            file.default_profile = None;
        }
    })?;
    // A secret that came with an import.
    let secret = files.places.secret(name);
    match std::fs::remove_file(&secret) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(
                Failure::store(format!("cannot remove {}", secret.display())).caused_by(&error),
            );
        }
        _ => {}
    }
    tell(
        context,
        "removed",
        name,
        &format!("Removed profile \"{name}\""),
    )
}

/// Chooses the profile of commands that name none.
pub(super) fn choose_default(name: &str, context: &Context) -> Result<(), Failure> {
    let files = Files::read(context)?;
    exists(name, &files)?;
    if files
        .config
        .default_profile
        .as_deref()
        .is_some_and(|own| own != name)
    {
        let file = files.places.config.display();
        return Err(Failure::config(format!("the default is in {file}"))
            .hint_to(format!("write `default_profile = \"{name}\"` there")));
    }
    ProfileFile::change(&files.places, |file| {
        file.default_profile = Some(name.to_owned());
    })?;
    tell(
        context,
        "default",
        name,
        &format!("Profile \"{name}\" is the default"),
    )
}

fn exists(name: &str, files: &Files) -> Result<(), Failure> {
    judge_name(name)?;
    let names = || {
        files
            .config
            .profile
            .keys()
            .chain(files.remembered.profile.keys())
    };
    if names().any(|known| known == name) {
        return Ok(());
    }
    let failure = Failure::config(format!("there is no profile `{name}`"));
    Err(match nearest(name, names().map(String::as_str)) {
        Some(meant) => failure.hint_to(format!("did you mean `{meant}`?")),
        None => failure.hint_to("see `hallpass profile list`"),
    })
}

fn tell(context: &Context, what: &str, name: &str, words: &str) -> Result<(), Failure> {
    if context.output.is_json() {
        let mut answer = json!({"schema": "hallpass.profile-change/1"});
        if let Some(members) = answer.as_object_mut() {
            members.insert(what.to_owned(), json!([name]));
        }
        return Output::answer_json(&answer);
    }
    context.output.done(words);
    Ok(())
}
