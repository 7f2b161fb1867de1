//! `HALLPASS__SECTION__KEY`: one setting from the environment, which wins over the file.
//!
//! For users: `docs/server.md`.

use serde::Deserialize as _;
use toml::{Table, Value};

use super::error::SettingsError;
use super::files::Source;
use super::known_keys::{self, Keys};
use super::server_toml::{KEYS, ServerToml};
use super::toml_file;

/// What the variables begin with.
pub(super) const PREFIX: &str = "HALLPASS__";
/// The text of a key ring: it is read by itself and never meets the file's values.
pub(super) const KEYRING: &str = "HALLPASS__SECRETS__KEYRING";

/// Reads the file's values with the variables over them.
pub(super) fn read(
    source: &Source,
    variables: &[(String, String)],
) -> Result<ServerToml, SettingsError> {
    // Alone first: an error then has its line.
    let file = toml_file::parse(source)?;
    let given: Vec<_> = variables
        .iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && name != KEYRING && !value.is_empty())
        .collect();
    if given.is_empty() {
        return Ok(file);
    }
    let mut merged: Table = toml::from_str(&source.text).unwrap_or_default();
    for (name, text) in given {
        let path = path_of(name)?;
        insert(&mut merged, &path, value_of(text));
        // One at a time: whatever cannot be read now is this variable.
        ServerToml::deserialize(Value::Table(merged.clone())).map_err(|error| {
            SettingsError::BadValue {
                place: "environment".to_owned(),
                key: name.clone(),
                problem: format!("cannot be used: {}", error.message().trim_end()),
                hint: None,
            }
        })?;
    }
    ServerToml::deserialize(Value::Table(merged)).map_err(|error| SettingsError::Malformed {
        place: "environment".to_owned(),
        message: error.message().to_owned(),
    })
}

/// `HALLPASS__TTL__ACCESS` is `ttl.access`.
fn path_of(name: &str) -> Result<Vec<String>, SettingsError> {
    let names = name.strip_prefix(PREFIX).unwrap_or_default();
    let path: Vec<String> = names.split("__").map(str::to_lowercase).collect();
    let unknown = |nearest| SettingsError::UnknownKey {
        place: "environment".to_owned(),
        key: name.to_owned(),
        nearest,
    };
    match known_keys::at_path(&KEYS, &path).map_err(unknown)? {
        Keys::Value | Keys::Production(Keys::Value) => Ok(path),
        // Tables and lists belong into the file.
        _ => Err(unknown(None)),
    }
}

/// A value in TOML's own spelling, or else a text: nobody quotes twice in a shell.
fn value_of(text: &str) -> Value {
    let document = format!("value = {text}");
    let read = toml::from_str::<Table>(&document).ok();
    match read
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
    {
        Some(
            value @ (Value::Boolean(_) | Value::Integer(_) | Value::Array(_) | Value::String(_)),
        ) => value,
        Some(_) | None => Value::String(text.to_owned()),
    }
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let entry = table
                .entry(first.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}
