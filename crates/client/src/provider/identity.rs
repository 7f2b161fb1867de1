//! Who signed in, where the server has no ID tokens.
//!
//! What is read here came over TLS from an address of the preset, with the token that was just issued
//! (row Q-06), or in the token answer itself (rows ).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::preset::IdentitySource;
use crate::clean;

/// Who signed in, as a provider without ID tokens says; or their name, where the ID token lacks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// What tells the user from every other user of the provider, for good.
    pub subject: String,
    /// The name by which people know the user; it may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Identity {
    /// Reads the members of an answer; `None` when the subject is missing.
    pub(super) fn read(members: &Map<String, Value>, source: &IdentitySource) -> Option<Self> {
        let (subject, names) = source.members()?;
        let text = |name: &str| match members.get(name)? {
            Value::String(text) if !text.is_empty() => Some(clean::text(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(Self {
            subject: text(subject)?,
            name: names.iter().find_map(|name| text(name)),
        })
    }
}
