//! Why the settings cannot be used, and what to do about it.
//!
//! Exit codes: `hallpass help exit-codes`.

use std::path::PathBuf;

/// A configuration that the server does not start with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file's name ends neither in `.json` nor in `.toml`.
    #[error("`{}` is neither a `.json` nor a `.toml` file", .0.display())]
    UnknownFormat(PathBuf),
    /// The text is not JSON or TOML, or a value has another type than its key takes.
    #[error("{place}: {message}")]
    Malformed {
        /// Where: file, line and column, as far as they are known.
        place: String,
        /// What is wrong there.
        message: String,
    },
    /// A key that means nothing here.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        /// Where: file, and in TOML line and column.
        place: String,
        /// The key's path.
        key: String,
        /// The nearest name that is known.
        nearest: Option<&'static str>,
    },
    /// A value that cannot be used.
    #[error("{place}: `{key}` {problem}")]
    BadValue {
        /// The file, or the part of the environment.
        place: String,
        /// The key's path, the variable or the flag.
        key: String,
        /// What is wrong with it, without repeating a secret.
        problem: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// A production setting together with `--dev`.
    #[error("`--dev` does not go together with {what}")]
    NotInDevMode {
        /// The setting.
        what: &'static str,
    },
}

impl SettingsError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => {
                Some("check the path and its permissions, or leave the file away".to_owned())
            }
            Self::UnknownFormat(_) => Some("rename it to `.json` or `.toml`".to_owned()),
            Self::Malformed { .. } => None,
            Self::UnknownKey { nearest, .. } => Some(nearest.map_or_else(
                || "remove it".to_owned(),
                |name| format!("did you mean `{name}`?"),
            )),
            Self::BadValue { hint, .. } => hint.clone(),
            Self::NotInDevMode { what } => Some(format!(
                "dev mode signs anybody in: drop `--dev`, or drop {what}"
            )),
        }
    }

    /// The exit code of the command line: a configuration error.
    pub fn exit_code(&self) -> u8 {
        5
    }
}
