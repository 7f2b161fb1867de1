//! `hallpass admin config`.

use super::target::Target;
use crate::args::ServerConfigCommand;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: ServerConfigCommand, target: &Target<'_>) -> Result<(), Failure> {
    let settings = target.settings()?;
    for warning in &settings.warnings {
        target.context.output.warn(warning);
    }
    match command {
        ServerConfigCommand::Check => {
            target.context.output.done("the settings are good");
            Ok(())
        }
        ServerConfigCommand::Show { .. } => Output::answer(&settings.effective()),
    }
}
