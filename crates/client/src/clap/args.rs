//! The flags. They are those of `hallpass login`, `logout`, `whoami` and `token`, as far as a program whose
//! server is known needs them.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::values::{parse_ports, parse_span};
use crate::dpop::DpopMode;

/// `auth`, to be a subcommand of a program.
#[derive(Clone, Debug, Args)]
pub struct AuthArgs {
    /// Write the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: AuthCommand,
}

/// What to do with the session.
#[derive(Clone, Debug, Subcommand)]
pub enum AuthCommand {
    /// Sign in, by browser or with a code
    Login(LoginArgs),
    /// Revoke the tokens and forget the session
    Logout(LogoutArgs),
    /// Say who is signed in
    Status(StatusArgs),
    /// Print a fresh access token
    Token(TokenArgs),
}

/// `auth login`.
#[derive(Clone, Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct LoginArgs {
    /// How to sign in
    #[arg(long, value_name = "FLOW", conflicts_with_all = ["browser", "device"])]
    pub flow: Option<LoginFlow>,
    /// Short for `--flow browser`
    #[arg(long, conflicts_with = "device")]
    pub browser: bool,
    /// Short for `--flow device`
    #[arg(long)]
    pub device: bool,
    /// Show the address, start no browser; the address of the answer can be pasted
    #[arg(long)]
    pub no_browser: bool,
    /// Ports to await the browser on: `8400`, `8400,8401` or `8400-8410`
    #[arg(long, value_name = "PORTS")]
    pub callback_port: Option<String>,
    /// The name of this machine in the address of the answer
    #[arg(long, value_name = "HOST", value_parser = ["127.0.0.1", "localhost"])]
    pub callback_host: Option<String>,
    /// Tell the server who probably signs in
    #[arg(long, value_name = "NAME")]
    pub login_hint: Option<String>,
    /// Ask the server for a page
    #[arg(long, value_name = "PAGE", value_parser = ["login", "consent", "select_account"])]
    pub prompt: Option<String>,
    /// How long to wait for the person (default: 5m for a browser, as long as a device code lives)
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub timeout: Option<Duration>,
    /// Ask for this kind of sign-in (OIDC `acr`); may be repeated, the best first
    #[arg(long, value_name = "VALUE")]
    pub acr: Vec<String>,
    /// Ask for a sign-in that is not older than this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub max_age: Option<u64>,
    /// Bind the tokens to a key of this machine, or do not sign in (RFC 9449; default: where the server
    /// offers it)
    #[arg(long, conflicts_with = "no_dpop")]
    pub dpop: bool,
    /// Ask for tokens that are not bound to a key
    #[arg(long)]
    pub no_dpop: bool,
    /// Keep the session also when somebody else signs in than before
    #[arg(long)]
    pub switch_account: bool,
    /// Sign in again although a session is there
    #[arg(long)]
    pub force: bool,
}

/// How a person signs in, as `--flow` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoginFlow {
    /// What fits the surroundings
    Auto,
    /// A browser on this machine (RFC 8252)
    Browser,
    /// A code for another device (RFC 8628)
    Device,
    /// A browser anywhere, whose answer is pasted here
    Paste,
}

/// `auth logout`.
#[derive(Clone, Debug, Default, Args)]
pub struct LogoutArgs {
    /// Forget the session without telling the server
    #[arg(long)]
    pub local: bool,
}

/// `auth status`.
#[derive(Clone, Debug, Default, Args)]
pub struct StatusArgs {
    /// Use no network
    #[arg(long)]
    pub offline: bool,
}

/// `auth token`.
#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    /// Print the whole header line, for curl's `-H @-`
    #[arg(long, conflicts_with = "json")]
    pub header: bool,
    /// The address of the request that the header is for: a bound token (DPoP) then comes with its proof
    #[arg(long, value_name = "URL", requires = "header")]
    pub url: Option<String>,
    /// The method of that request
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "url")]
    pub method: String,
    /// Print a token that is bound to this machine's key (DPoP) without its proof
    #[arg(long)]
    pub allow_bound: bool,
    /// Refresh whatever the token's age
    #[arg(long)]
    pub refresh: bool,
    /// The token must stay good at least this long
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub min_validity: Option<Duration>,
}

impl LoginArgs {
    /// Whether the tokens are to be bound; `None` leaves it to the program.
    pub(super) fn dpop(&self) -> Option<DpopMode> {
        match (self.dpop, self.no_dpop) {
            (true, _) => Some(DpopMode::Required),
            (_, true) => Some(DpopMode::Off),
            _ => None,
        }
    }

    /// The ports of `--callback-port`.
    pub(super) fn ports(&self) -> Result<Vec<u16>, String> {
        self.callback_port
            .as_deref()
            .map_or_else(|| Ok(Vec::new()), parse_ports)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        login: LoginArgs,
    }

    fn read(words: &[&str]) -> Option<LoginArgs> {
        let words = std::iter::once(&"acme").chain(words);
        Program::try_parse_from(words).ok().map(|it| it.login)
    }

    #[test]
    fn a_program_decides_about_bound_tokens_unless_the_person_does() {
        for (words, mode) in [
            (&[][..], None),
            (&["--dpop"], Some(DpopMode::Required)),
            (&["--no-dpop"], Some(DpopMode::Off)),
        ] {
            assert_eq!(read(words).unwrap().dpop(), mode, "{words:?}");
        }
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        for words in [
            &["--dpop", "--no-dpop"][..],
            &["--browser", "--device"],
            &["--flow", "paste", "--device"],
            &["--flow", "client-credentials"],
            &["--callback-host", "evil.test"],
            &["--max-age", "-1"],
        ] {
            assert!(read(words).is_none(), "{words:?}");
        }
    }
}
