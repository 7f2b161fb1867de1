//! Which keys a configuration may have, and which known one is nearest to an unknown one.
//!
//! For users: `docs/dev-mode.md`. An unknown key is told with its place: in TOML line and column.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::mode::Mode;

/// The keys under a key.
#[derive(Debug)]
pub(super) enum Keys {
    /// A value, whatever is in it.
    Value,
    /// Keys that dev mode understands and does not use.
    Production(&'static Keys),
    /// A table with these keys.
    Table(&'static [(&'static str, Keys)]),
    /// A list of such things.
    List(&'static Keys),
}

/// A key worth a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Its path: `client[0].grants`.
    pub(super) path: String,
    /// Its place in the text, where it is known.
    pub(super) offset: Option<usize>,
    /// Whether the key is known but has no effect.
    pub(super) known: bool,
    /// The nearest name that is known.
    pub(super) nearest: Option<&'static str>,
}

/// Finds the keys of a JSON document that are unknown or without effect.
pub(super) fn check_json(value: &Value, keys: &'static Keys) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk_json(value, keys, "", &mut findings);
    findings
}

/// Finds the keys of a TOML document that are unknown or without effect.
pub(super) fn check_toml(table: &DeTable<'_>, keys: &'static Keys, mode: Mode) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk_table(table, (keys, mode), "", &mut findings);
    findings.sort_by_key(|finding| finding.offset);
    findings
}

fn walk_json(value: &Value, keys: &'static Keys, path: &str, findings: &mut Vec<Finding>) {
    match (value, keys) {
        (Value::Object(members), Keys::Table(known)) => {
            for (name, value) in members {
                let path = join(path, name);
                if let Some(keys) = look_up(known, name, &path, (None, Mode::Dev), findings) {
                    walk_json(value, keys, &path, findings);
                }
            }
        }
        (Value::Array(values), Keys::List(keys)) => {
            for (index, value) in values.iter().enumerate() {
                walk_json(value, keys, &format!("{path}[{index}]"), findings);
            }
        }
        // Whether the type is right is asked when the value is read.
        _ => {}
    }
}

fn walk_table(
    table: &DeTable<'_>,
    (keys, mode): (&'static Keys, Mode),
    path: &str,
    findings: &mut Vec<Finding>,
) {
    let Keys::Table(known) = keys else { return };
    for (name, value) in table {
        let path = join(path, name.get_ref());
        if let Some(keys) = look_up(
            known,
            name.get_ref(),
            &path,
            (Some(name.span().start), mode),
            findings,
        ) {
            walk_toml(value.get_ref(), (keys, mode), &path, findings);
        }
    }
}

fn walk_toml(
    value: &DeValue<'_>,
    (keys, mode): (&'static Keys, Mode),
    path: &str,
    findings: &mut Vec<Finding>,
) {
    match (value, keys) {
        (DeValue::Table(table), Keys::Table(_)) => walk_table(table, (keys, mode), path, findings),
        (DeValue::Array(values), Keys::List(keys)) => {
            for (index, value) in values.iter().enumerate() {
                let path = format!("{path}[{index}]");
                walk_toml(value.get_ref(), (keys, mode), &path, findings);
            }
        }
        _ => {}
    }
}

fn look_up(
    known: &'static [(&'static str, Keys)],
    name: &str,
    path: &str,
    (offset, mode): (Option<usize>, Mode),
    findings: &mut Vec<Finding>,
) -> Option<&'static Keys> {
    let path = path.to_owned();
    match (known.iter().find(|(known, _)| *known == name), mode) {
        (Some((_, Keys::Production(keys))), Mode::Production) => Some(keys),
        (Some((_, Keys::Production(_))), _) => {
            findings.push(Finding {
                path,
                offset,
                known: true,
                nearest: None,
            });
            None
        }
        (Some((_, keys)), _) => Some(keys),
        (None, _) => {
            let nearest = nearest(known, name);
            findings.push(Finding {
                path,
                offset,
                known: false,
                nearest,
            });
            None
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn nearest(known: &'static [(&'static str, Keys)], name: &str) -> Option<&'static str> {
    nearest_name(known.iter().map(|(known, _)| *known), name)
}

/// The keys under a path of names; the nearest name where there are none.
pub(super) fn at_path(
    keys: &'static Keys,
    names: &[String],
) -> Result<&'static Keys, Option<&'static str>> {
    names.iter().try_fold(keys, |keys, name| {
        let keys = match keys {
            Keys::Production(keys) => keys,
            other => other,
        };
        let Keys::Table(known) = keys else {
            return Err(None);
        };
        let found = known.iter().find(|(known, _)| known == name);
        found
            .map(|(_, keys)| keys)
            .ok_or_else(|| nearest(known, name))
    })
}

/// The known name with the fewest typing errors: at most one for each three letters.
pub(crate) fn nearest_name(
    known: impl Iterator<Item = &'static str>,
    name: &str,
) -> Option<&'static str> {
    let name = name.to_lowercase();
    known
        .map(|known| (distance(&known.to_lowercase(), &name), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(other.chars()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static KEYS: Keys = Keys::Table(&[
        ("interactiveLogin", Keys::Value),
        ("tls", Keys::Production(&Keys::Value)),
        ("list", Keys::List(&Keys::Table(&[("grants", Keys::Value)]))),
    ]);

    #[test]
    fn the_distance_counts_letters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("é", "e", 1),
            ("grants", "grantz", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn unknown_keys_are_found_at_every_depth() {
        let json = json!({"interactivelogin": true, "tls": {"x": 1}, "list": [{"grants": {"any": 1}}, {"grantz": 2}], "zzz": 1});
        let found: Vec<_> = check_json(&json, &KEYS)
            .into_iter()
            .map(|f| (f.path, f.known, f.nearest))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "interactivelogin".to_owned(),
                    false,
                    Some("interactiveLogin")
                ),
                ("list[1].grantz".to_owned(), false, Some("grants")),
                ("tls".to_owned(), true, None),
                ("zzz".to_owned(), false, None),
            ]
        );
    }

    #[test]
    fn toml_tells_the_place_too() {
        let text = "interactiveLogin = true\n[[list]]\ngrants = 1\n[[list]]\n  grantz = 1\n";
        let table = DeTable::parse(text).unwrap();
        let found = check_toml(table.get_ref(), &KEYS, Mode::Dev);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.as_str(), found[0].offset),
            ("list[1].grantz", text.find("grantz"))
        );
    }
}
