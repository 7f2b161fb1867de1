//! `${name}` inside the claims of a token callback.
//!
//! Contract: "Mapping rules" of `docs/dev-mode.md`.

use serde_json::{Map, Value};

/// Fills the templates of every claim, also inside lists and maps. The names of claims stay.
pub(super) fn fill_all<'a>(
    claims: &Map<String, Value>,
    find: &impl Fn(&str) -> Option<&'a str>,
) -> Map<String, Value> {
    claims
        .iter()
        .map(|(name, value)| (name.clone(), fill_value(value, find)))
        .collect()
}

fn fill_value<'a>(value: &Value, find: &impl Fn(&str) -> Option<&'a str>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, find)),
        Value::Array(values) => values.iter().map(|value| fill_value(value, find)).collect(),
        Value::Object(members) => Value::Object(fill_all(members, find)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// One pass: what a request brings in is not read as a template again. An unknown name stays as
/// it was written.
fn fill<'a>(text: &str, find: &impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let found = after
            .split_once('}')
            .and_then(|(name, tail)| Some((find(name.trim())?, tail)));
        if let Some((value, tail)) = found {
            out.push_str(value);
            rest = tail;
        } else {
            out.push_str("${");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_filled_once_and_everywhere() {
        let find = |name: &str| match name {
            "a" => Some("1"),
            "loop" => Some("${a}"),
            _ => None,
        };
        for (text, filled) in [
            ("${a}", "1"),
            ("x${a}y${a}", "x1y1"),
            ("${b}", "${b}"),
            ("${a", "${a"),
            ("$a {a}", "$a {a}"),
            ("${loop}", "${a}"),
            ("${${a}}", "${1}"),
            ("${b}${a}", "${b}1"),
            ("é${ a }é", "é1é"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &find), filled, "{text}");
        }
        let claims = json!({"${a}": "${a}", "list": ["${a}", 2, {"deep": "${a}"}], "n": null});
        let filled = fill_all(claims.as_object().unwrap(), &find);
        assert_eq!(
            Value::Object(filled),
            json!({"${a}": "1", "list": ["1", 2, {"deep": "1"}], "n": null})
        );
    }
}
