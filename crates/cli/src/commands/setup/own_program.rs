//! Where other programs find this one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::step::{Act, Sign, Step};
use crate::commands::Context;
use crate::environment::Environment;
use crate::failure::Failure;

/// This program, by the path that lasts: the name on `PATH` stays where it is when an upgrade replaces the
/// file behind it.
pub(super) fn path(environment: &Environment) -> Result<PathBuf, Failure> {
    let unknown = |error: std::io::Error| {
        Failure::other("this program does not know where it is").caused_by(&error)
    };
    let own = env::current_exe().map_err(unknown)?;
    let names = folders(environment)
        .into_iter()
        .map(|folder| folder.join(NAME));
    let mut names = names.chain([own.clone()]);
    Ok(names.find(|name| is_same(name, &own)).unwrap_or(own))
}

/// This program as text, for settings that are text.
pub(super) fn path_text(environment: &Environment) -> Result<String, Failure> {
    let path = path(environment)?;
    let text = path
        .to_str()
        .filter(|text| !text.contains(['\n', '\r', '\0']));
    text.map(str::to_owned).ok_or_else(|| {
        Failure::config(format!(
            "{} cannot be written into settings",
            path.display()
        ))
        .hint_to("put hallpass into a folder whose name is plain text")
    })
}

/// Gives this program another name, in a folder of `PATH`: nothing to do where it has the name.
pub(super) fn link(name: &str, context: &Context) -> Result<Option<Step>, Failure> {
    let environment = &context.environment;
    let own = path(environment)?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    if let Some(found) = find(&file, environment) {
        if is_same(&found, &own) {
            return Ok(None);
        }
        return Err(
            Failure::config(format!("{} is another program", found.display()))
                .hint_to("remove it, or take it off PATH"),
        );
    }
    let on_path = folders(environment);
    let beside = own.parent().map(Path::to_owned);
    let local = etcetera::home_dir()
        .ok()
        .map(|home| home.join(".local/bin"));
    let wanted = beside.into_iter().chain(local);
    let mut wanted = wanted.filter(|folder| on_path.contains(folder));
    let folder = wanted.find(|folder| is_writable(folder)).ok_or_else(|| {
        Failure::config(format!("no folder of PATH can have `{name}`")).hint_to(format!(
            "make a link of that name to {} in a folder of PATH, or put ~/.local/bin on PATH",
            own.display()
        ))
    })?;
    let name = folder.join(file);
    let line = format!("a link to {}", own.display());
    let shown = name.display().to_string();
    Ok(Some(
        Step::new(shown, Act::Link { name, to: own }).line(Sign::Comes, line),
    ))
}

/// Takes the other name away, if it is a link to this program.
pub(super) fn unlink(name: &str, context: &Context) -> Result<Option<Step>, Failure> {
    let environment = &context.environment;
    let own = path(environment)?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let found = find(&file, environment).filter(|found| {
        let is_link = cfg!(windows) || fs::symlink_metadata(found).is_ok_and(|it| it.is_symlink());
        is_link && is_same(found, &own)
    });
    Ok(found.map(|found| {
        let shown = found.display().to_string();
        let line = format!("a link to {}", own.display());
        Step::new(shown, Act::Unlink(found)).line(Sign::Goes, line)
    }))
}

/// The first program of this name.
fn find(file: &str, environment: &Environment) -> Option<PathBuf> {
    let mut names = folders(environment)
        .into_iter()
        .map(|folder| folder.join(file));
    names.find(|name| name.symlink_metadata().is_ok())
}

/// Those that do not depend on the folder that a command runs in.
fn folders(environment: &Environment) -> Vec<PathBuf> {
    let Some(path) = environment.path("PATH") else {
        return Vec::new();
    };
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.collect()
}

fn is_same(name: &Path, own: &Path) -> bool {
    match (fs::canonicalize(name), fs::canonicalize(own)) {
        (Ok(name), Ok(own)) => name == own,
        _ => false,
    }
}

/// Whether this user may make files there; asked by making one.
fn is_writable(folder: &Path) -> bool {
    tempfile::Builder::new()
        .prefix(".hallpass-")
        .tempfile_in(folder)
        .is_ok()
}

/// The name of this program, whatever it was called by.
const NAME: &str = if cfg!(windows) {
    "hallpass.exe"
} else {
    "hallpass"
};
