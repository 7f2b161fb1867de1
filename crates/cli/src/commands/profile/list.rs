//! `hallpass profile list`.

use hallpass_client::clean;
use serde_json::json;

use super::Files;
use crate::args::ProfileArg;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;

/// Prints each profile, and marks the one of commands that name none here.
pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let files = Files::read(context)?;
    let chosen = context.profile(&ProfileArg { profile: None })?;
    let own = files
        .config
        .profile
        .iter()
        .map(|(name, settings)| (name, settings, "config.toml"));
    let left = files.remembered.profile.iter();
    let left = left
        .filter(|(name, _)| !files.config.profile.contains_key(*name))
        .map(|(name, settings)| (name, settings, "profiles.toml"));
    let mut rows: Vec<_> = own.chain(left).collect();
    rows.sort_by_key(|(name, _, _)| *name);
    if context.output.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, settings, place)| {
                json!({
                    "name": name,
                    "issuer": settings.issuer,
                    "client_id": settings.client_id,
                    "file": place,
                    "chosen": **name == chosen.name,
                })
            })
            .collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.profile-list/1",
            "chosen": chosen.name,
            "chosen_by": chosen.chosen_by,
            "profiles": rows,
        }));
    }
    let paint = context.output.paint;
    let width = rows
        .iter()
        .map(|(name, _, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (name, settings, place) in rows {
        let mark = if *name == chosen.name { "*" } else { " " };
        let issuer = clean::text(settings.issuer.as_deref().unwrap_or("no issuer"));
        let client = clean::text(settings.client_id.as_deref().unwrap_or("no client id"));
        text.extend([format!(
            "{mark} {}  {issuer}  {client}  {}\n",
            paint.bold(&format!("{name:<width$}")),
            paint.dim(place)
        )]);
    }
    if text.is_empty() {
        text.push_str("no profiles\n");
    }
    Output::answer(&text)
}
