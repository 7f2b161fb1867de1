//! From the command line to an exit code: read, dispatch, report.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as _, CommandFactory as _, FromArgMatches as _};

use crate::args::{Cli, Color, Command, Format, GlobalArgs, TokenArgs};
use crate::commands::{self, Context};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::{exit_code, logging, runtime};

/// Runs the command that the process was started with.
pub(crate) fn run() -> u8 {
    let environment = Environment::read();
    let words: Vec<OsString> = std::env::args_os().collect();
    // Not an argument of the parser's: it would be offered by completions.
    if words.iter().any(is_secret) {
        let failure =
            Failure::usage("--client-secret is not accepted on the command line (visible in ps)")
                .hint_to("--client-secret-file, --client-secret-stdin");
        return report(&failure, fallback(&words, &environment));
    }
    let cli = match read(&words) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, &words, &environment),
    };
    let output = match Output::new(&cli.global, &environment) {
        Ok(output) => output,
        Err(failure) => return report(&failure, fallback(&words, &environment)),
    };
    logging::start(&cli, &environment, output);
    runtime::limit(cli.global.timeout);
    let context = Context {
        environment,
        output,
        global: cli.global,
    };
    match dispatch(cli.command, &context) {
        Ok(code) => code,
        Err(failure) => report(&failure, Some(context.output)),
    }
}

fn is_secret(word: &OsString) -> bool {
    let word = word.to_string_lossy();
    word == "--client-secret" || word.starts_with("--client-secret=")
}

fn read(words: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(cli) = read_token(words) {
        return Ok(cli);
    }
    let mut command = Cli::command();
    let mut matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Reads `hallpass token …`, which other programs call before each of their requests, without the
/// parser of every other command: that one takes a third of the time. What is not understood goes to
/// the whole parser, which knows how to say so.
fn read_token(words: &[OsString]) -> Option<Cli> {
    const NAME: &str = "token";
    if words.get(1)? != NAME {
        return None;
    }
    let token = TokenArgs::augment_args(clap::Command::new(NAME));
    let command = GlobalArgs::augment_args(clap::Command::new("hallpass")).subcommand(token);
    let mut matches = command.try_get_matches_from(words).ok()?;
    let (_, mut of_token) = matches.remove_subcommand()?;
    let args = TokenArgs::from_arg_matches_mut(&mut of_token).ok()?;
    let global = GlobalArgs::from_arg_matches_mut(&mut of_token).ok()?;
    Some(Cli {
        global,
        command: Command::Token(args),
    })
}

fn dispatch(command: Command, context: &Context) -> Result<u8, Failure> {
    match command {
        Command::Login(args) => commands::login::run(&args, context),
        Command::Token(args) => commands::token::run(&args, context),
        Command::Request(args) => commands::request::run(&args, context),
        Command::Whoami(args) => commands::whoami::run(&args, context),
        Command::Userinfo(args) => commands::userinfo::run(&args, context),
        Command::Logout(args) => commands::logout::run(&args, context),
        Command::Exchange(args) => commands::exchange::run(&args, context),
        Command::Profile { command } => commands::profile::run(&command, context),
        Command::Doctor(args) => commands::doctor::run(&args, context),
        Command::Man { folder } => commands::man::run(&folder),
        Command::Jwt { command } => commands::jwt::run(&command, context),
        Command::Serve(args) => commands::serve::run(&args, context),
        Command::Admin(args) => commands::admin::run(&args, context),
        Command::Demo(args) => commands::demo::run(&args, context),
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Help { topic } => commands::help::run(&topic, context),
    }
    .map(|()| 0)
    .or_else(|failure| {
        // An answer that says "nobody" is an answer: nothing is left to report.
        if failure.is_told() {
            Ok(failure.exit())
        } else {
            Err(failure)
        }
    })
}

fn report(failure: &Failure, output: Option<Output>) -> u8 {
    if let Some(output) = output {
        output.fail(failure);
    }
    failure.exit()
}

/// Help and version are answers; everything else is a usage error in our own words.
fn misread(error: &clap::Error, words: &[OsString], environment: &Environment) -> u8 {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help {
        return match error.print() {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => exit_code::OTHER,
            _ if error.use_stderr() => exit_code::USAGE,
            _ => 0,
        };
    }
    report(&usage(error), fallback(words, environment))
}

fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let message: Vec<_> = first.split_whitespace().collect();
    let message = hallpass_client::clean::text(message.join(" ").trim_end_matches('.'));
    let suggestion = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(|kind| error.get(kind))
    .and_then(|value| match value {
        ContextValue::String(word) => Some(word.clone()),
        ContextValue::Strings(words) => words.first().cloned(),
        _ => None,
    });
    let hint = match suggestion {
        Some(word) => format!("did you mean `{word}`?"),
        None => "see `hallpass --help`, or the command's own --help".to_owned(),
    };
    Failure::usage(message).hint_to(hint)
}

/// The output for words that could not be read: at least the wish for JSON is honoured.
fn fallback(words: &[OsString], environment: &Environment) -> Option<Output> {
    let word = |at: usize| {
        words
            .get(at)
            .and_then(|word| word.to_str())
            .unwrap_or_default()
    };
    let wants_json = (0..words.len()).any(|at| match word(at) {
        "--json" | "-ojson" | "-o=json" | "--output=json" => true,
        "-o" | "--output" => word(at + 1) == "json",
        _ => false,
    });
    let is_variable = environment.text("HALLPASS_OUTPUT") == Some("json");
    let global = GlobalArgs {
        profile_flag: None,
        output: Some(if wants_json || is_variable {
            Format::Json
        } else {
            Format::Text
        }),
        json: false,
        quiet: false,
        verbose: 0,
        color: Color::Auto,
        no_input: false,
        config: None,
        store: None,
        ca_bundle: None,
        proxy: None,
        timeout: None,
        trace: None,
    };
    Output::new(&global, environment).ok()
}
