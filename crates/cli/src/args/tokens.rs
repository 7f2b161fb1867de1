//! The flags of the commands about tokens and who they belong to.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use hallpass_client::clap::{StatusArgs, parse_method};

use super::server::{ProfileArg, ServerArgs};

/// `hallpass token`.
#[derive(Debug, Default, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    #[command(flatten)]
    pub(crate) print: hallpass_client::clap::TokenArgs,
    /// The address that the token is for: chooses the profile, and must be one of its own
    #[arg(long = "for", value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Which token
    #[arg(long = "type", value_name = "TYPE", default_value = "access")]
    pub(crate) token_type: TokenChoice,
}

/// Which token to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenChoice {
    /// For APIs
    #[default]
    Access,
    /// For who wants to know the user
    Id,
    /// No token: the proof for one request that carries a bound one (RFC 9449)
    DpopProof,
}

/// `hallpass whoami`.
#[derive(Debug, Args)]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    /// Every profile and session
    #[arg(long, conflicts_with_all = ["profile", "userinfo"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) status: StatusArgs,
    /// Ask the server about the user
    #[arg(long, conflicts_with = "offline")]
    pub(crate) userinfo: bool,
}

/// `hallpass exchange`.
#[derive(Debug, Args)]
pub(crate) struct ExchangeArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// The name of the service that the new token is for; may be repeated
    #[arg(long, value_name = "NAME", required_unless_present = "resource")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) audience: Vec<String>,
    /// The address of the service that the new token is for; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Vec<String>,
    /// Ask for this scope only; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// Exchange this token instead of the session's; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) subject_token_file: Option<PathBuf>,
}

/// `hallpass jwt`.
#[derive(Debug, Subcommand)]
pub(crate) enum JwtCommand {
    /// Print header and claims of a token from standard input; nothing is verified
    Decode {
        /// `-`: standard input, the only place where a token is read from
        source: Option<String>,
    },
}

/// `hallpass request`.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// The method, such as GET
    #[arg(value_name = "METHOD", value_parser = parse_method)]
    pub(crate) method: String,
    /// The address: it chooses the profile, and must be at one of its resources
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Add this header; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// Send this: text, `@FILE`, or `-` for standard input
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
}
