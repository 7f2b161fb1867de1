//! The flags. They are those of `hallpass login`, `logout`, `whoami` and `token`, as far as a program whose
//! server is known needs them.

use clap::{Args, Subcommand, ValueEnum};

use super::sign_in_args::SignInArgs;
use super::token_args::TokenArgs;
use crate::flow::Way;

/// `auth`, to be a subcommand of a program.
#[derive(Clone, Debug, Args)]
#[group(skip)]
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
#[group(skip)]
pub struct LoginArgs {
    /// How to sign in
    #[arg(long, value_name = "FLOW", conflicts_with_all = ["browser", "device"])]
    pub flow: Option<LoginFlow>,
    /// Ask for this scope too; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,
    /// The flags that `hallpass login` has too
    #[command(flatten)]
    pub sign_in: SignInArgs,
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
#[group(skip)]
pub struct LogoutArgs {
    /// Forget the session without telling the server
    #[arg(long)]
    pub local: bool,
    /// Also sign out of the server's own pages, in the browser
    #[arg(long, conflicts_with = "local")]
    pub browser: bool,
}

/// `auth status`.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct StatusArgs {
    /// Use no network
    #[arg(long)]
    pub offline: bool,
}

impl LoginArgs {
    /// The flow that was asked for by name.
    pub(super) fn way(&self) -> Option<Way> {
        match self.flow {
            Some(LoginFlow::Browser) => Some(Way::Browser),
            Some(LoginFlow::Device) => Some(Way::Device),
            Some(LoginFlow::Paste) => Some(Way::Paste),
            Some(LoginFlow::Auto) => None,
            None => self.sign_in.way(),
        }
    }
}
