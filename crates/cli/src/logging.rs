//! What `-v` shows: the log, on standard error.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

/// The crates whose words are for users.
const OURS: [&str; 3] = ["hallpass", "hallpass_client", "hallpass_server"];

use crate::args::{Cli, Command};
use crate::environment::Environment;
use crate::output::Output;

/// The level that `LOG_LEVEL` names, in the words of Java's loggers too.
fn level_of(name: Option<&str>, output: Output) -> LevelFilter {
    let name = name.unwrap_or("info").trim().to_lowercase();
    match &*name {
        "trace" | "all" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" | "" => LevelFilter::INFO,
        "warn" | "warning" => LevelFilter::WARN,
        "error" | "fatal" => LevelFilter::ERROR,
        "off" => LevelFilter::OFF,
        _ => {
            output.warn("LOG_LEVEL is none of TRACE, DEBUG, INFO, WARN, ERROR and OFF; it is INFO");
            LevelFilter::INFO
        }
    }
}

/// Starts the log. `HALLPASS_LOG` goes before `-v`; without either only a server logs.
pub(crate) fn start(cli: &Cli, environment: &Environment, output: Output) {
    let is_server = matches!(cli.command, Command::Serve(_));
    let is_wanted = cli.global.verbose > 0 || environment.text("HALLPASS_LOG").is_some();
    // Whoever asks for nothing sees no line of it, and to prepare for lines takes time.
    if matches!(cli.command, Command::Token(_)) && !is_wanted {
        return;
    }
    let level = match (cli.global.verbose, is_server, cli.global.quiet) {
        (0, true, false) => level_of(environment.text("LOG_LEVEL"), output),
        (0, _, _) => LevelFilter::ERROR,
        (1, _, _) => LevelFilter::INFO,
        (2, _, _) => LevelFilter::DEBUG,
        (_, _, _) => LevelFilter::TRACE,
    };
    let wanted = environment.text("HALLPASS_LOG").map(EnvFilter::try_new);
    let filter: Box<dyn Layer<Registry> + Send + Sync> = match wanted {
        Some(Ok(filter)) => filter.boxed(),
        other => {
            if other.is_some() {
                output.warn("HALLPASS_LOG is not understood; it is ignored");
            }
            // The libraries below us are only interesting to those who name them. Unlike a text to
            // be parsed, this costs a command that prints one token nothing.
            Targets::new()
                .with_default(LevelFilter::WARN)
                .with_targets(OURS.map(|target| (target, level)))
                .boxed()
        }
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(output.style.color)
        .with_target(false)
        .compact();
    let log = tracing_subscriber::registry().with(filter).with(lines);
    if log.try_init().is_err() {
        output.warn("the log cannot be started");
    }
}
