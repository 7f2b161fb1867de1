//! `hallpass profile show`: what holds for a profile here, and who said it.

use hallpass_client::clean;
use serde_json::{Map, Value, json};

use crate::args::ProfileArg;
use crate::commands::Context;
use crate::config::Origin;
use crate::failure::Failure;
use crate::output::{Output, printable};
use crate::profile::Profile;
use crate::said::DEFAULT_SCOPES;

/// Prints it.
pub(super) fn run(arg: &ProfileArg, with_origin: bool, context: &Context) -> Result<(), Failure> {
    let profile = context.profile(arg)?;
    let said = said(&profile);
    if context.output.is_json() {
        let member = |text: fn(&(String, Value, String)) -> Value| -> Map<String, Value> {
            said.iter().map(|row| (row.0.clone(), text(row))).collect()
        };
        let mut answer = json!({
            "schema": "hallpass.profile/1",
            "name": profile.name,
            "chosen_by": profile.chosen_by,
            "settings": member(|row| row.1.clone()),
        });
        if let Some(members) = answer.as_object_mut().filter(|_| with_origin) {
            members.insert(
                "origins".to_owned(),
                member(|row| Value::from(row.2.as_str())).into(),
            );
            members.insert("files".to_owned(), files(&profile));
        }
        return Output::answer_json(&answer);
    }
    let paint = context.output.paint;
    let mut rows = vec![(
        "profile".to_owned(),
        profile.name.clone(),
        profile.chosen_by.clone(),
    )];
    rows.extend(
        said.into_iter()
            .map(|(name, value, origin)| (name, words(&value), origin)),
    );
    let wide = |of: fn(&(String, String, String)) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let name_width = wide(|row| row.0.chars().count());
    let value_width = wide(|row| row.1.chars().count());
    let mut text = String::new();
    for (name, value, origin) in &rows {
        let name = paint.dim(&format!("{name:<name_width$}"));
        let line = if with_origin {
            format!("{name}  {value:<value_width$}  {}\n", paint.dim(origin))
        } else {
            format!("{name}  {value}\n")
        };
        text.push_str(&line);
    }
    Output::answer(&text)
}

/// Every value that holds, also those that nobody spoke of.
fn said(profile: &Profile) -> Vec<(String, Value, String)> {
    let mut said: Vec<_> = profile
        .layers
        .origins()
        .into_iter()
        .map(|(name, value, origin)| (name, value, origin.to_string()))
        .collect();
    // With a secret, the server's metadata says how it is sent.
    let method = match profile.settings.private_key {
        Some(_) => "private_key_jwt",
        None if profile.has_secret() => "as the server says",
        None => "none",
    };
    for (name, value) in [
        ("scopes", json!(DEFAULT_SCOPES)),
        ("flow", json!("auto")),
        ("store", json!("auto")),
        ("callback_ports", json!([0])),
        ("callback_path", json!("/callback")),
        ("min_validity", json!("0s")),
        ("auth_method", json!(method)),
        ("browser", json!("default")),
        ("par", json!("auto")),
    ] {
        if !said.iter().any(|(known, _, _)| known == name) {
            said.push((name.to_owned(), value, Origin::BuiltIn.to_string()));
        }
    }
    let order = |name: &str| {
        ORDER
            .iter()
            .position(|known| *known == name)
            .unwrap_or(ORDER.len())
    };
    said.sort_by_key(|(name, _, _)| order(name));
    said
}

fn files(profile: &Profile) -> Value {
    json!({
        "config": profile.places.config,
        "state": profile.places.state,
    })
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => clean::text(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(words).collect();
            items.join(" ")
        }
        // `file = key.pem`, without what a command is told.
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match (name.as_str(), value) {
                ("cmd", Value::Array(items)) => {
                    format!("cmd {}", items.first().map(words).unwrap_or_default())
                }
                _ => format!("{name} {}", words(value)),
            })
            .collect::<Vec<_>>()
            .join(", "),
        other => printable(&other.to_string()),
    }
}

const ORDER: [&str; 9] = [
    "issuer",
    "client_id",
    "auth_method",
    "client_secret",
    "private_key",
    "private_key_id",
    "scopes",
    "resource",
    "audience",
];
