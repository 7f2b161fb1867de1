//! `hallpass admin config`.

use hallpass_server::Settings;

use super::target::{self, Target};
use crate::args::ServerConfigCommand;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: ServerConfigCommand, target: &Target<'_>) -> Result<(), Failure> {
    match command {
        ServerConfigCommand::Check => {
            let settings = read(target)?;
            let checked = settings.check_files();
            checked.map_err(|error| target::misconfigured(&error))?;
            target.context.output.done("the settings are good");
            Ok(())
        }
        ServerConfigCommand::Schema => Output::answer(&format!("{:#}\n", Settings::json_schema())),
        ServerConfigCommand::Show { .. } => Output::answer(&read(target)?.effective()),
    }
}

fn read(target: &Target<'_>) -> Result<Settings, Failure> {
    let settings = target.settings()?;
    for warning in &settings.warnings {
        target.context.output.warn(warning);
    }
    Ok(settings)
}
