//! The claims that whoever signs in writes into the form of the sign-in page.

use serde_json::{Map, Value};

/// The claims that a custom sign-in page or the sign-in form adds: a JSON object.
pub(crate) fn read_claims(text: Option<&str>) -> Result<Map<String, Value>, serde_json::Error> {
    text.filter(|text| !text.trim().is_empty())
        .map_or_else(|| Ok(Map::new()), serde_json::from_str)
}
