//! The flags of the commands about tokens and who they belong to.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::server::{ProfileArg, ServerArgs};
use crate::duration;

/// `hallpass token`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    /// Print the whole header line, for curl's `-H @-`; with `--url` also the proof of a bound token
    #[arg(long)]
    pub(crate) header: bool,
    /// Print what `curl --config -` reads: the request of `--method` and `--url` with its headers
    #[arg(long, requires = "url", conflicts_with = "header")]
    pub(crate) curl: bool,
    /// Print a token that is bound to this machine's key (DPoP) without its proof
    #[arg(long)]
    pub(crate) allow_bound: bool,
    /// The address of the request that a proof is for (RFC 9449)
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The method of that request
    #[arg(long, value_name = "METHOD", default_value = "GET", value_parser = method)]
    pub(crate) method: String,
    /// The nonce that the API asked for in `DPoP-Nonce`
    #[arg(long, value_name = "NONCE")]
    pub(crate) nonce: Option<String>,
    /// Refresh whatever the token's age
    #[arg(long)]
    pub(crate) refresh: bool,
    /// The token must stay good at least this long
    #[arg(long, value_name = "SPAN", value_parser = duration::parse)]
    pub(crate) min_validity: Option<Duration>,
    /// The address that the token is for: chooses the profile, and must be one of its own
    #[arg(long = "for", value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Which token
    #[arg(long = "type", value_name = "TYPE", default_value = "access")]
    pub(crate) token_type: TokenChoice,
}

/// Which token to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenChoice {
    /// For APIs
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
    /// Use no network
    #[arg(long, conflicts_with = "userinfo")]
    pub(crate) offline: bool,
    /// Ask the server about the user
    #[arg(long)]
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
    #[arg(value_name = "METHOD", value_parser = method)]
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

/// RFC 9110 §9.1: a token, in upper case by convention.
fn method(text: &str) -> Result<String, String> {
    let is_method = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !text.is_empty() && text.len() <= 32 && text.chars().all(is_method) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a method is a word such as GET".to_owned())
    }
}
