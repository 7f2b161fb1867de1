//! A value that cannot be: where it stands, what is wrong with it, and what to write instead.

use crate::settings::error::SettingsError;
use crate::settings::files::Source;

pub(super) fn bad(source: &Source, key: &str, problem: &str) -> SettingsError {
    SettingsError::BadValue {
        place: source.name.clone(),
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
