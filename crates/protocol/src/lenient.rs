//! Members of JSON answers that servers spell in their own way, for `deserialize_with`.

use serde::{Deserialize, Deserializer};

use crate::Scopes;

/// Reads seconds from a number or a string; what is neither, or negative, is unknown (row Q-41).
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked on the line above the cast"
    )]
    let whole = |seconds: f64| (0.0..=1e12).contains(&seconds).then_some(seconds as u64);
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().and_then(whole))
        }
        serde_json::Value::String(text) => text.trim().parse().ok().and_then(whole),
        _ => None,
    })
}

/// As [`seconds`], with the shortest common lifetime where nothing usable stands.
pub(crate) fn seconds_or_default<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u64, D::Error> {
    Ok(seconds(deserializer)?
        .filter(|seconds| *seconds > 0)
        .unwrap_or(300))
}

/// Reads a scope string; one that is malformed is read as far as it is well formed, and a
/// comma-separated one (row Q-01) as a list.
pub(crate) fn scopes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Scopes>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| text.split([' ', ',']).collect()))
}
