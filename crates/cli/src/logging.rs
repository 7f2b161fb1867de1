//! What `-v` shows: the log, on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};
use crate::environment::Environment;
use crate::output::Output;

/// The level that `LOG_LEVEL` names, in the words of Java's loggers too.
fn level_of(name: Option<&str>, output: Output) -> String {
    let name = name.unwrap_or("info").trim().to_lowercase();
    match &*name {
        "trace" | "debug" | "info" | "warn" | "error" | "off" => name,
        "" => "info".to_owned(),
        "all" => "trace".to_owned(),
        "warning" => "warn".to_owned(),
        "fatal" => "error".to_owned(),
        _ => {
            output.warn("LOG_LEVEL is none of TRACE, DEBUG, INFO, WARN, ERROR and OFF; it is INFO");
            "info".to_owned()
        }
    }
}

/// Starts the log. `HALLPASS_LOG` goes before `-v`; without either only a server logs.
pub(crate) fn start(cli: &Cli, environment: &Environment, output: Output) {
    let is_server = matches!(cli.command, Command::Serve(_));
    let level = match (cli.global.verbose, is_server, cli.global.quiet) {
        (0, true, false) => level_of(environment.text("LOG_LEVEL"), output),
        (0, _, _) => "error".to_owned(),
        (1, _, _) => "info".to_owned(),
        (2, _, _) => "debug".to_owned(),
        (_, _, _) => "trace".to_owned(),
    };
    let wanted = environment.text("HALLPASS_LOG").map(EnvFilter::try_new);
    let filter = match wanted {
        Some(Ok(filter)) => filter,
        other => {
            if other.is_some() {
                output.warn("HALLPASS_LOG is not understood; it is ignored");
            }
            // The libraries below us are only interesting to those who name them.
            EnvFilter::new(format!(
                "warn,hallpass={level},hallpass_client={level},hallpass_server={level}"
            ))
        }
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(output.style.color)
        .with_target(false)
        .compact();
    if log.try_init().is_err() {
        output.warn("the log cannot be started");
    }
}
