//! The flags of `profile` and `doctor`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::Ports;
use super::server::{ProfileArg, ServerArgs};
use super::sign_in::Flow;

/// `hallpass profile`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// List the profiles
    List,
    /// Print what holds for a profile
    Show {
        #[command(flatten)]
        profile: ProfileArg,
        /// Also say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Remember a profile, without signing in
    Add(Box<ProfileAddArgs>),
    /// Forget a profile
    Remove {
        /// The profile
        #[arg(value_name = "PROFILE")]
        name: String,
    },
    /// Choose the profile of commands that name none
    Default {
        /// The profile
        #[arg(value_name = "PROFILE")]
        name: String,
    },
    /// Take profiles from another program's settings
    Import(ProfileImportArgs),
    /// Trust the `.hallpass.toml` of a folder as it is now
    Trust {
        /// The folder (default: this one)
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// Trust it no longer
        #[arg(long)]
        undo: bool,
    },
}

/// `hallpass profile add`.
#[derive(Debug, Args)]
pub(crate) struct ProfileAddArgs {
    /// The name of the new profile
    #[arg(value_name = "PROFILE")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Ask for this scope; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// An API that the tokens are for; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Vec<String>,
    /// An API that the tokens are for, by the name that the server has for it; may be repeated
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) audience: Vec<String>,
    /// How to sign in
    #[arg(long, value_name = "FLOW")]
    pub(crate) flow: Option<Flow>,
    /// Ports to await the browser on: `8400`, `8400,8401` or `8400-8410`
    #[arg(long, value_name = "PORTS")]
    pub(crate) callback_port: Option<Ports>,
    /// Never let a file in a folder choose this profile
    #[arg(long)]
    pub(crate) explicit: bool,
    /// Replace a profile of this name
    #[arg(long)]
    pub(crate) force: bool,
}

/// `hallpass profile import`.
#[derive(Debug, Args)]
pub(crate) struct ProfileImportArgs {
    /// A `config.toml`, a `client_secret_*.json`, or `kubectl config view -o json`; `-` reads standard
    /// input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The name of the profile, where the file has none
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The server, where the file does not name it
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Also take the client secret, into a file that only this user reads
    #[arg(long)]
    pub(crate) with_secret: bool,
    /// Also take settings that make programs run
    #[arg(long)]
    pub(crate) allow_commands: bool,
    /// Replace profiles of the same name
    #[arg(long)]
    pub(crate) force: bool,
}

/// `hallpass doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    /// Write what was found to this file, without anything secret
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Mend permissions that are too wide
    #[arg(long)]
    pub(crate) fix: bool,
}
