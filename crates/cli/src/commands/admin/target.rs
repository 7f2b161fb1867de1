//! Which server is meant: its settings, and its records.

use hallpass_server::admin::Admin;
use hallpass_server::{ServerFlags, Settings, SettingsError, StartError};

use crate::args::AdminArgs;
use crate::commands::Context;
use crate::failure::Failure;

/// The server that the command line means.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(super) args: &'a AdminArgs,
    pub(super) context: &'a Context,
}

impl<'a> Target<'a> {
    pub(super) fn of(args: &'a AdminArgs, context: &'a Context) -> Self {
        Self { args, context }
    }

    /// Its settings.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        settings(self.context, self.args.database.clone())
    }

    /// Its records.
    pub(crate) async fn open(&self) -> Result<Admin, Failure> {
        let admin = Admin::open(self.settings()?).await;
        admin.map_err(|error| refused(&error))
    }
}

/// Reads the settings of production.
pub(crate) fn settings(context: &Context, database: Option<String>) -> Result<Settings, Failure> {
    read(context, database).map_err(|error| misconfigured(&error))
}

/// The same for a server that runs, and goes on without them if they cannot be used.
pub(crate) fn read(context: &Context, database: Option<String>) -> Result<Settings, SettingsError> {
    let flags = ServerFlags {
        config: context.global.config.clone(),
        database,
    };
    let variables = context.environment.server_variables();
    Settings::production(&variables, &flags)
}

/// Settings that cannot be used.
pub(crate) fn misconfigured(error: &SettingsError) -> Failure {
    let hint = error
        .hint()
        .unwrap_or_else(|| "correct it there".to_owned());
    Failure::with_exit(error.exit_code(), error.to_string()).hint_to(hint)
}

/// Records that cannot be used.
pub(crate) fn refused(error: &StartError) -> Failure {
    let failure = Failure::with_exit(error.exit_code(), error.to_string());
    match error.hint() {
        Some(hint) => failure.hint_to(hint),
        None => failure,
    }
}
