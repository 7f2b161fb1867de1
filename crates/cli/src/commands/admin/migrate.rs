//! `hallpass admin migrate`.

use hallpass_server::admin;
use serde_json::json;

use super::target::{Target, refused};
use crate::args::MigrateCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime;

pub(super) fn run(command: MigrateCommand, target: &Target<'_>) -> Result<(), Failure> {
    runtime::block_on_server(async {
        if matches!(command, MigrateCommand::Up) {
            target.open().await?.close().await;
        }
        let settings = target.settings()?;
        let schema = admin::schema(&settings)
            .await
            .map_err(|error| refused(&error))?;
        if target.context.output.is_json() {
            let pending: Vec<_> = schema
                .pending
                .iter()
                .map(|(version, what)| json!({"version": version, "what": what}))
                .collect();
            return Output::answer_json(&json!({
                "schema": "hallpass.admin.migrate/1",
                "applied": schema.applied,
                "pending": pending,
                "unknown": schema.unknown,
            }));
        }
        let mut text = match schema.applied.last() {
            Some(version) => format!("the tables are at version {version}\n"),
            None => "there are no tables yet\n".to_owned(),
        };
        for version in &schema.unknown {
            let line = format!("version {version} is of a newer hallpass, which must serve them\n");
            text.push_str(&line);
        }
        match (command, schema.pending.as_slice()) {
            (_, []) => text.push_str("nothing is to be done\n"),
            (MigrateCommand::Status, pending) => {
                let line = format!("{} changes are to be made\n", pending.len());
                text.push_str(&line);
            }
            (MigrateCommand::Plan | MigrateCommand::Up, pending) => {
                for (version, what) in pending {
                    let line = format!("{version:>4}  {what}\n");
                    text.push_str(&line);
                }
            }
        }
        Output::answer(&text)
    })
}
