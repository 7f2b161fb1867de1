//! What an import brings.

use hallpass_client::Secret;

use crate::config::Settings;

/// A profile that was found in a file.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// What it says.
    pub(super) settings: Settings,
    /// The secret that lay in the file itself.
    pub(super) secret: Option<Secret<String>>,
}
