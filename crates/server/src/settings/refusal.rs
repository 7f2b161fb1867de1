//! A value that cannot be: where it stands, what is wrong with it, and what to write instead.

use super::error::SettingsError;
use super::files::Source;

pub(super) fn bad(source: &Source, key: &str, problem: &str) -> SettingsError {
    bad_in(&source.name, key, problem)
}

/// The same when the file itself is read no more.
pub(super) fn bad_in(place: &str, key: &str, problem: &str) -> SettingsError {
    SettingsError::BadValue {
        place: place.to_owned(),
        key: key.to_owned(),
        problem: problem.to_owned(),
        hint: None,
    }
}

pub(super) fn with_hint(error: SettingsError, hint: &str) -> SettingsError {
    match error {
        SettingsError::BadValue {
            place,
            key,
            problem,
            ..
        } => SettingsError::BadValue {
            place,
            key,
            problem,
            hint: Some(hint.to_owned()),
        },
        other => other,
    }
}
