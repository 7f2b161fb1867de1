//! From the command line to an exit code: read, dispatch, report.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Args as _, CommandFactory as _, FromArgMatches as _, Subcommand as _};

use crate::args::{Cli, Command, CredentialCommand, Format, GlobalArgs, TokenArgs};
use crate::commands::{self, Context};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::{credential_helpers, exit_code, logging, runtime};

/// Runs the command that the process was started with.
pub(crate) fn run() -> u8 {
    let environment = Environment::read();
    let words = credential_helpers::called_as(std::env::args_os().collect());
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
    let alone = read_token(words).or_else(|| read_credential(words));
    alone.map_or_else(|| read_any(words), Ok)
}

/// Reads the words of any command.
fn read_any(words: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let mut matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Reads `hallpass token …`, which other programs call before each of their requests, without the
/// parser of every other command: that one takes as long as the rest of it. It is the same grammar with
/// fewer words. What it does not understand goes to the whole parser, which knows how to say so.
fn read_token(words: &[OsString]) -> Option<Cli> {
    const NAME: &str = "token";
    // Without a flag there is nothing to parse.
    if let [_, only] = words
        && only == NAME
    {
        return Some(Cli {
            global: GlobalArgs::default(),
            command: Command::Token(TokenArgs::default()),
        });
    }
    // Elsewhere it may be the value of a flag, and the word that counts one that is not known here.
    if !words.iter().any(|word| word == NAME) {
        return None;
    }
    let token = TokenArgs::augment_args(clap::Command::new(NAME));
    let mut of_token = read_alone(words, token)?;
    let args = TokenArgs::from_arg_matches_mut(&mut of_token).ok()?;
    let global = GlobalArgs::from_arg_matches_mut(&mut of_token).ok()?;
    Some(Cli {
        global,
        command: Command::Token(args),
    })
}

/// The same for `hallpass credential …`, which other programs call as often.
fn read_credential(words: &[OsString]) -> Option<Cli> {
    const NAME: &str = "credential";
    if words.get(1)? != NAME {
        return None;
    }
    let credential = CredentialCommand::augment_subcommands(clap::Command::new(NAME));
    let mut of_credential = read_alone(words, credential)?;
    let command = CredentialCommand::from_arg_matches_mut(&mut of_credential).ok()?;
    let global = GlobalArgs::from_arg_matches_mut(&mut of_credential).ok()?;
    Some(Cli {
        global,
        command: Command::Credential { command },
    })
}

/// What the words say to one command, as if there were no other.
fn read_alone(words: &[OsString], command: clap::Command) -> Option<ArgMatches> {
    let command = GlobalArgs::augment_args(clap::Command::new("hallpass")).subcommand(command);
    let mut matches = command.try_get_matches_from(words).ok()?;
    matches.remove_subcommand().map(|(_, matches)| matches)
}

fn dispatch(command: Command, context: &Context) -> Result<u8, Failure> {
    match command {
        Command::Login(args) => apart(|| commands::login::run(&args, context)),
        Command::Token(args) => apart(|| commands::token::run(&args, context)),
        Command::Request(args) => apart(|| commands::request::run(&args, context)),
        Command::Whoami(args) => apart(|| commands::whoami::run(&args, context)),
        Command::Userinfo(args) => apart(|| commands::userinfo::run(&args, context)),
        Command::Logout(args) => apart(|| commands::logout::run(&args, context)),
        Command::Exchange(args) => apart(|| commands::exchange::run(&args, context)),
        Command::Profile { command } => apart(|| commands::profile::run(&command, context)),
        Command::Setup { command } => apart(|| commands::setup::run(&command, context)),
        Command::Credential { command } => apart(|| commands::credential::run(&command, context)),
        Command::Doctor(args) => apart(|| commands::doctor::run(&args, context)),
        Command::Man { folder } => apart(|| commands::man::run(&folder)),
        Command::Jwt { command } => apart(|| commands::jwt::run(&command, context)),
        Command::Serve(args) => apart(|| commands::serve::run(&args, context)),
        Command::Admin(args) => apart(|| commands::admin::run(&args, context)),
        Command::Demo(args) => apart(|| commands::demo::run(&args, context)),
        Command::Completions { shell } => apart(|| commands::completions::run(shell)),
        Command::Help { topic } => apart(|| commands::help::run(&topic, context)),
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

/// Gives each command a frame of its own. Some hold a whole sign-in or a server: the stack of all of them
/// together is more than one that prints a token should touch.
#[inline(never)]
fn apart(command: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    command()
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
        output: Some(if wants_json || is_variable {
            Format::Json
        } else {
            Format::Text
        }),
        ..GlobalArgs::default()
    };
    Output::new(&global, environment).ok()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn words(text: &[&str]) -> Vec<OsString> {
        let all = std::iter::once(&"hallpass").chain(text);
        all.map(OsString::from).collect()
    }

    /// Each flag, written as a person would.
    fn written(flag: &Arg) -> Vec<String> {
        let name = format!("--{}", flag.get_long().unwrap());
        if !matches!(flag.get_action(), ArgAction::Set | ArgAction::Append) {
            return vec![name];
        }
        let possible = flag.get_possible_values();
        let possible = possible.iter().map(|value| value.get_name().to_owned());
        let values = possible.chain(["work", "5m", "https://api.test/me"].map(str::to_owned));
        values.map(|value| format!("{name}={value}")).collect()
    }

    #[test]
    fn credential_is_read_alone_as_the_whole_command_line_reads_it() {
        for line in [
            &["credential", "git", "get"][..],
            &["credential", "-p", "work", "docker", "list"],
            &["credential", "git", "erase", "-p", "work", "-vv"],
            &[
                "credential",
                "kubectl",
                "--token-type",
                "access",
                "--no-input",
            ],
            &["credential", "bazel", "get", "--json"],
        ] {
            let whole = format!("{:?}", read_any(&words(line)).unwrap());
            let alone = read_credential(&words(line)).map(|cli| format!("{cli:?}"));
            assert_eq!(alone, Some(whole), "{line:?}");
        }
        for line in [
            &["credential"][..],
            &["credential", "git"],
            &["credential", "svn", "get"],
            &["credential", "--help"],
            &["token"],
            &[],
        ] {
            assert!(read_credential(&words(line)).is_none(), "{line:?}");
        }
    }

    #[test]
    fn token_is_read_alone_as_the_whole_command_line_reads_it() {
        let whole = read_any(&words(&["token"])).unwrap();
        let alone = read_token(&words(&["token"])).unwrap();
        assert_eq!(format!("{alone:?}"), format!("{whole:?}"));
        let flags = TokenArgs::augment_args(clap::Command::new("token"));
        let flags = GlobalArgs::augment_args(flags);
        let mut understood = 0;
        for flag in flags.get_arguments().filter(|it| !it.is_positional()) {
            let before = understood;
            for flag in written(flag) {
                for line in [
                    &["token", &*flag][..],
                    &[&*flag, "token", "work"],
                    &["token", "work", &*flag, "--url", "https://api.test"],
                    &["-p", "token", "token", &*flag],
                ] {
                    let Ok(whole) = read_any(&words(line)) else {
                        assert!(read_token(&words(line)).is_none(), "{line:?}");
                        continue;
                    };
                    let alone = read_token(&words(line)).map(|cli| format!("{cli:?}"));
                    assert_eq!(alone, Some(format!("{whole:?}")), "{line:?}");
                    understood += 1;
                }
            }
            assert!(understood > before, "{flag:?} is not understood anywhere");
        }
    }

    #[test]
    fn what_is_not_token_is_left_to_the_whole_parser() {
        for line in [
            &["whoami"][..],
            &["-p", "token", "whoami"],
            &["whoami", "token"],
            &["help", "token"],
            &["token", "--help"],
            &["token", "--nonsense"],
            &["token", "a", "b"],
            &["--version", "token"],
            &["tokens"],
            &[],
        ] {
            assert!(read_token(&words(line)).is_none(), "{line:?}");
        }
    }
}
