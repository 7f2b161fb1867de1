//! The JSON Schema of `server.toml`, for editors: the keys are those that the reader knows, and what
//! each takes is found by asking the reader, so that there is nothing to keep in step.
//!
//! JSON Schema 2020-12: <https://json-schema.org/draft/2020-12/json-schema-core>

use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use toml::Value as Toml;

use super::known_keys::Keys;
use super::server_toml::{KEYS, ServerToml};
use super::values::Settings;

/// Texts of every kind that some key takes.
const TEXTS: [&str; 4] = ["x", "10m", "10/1m", "127.0.0.1:1"];
/// A text that no key takes whose words are counted.
const NO_WORD: &str = "\u{1}";

/// One step on the way to a key.
#[derive(Clone, Copy, Debug)]
enum Step {
    Key(&'static str),
    Entry,
}

impl Settings {
    /// The JSON Schema of `server.toml`.
    pub fn json_schema() -> Value {
        let mut schema = of_keys(&KEYS, &mut Vec::new());
        if let Some(members) = schema.as_object_mut() {
            let dialect = "https://json-schema.org/draft/2020-12/schema";
            members.insert("$schema".to_owned(), Value::from(dialect));
            members.insert("title".to_owned(), Value::from("server.toml of hallpass"));
        }
        schema
    }
}

fn of_keys(keys: &'static Keys, path: &mut Vec<Step>) -> Value {
    match keys {
        Keys::Production(keys) => of_keys(keys, path),
        Keys::List(keys) => {
            path.push(Step::Entry);
            let items = of_keys(keys, path);
            path.pop();
            json!({ "type": "array", "items": items })
        }
        Keys::Table(known) => {
            let mut properties = Map::new();
            for (name, keys) in *known {
                path.push(Step::Key(name));
                properties.insert((*name).to_owned(), of_keys(keys, path));
                path.pop();
            }
            let mut schema = Map::from_iter([
                ("type".to_owned(), Value::from("object")),
                ("additionalProperties".to_owned(), Value::from(false)),
            ]);
            if let Some(name) = missing(path) {
                schema.insert("required".to_owned(), json!([name]));
            }
            schema.insert("properties".to_owned(), Value::from(properties));
            Value::from(schema)
        }
        Keys::Value => of_value(path),
    }
}

/// What the reader takes at a path.
fn of_value(path: &[Step]) -> Value {
    if let Some(words) = words(path, Toml::from(NO_WORD)) {
        return json!({ "enum": words });
    }
    if let Some(words) = words(path, Toml::from(vec![NO_WORD])) {
        return json!({ "type": "array", "items": { "enum": words } });
    }
    let takes = |value: Toml| ask(path, value).is_ok();
    let mut types = Vec::new();
    for (name, is_taken) in [
        ("boolean", takes(Toml::from(true))),
        ("integer", takes(Toml::from(1))),
        ("string", TEXTS.iter().any(|text| takes(Toml::from(*text)))),
        ("array", takes(Toml::from(vec!["x"]))),
        ("object", takes(Toml::Table(toml::Table::new()))),
    ] {
        if is_taken {
            types.push(name);
        }
    }
    match types.as_slice() {
        // Whatever it is, it is read elsewhere.
        [_, _, _, _, _] => json!({}),
        ["array"] => json!({ "type": "array", "items": { "type": "string" } }),
        [one] => json!({ "type": one }),
        several => json!({ "type": several }),
    }
}

/// The words that the reader names when it gets none of them.
fn words(path: &[Step], value: Toml) -> Option<Vec<String>> {
    let refusal = ask(path, value).err()?;
    let (_, expected) = refusal
        .split_once("unknown variant")?
        .1
        .split_once("expected")?;
    // What stands between backticks is every other piece of the line; the next one says where.
    let expected = expected.lines().next()?;
    let words = expected.split('`').skip(1).step_by(2);
    Some(words.map(str::to_owned).collect())
}

/// The key that a table cannot be without.
fn missing(path: &[Step]) -> Option<String> {
    let refusal = ask(path, Toml::Table(toml::Table::new())).err()?;
    let name = refusal.split_once("missing field `")?.1.split('`').next()?;
    Some(name.to_owned())
}

/// Whether the reader takes a value at a path; what it says if not.
fn ask(path: &[Step], value: Toml) -> Result<(), String> {
    let mut document = value;
    for (depth, step) in path.iter().enumerate().rev() {
        document = match step {
            Step::Entry => Toml::Array(vec![document]),
            Step::Key(name) => {
                let mut table = toml::Table::new();
                let above = path.get(..depth).unwrap_or_default();
                if let Some((needed, filler)) = needed(above)
                    && needed != *name
                {
                    table.insert(needed.to_owned(), Toml::from(filler));
                }
                table.insert((*name).to_owned(), document);
                Toml::Table(table)
            }
        };
    }
    let read = ServerToml::deserialize(document);
    read.map(drop).map_err(|error| error.to_string())
}

/// What must stand in a table for the reader to look at the rest, and a value for it.
fn needed(table: &[Step]) -> Option<(&'static str, &'static str)> {
    match table {
        [Step::Key("client" | "resource"), Step::Entry] => Some(("id", "x")),
        [Step::Key("email")] => Some(("transport", "log")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a document is what a schema says, as far as our schemas go.
    fn conforms(value: &Value, schema: &Value) -> Result<(), String> {
        if let Some(words) = schema["enum"].as_array() {
            let is_known = words.contains(value);
            return is_known
                .then_some(())
                .ok_or(format!("{value} is no word of {words:?}"));
        }
        let name = match value {
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null => "null",
        };
        let is_type = match &schema["type"] {
            Value::String(one) => one == name,
            Value::Array(several) => several.iter().any(|one| one == name),
            _ => true,
        };
        if !is_type {
            return Err(format!("{value} is no {}", schema["type"]));
        }
        for entry in value.as_array().into_iter().flatten() {
            conforms(entry, &schema["items"])?;
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let is_there = value.get(name.as_str().unwrap()).is_some();
            is_there.then_some(()).ok_or(format!("{name} is missing"))?;
        }
        if let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object())
        {
            for (name, value) in members {
                let schema = known.get(name).ok_or(format!("{name} is unknown"))?;
                conforms(value, schema).map_err(|why| format!("{name}: {why}"))?;
            }
        }
        Ok(())
    }

    fn checked(text: &str) -> Result<(), String> {
        let value: Value = toml::from_str(text).unwrap();
        conforms(&value, &Settings::json_schema())
    }

    #[test]
    fn the_documented_examples_conform() {
        let pages = [
            include_str!("../../../../docs/server.md"),
            include_str!("../../../../docs/consent.md"),
            include_str!("../../../../docs/dev-mode.md"),
        ];
        let mut examples = 0;
        for page in pages {
            for block in page.split("```toml\n").skip(1) {
                let text = block.split("\n```").next().unwrap();
                assert_eq!(checked(text), Ok(()), "{text}");
                examples += 1;
            }
        }
        assert!(examples >= 3, "the pages have only {examples} examples");
    }

    #[test]
    fn every_key_of_the_reader_is_in_it_with_what_it_takes() {
        fn count(keys: &'static Keys, schema: &Value, path: &str) -> usize {
            match keys {
                Keys::Production(keys) => count(keys, schema, path),
                Keys::List(keys) => count(keys, &schema["items"], path),
                Keys::Table(known) => {
                    assert_eq!(schema["additionalProperties"], false, "{path}");
                    let below = known.iter().map(|(name, keys)| {
                        let schema = &schema["properties"][*name];
                        count(keys, schema, &format!("{path}.{name}"))
                    });
                    below.sum()
                }
                Keys::Value => {
                    let is_free = ["jwks", "keyring"].iter().any(|name| path.ends_with(name));
                    let says = schema.get("type").or(schema.get("enum"));
                    assert!(says.is_some() || is_free, "{path}: {schema}");
                    // A reader that takes nothing was not understood.
                    assert_ne!(says, Some(&json!([])), "{path}");
                    1
                }
            }
        }
        let known = count(&KEYS, &Settings::json_schema(), "");
        assert!(known > 80, "only {known}");
    }

    #[test]
    fn what_the_reader_refuses_does_not_conform() {
        let schema = Settings::json_schema();
        assert_eq!(
            schema["properties"]["refresh"]["properties"]["rotation"]["enum"],
            json!(["always", "public", "never"])
        );
        for bad in [
            "listen = 8080",
            "no_such_key = 1",
            "compat = [\"auth0\"]",
            "[ttl]\naccess = true",
            "[refresh]\nrotation = \"sometimes\"",
            "[device]\nlong_polls_max = \"many\"",
            "[[client]]\nname = \"without an id\"",
            "[[client]]\nid = \"x\"\ngrants = \"device_code\"",
            "[[client]]\nid = \"x\"\ntype = \"secret\"",
            "[email]\nfrom = \"without a transport\"",
            "[[resource]]\nid = 7",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
            assert!(
                toml::from_str::<ServerToml>(bad).is_err() || bad.starts_with("no_"),
                "{bad}"
            );
        }
        for good in [
            "[ttl]\naccess = 600",
            "[ttl]\naccess = \"10m\"",
            "compat = [\"mock\"]",
        ] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
    }
}
