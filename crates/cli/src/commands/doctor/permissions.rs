//! Who else can read or change this program's files; `--fix` takes that from them.

use std::path::PathBuf;

use super::check::Check;
use crate::commands::Context;
use crate::failure::Failure;
use crate::files::Places;

/// A file or folder, and what others must not do with it.
struct Place {
    path: PathBuf,
    /// The permission bits that nobody else may have.
    forbidden: u32,
}

/// Looks at each place that is there.
pub(super) fn look(fix: bool, context: &Context) -> Result<Vec<Check>, Failure> {
    let places = Places::find(context.global.config.as_deref(), &context.environment)?;
    let mut wide = Vec::new();
    for place in all(&places) {
        if let Some(mode) = too_wide(&place) {
            wide.push((place, mode));
        }
    }
    if wide.is_empty() {
        return Ok(vec![Check::pass(
            "permissions",
            places.state.display().to_string(),
        )]);
    }
    Ok(wide
        .iter()
        .map(|(place, mode)| one(place, *mode, fix))
        .collect())
}

fn one(place: &Place, mode: u32, fix: bool) -> Check {
    let shown = format!("{} (mode {mode:04o})", place.path.display());
    if !fix {
        return Check::fail("permissions", format!("others reach {shown}"))
            .hint("run `hallpass doctor --fix`");
    }
    match narrow(place, mode) {
        Ok(()) => Check::pass("permissions", format!("mended {shown}"))
            .hint("what lay there may have been read: sign out and in again"),
        Err(error) => Check::fail("permissions", format!("cannot mend {shown}: {error}")),
    }
}

fn all(places: &Places) -> Vec<Place> {
    // Settings are no secret, but whoever changes them chooses the server.
    let mut all = vec![Place {
        path: places.config.clone(),
        forbidden: 0o022,
    }];
    let folder = |path: PathBuf| Place {
        path,
        forbidden: 0o022,
    };
    let file = |path: PathBuf| Place {
        path,
        forbidden: 0o077,
    };
    all.push(folder(places.state.clone()));
    all.push(Place {
        path: places.profiles(),
        forbidden: 0o022,
    });
    all.push(Place {
        path: places.trusted(),
        forbidden: 0o022,
    });
    for below in ["sessions", "secrets"] {
        let below = places.state.join(below);
        let inside = std::fs::read_dir(&below);
        let inside = inside.into_iter().flatten().flatten();
        all.extend(inside.map(|entry| file(entry.path())));
        all.push(folder(below));
    }
    all
}

#[cfg(unix)]
fn too_wide(place: &Place) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    // A link is not followed: what it leads to is somebody's own business.
    let found = std::fs::symlink_metadata(&place.path).ok()?;
    let mode = found.permissions().mode() & 0o7777;
    let is_wide = !found.is_symlink() && mode & place.forbidden != 0;
    is_wide.then_some(mode)
}

#[cfg(unix)]
fn narrow(place: &Place, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let narrow = std::fs::Permissions::from_mode(mode & !place.forbidden);
    std::fs::set_permissions(&place.path, narrow)
}

/// Windows' lists of who may do what belong to the profile's folder, which is this user's alone.
#[cfg(not(unix))]
fn too_wide(_: &Place) -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn narrow(_: &Place, _: u32) -> std::io::Result<()> {
    Ok(())
}
