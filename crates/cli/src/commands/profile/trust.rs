//! `hallpass profile trust`: takes the server and client of a folder's file for good, as long as the
//! file stays as it is (row C-79).

use std::path::Path;

use hallpass_client::clean;
use serde_json::json;

use crate::commands::Context;
use crate::config::{DirectoryFile, Trust};
use crate::failure::Failure;
use crate::files::Places;
use crate::output::Output;

/// Trusts a folder's file, or no longer.
pub(super) fn run(folder: &Path, undo: bool, context: &Context) -> Result<(), Failure> {
    let places = Places::find(context.global.config.as_deref(), &context.environment)?;
    let file = DirectoryFile::in_folder(folder, &places)?;
    Trust::set(&places, &file.path, (!undo).then_some(&file))?;
    if context.output.is_json() {
        return Output::answer_json(&json!({
            "schema": "hallpass.trust/1",
            "path": file.path,
            "trusted": !undo,
        }));
    }
    let output = context.output;
    if undo {
        output.done(&format!("{} is no longer trusted", file.shown()));
        return Ok(());
    }
    output.done(&format!("Trusted {} as it is now", file.shown()));
    let said = &file.content;
    for (name, value) in [
        ("profile", &said.profile),
        ("issuer", &said.issuer),
        ("client id", &said.client_id),
        (
            "scopes",
            &said.scopes.as_ref().map(|scopes| scopes.join(" ")),
        ),
    ] {
        if let Some(value) = value {
            output.note(&format!("  {name}: {}", clean::text(value)));
        }
    }
    Ok(())
}
