//! `hallpass`: signs people and programs in from the command line, and runs a server to sign in to.

mod args;
mod command_browser;
mod commands;
mod config;
mod credential_helpers;
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
mod runtime;
mod said;
mod start;
mod static_token;
mod trace_file;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(start::run())
}
