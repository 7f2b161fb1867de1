//! The command line: the commands, and what every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::credential::{CredentialCommand, SetupCommand};
use super::profile::{DoctorArgs, ProfileCommand};
use super::serve::{DemoArgs, ServeArgs};
use super::server::ProfileArg;
use super::sign_in::{LoginArgs, LogoutArgs};
use super::tokens::{ExchangeArgs, JwtCommand, RequestArgs, TokenArgs, WhoamiArgs};
use crate::duration;

/// Sign-in for command-line programs: tokens from any OAuth 2 / OpenID Connect server, and a server
/// to try it with.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, disable_help_subcommand = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Start with `hallpass demo`. Exit codes: `hallpass help exit-codes`.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct GlobalArgs {
    /// The profile to use (one server and client id)
    #[arg(short, long = "profile", global = true, value_name = "NAME")]
    pub(crate) profile_flag: Option<String>,
    /// How to write the answer
    #[arg(short, long, global = true, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// Short for `--output json`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say less
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; repeat for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use color
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Never ask a person
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// The configuration file to read
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where sessions are kept: auto, keyring, sealed, file, memory or exec:COMMAND
    #[arg(long, global = true, value_name = "STORE")]
    pub(crate) store: Option<String>,
    /// Also trust the certificates of this PEM file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Reach servers through this proxy (default: `HTTPS_PROXY`, where a password is better kept)
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// How long the command may take
    #[arg(long, global = true, value_name = "SPAN", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
    /// Write what goes over the wire to this file, secrets shortened
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// When to use color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in, by browser or with a code
    Login(Box<LoginArgs>),
    /// Print a fresh access token
    Token(TokenArgs),
    /// Send one request with the token attached, and print the answer
    Request(RequestArgs),
    /// Say who is signed in
    Whoami(WhoamiArgs),
    /// Print what the server says about the user
    Userinfo(ProfileArg),
    /// Revoke the tokens and forget the session
    Logout(LogoutArgs),
    /// Exchange a token for one of another service (RFC 8693)
    Exchange(ExchangeArgs),
    /// List, show and change profiles
    Profile {
        /// What to do
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// Let another program use the tokens of a profile: git, kubectl, docker or Bazel
    Setup {
        /// The program
        #[command(subcommand)]
        command: SetupCommand,
    },
    /// Answer another program in its own protocol; `setup` tells it to ask
    Credential {
        /// Who asks
        #[command(subcommand)]
        command: CredentialCommand,
    },
    /// Check everything that a sign-in needs, and say what to do
    Doctor(DoctorArgs),
    /// Look into a JSON Web Token
    Jwt {
        /// What to do with the token
        #[command(subcommand)]
        command: JwtCommand,
    },
    /// Run an authorization server
    Serve(ServeArgs),
    /// Administer a server: keys, tables, backups, settings
    Admin(Box<super::AdminArgs>),
    /// See two real sign-ins, explained step by step
    Demo(DemoArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write man pages into a folder
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Explain a command, or `exit-codes`
    Help {
        /// A command, or `exit-codes`
        topic: Vec<String>,
    },
}

/// A shell that can complete commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bash
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
    /// `PowerShell`
    #[value(alias = "powershell")]
    Pwsh,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
