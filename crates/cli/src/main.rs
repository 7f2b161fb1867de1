//! `hallpass`: signs people and programs in from the command line, and runs a server to sign in to.

mod args;
mod commands;
mod demo;
mod duration;
mod environment;
mod exit_code;
mod failure;
mod files;
mod logging;
mod moment;
mod output;
mod profile;
mod profile_file;
mod runtime;
mod start;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(start::run())
}
