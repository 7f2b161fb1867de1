//! `hallpass admin`: one file for each thing that is administered.

mod audit;
mod backup;
mod config;
mod keys;
mod migrate;
pub(crate) mod target;
mod user;

use crate::args::{AdminArgs, AdminCommand};
use crate::commands::Context;
use crate::failure::Failure;

/// Runs a command.
pub(crate) fn run(args: &AdminArgs, context: &Context) -> Result<(), Failure> {
    let target = target::Target::of(args, context);
    match &args.command {
        AdminCommand::Keys { command } => keys::run(command, &target),
        AdminCommand::User { command } => user::run(command, &target),
        AdminCommand::Audit { command } => audit::run(command, &target),
        AdminCommand::Migrate { command } => migrate::run(*command, &target),
        AdminCommand::Backup { file } => backup::back_up(file, &target),
        AdminCommand::Restore(args) => backup::restore(args, &target),
        AdminCommand::Config { command } => config::run(*command, &target),
    }
}
