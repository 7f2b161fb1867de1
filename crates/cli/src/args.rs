//! The command line: every command and flag, described once.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::args_admin::AdminArgs;
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
#[derive(Debug, Args)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
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
    Admin(Box<AdminArgs>),
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

/// Whose session.
#[derive(Debug, Args)]
pub(crate) struct ProfileArg {
    /// The profile (default: the first one that signed in)
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
}

/// Which server, as which client.
#[derive(Debug, Default, Args)]
pub(crate) struct ServerArgs {
    /// The server, exactly as it names itself
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The client id that the server knows
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Read the client secret from this file
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_stdin")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Read the client secret from standard input
    #[arg(long)]
    pub(crate) client_secret_stdin: bool,
    /// Read the client secret from this variable
    #[arg(long, value_name = "NAME", conflicts_with_all = ["client_secret_file", "client_secret_stdin"])]
    pub(crate) client_secret_env: Option<String>,
    /// Read the client secret from what this command prints; no shell sees it
    #[arg(long, value_name = "COMMAND",
          conflicts_with_all = ["client_secret_file", "client_secret_stdin", "client_secret_env"])]
    pub(crate) client_secret_cmd: Option<String>,
}

/// `hallpass login`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Ask for this scope; may be repeated (default: sign-in, name, lasting session)
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// The API that the tokens are for; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Vec<String>,
    /// How to sign in
    #[arg(long, value_name = "FLOW", conflicts_with_all = ["browser", "device"])]
    pub(crate) flow: Option<Flow>,
    /// Short for `--flow browser`
    #[arg(long, conflicts_with = "device")]
    pub(crate) browser: bool,
    /// Short for `--flow device`
    #[arg(long)]
    pub(crate) device: bool,
    /// Show the address, start no browser; the address of the answer can be pasted
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Show a QR code where it fits (default)
    #[arg(long, overrides_with = "no_qr")]
    pub(crate) qr: bool,
    /// Show no QR code
    #[arg(long)]
    pub(crate) no_qr: bool,
    /// Ports to await the browser on: `8400`, `8400,8401` or `8400-8410`
    #[arg(long, value_name = "PORTS", value_parser = parse_ports)]
    pub(crate) callback_port: Option<Ports>,
    /// The name of this machine in the address of the answer
    #[arg(long, value_name = "HOST", value_parser = ["127.0.0.1", "localhost"])]
    pub(crate) callback_host: Option<String>,
    /// Tell the server who probably signs in
    #[arg(long, value_name = "NAME")]
    pub(crate) login_hint: Option<String>,
    /// Ask the server for a page
    #[arg(long, value_name = "PAGE", value_parser = ["login", "consent", "select_account"])]
    pub(crate) prompt: Option<String>,
    /// How long to wait for the person (default: 5m for a browser, as long as a device code lives)
    #[arg(long, value_name = "SPAN", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
    /// Tell a program what happens, as lines of JSON on standard output
    #[arg(long)]
    pub(crate) events: bool,
    /// Keep the session also when somebody else signs in than before
    #[arg(long)]
    pub(crate) switch_account: bool,
    /// Sign in again although a session is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Say which flow is used, and which rule chose it
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Ports to try, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ports(pub(crate) Vec<u16>);

/// How to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Flow {
    /// What fits the surroundings
    Auto,
    /// A browser on this machine (RFC 8252)
    Browser,
    /// A code for another device (RFC 8628)
    Device,
    /// A browser anywhere, whose answer is pasted here
    Paste,
    /// As the program itself (RFC 6749 §4.4)
    ClientCredentials,
}

/// `hallpass token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    /// Print the whole header line, for curl's `-H @-`
    #[arg(long)]
    pub(crate) header: bool,
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

/// `hallpass logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    /// Every profile and session
    #[arg(long, conflicts_with = "profile")]
    pub(crate) all: bool,
    /// Forget the session without telling the server
    #[arg(long)]
    pub(crate) local: bool,
    /// Also end my other sessions, where the server offers it
    #[arg(long, conflicts_with = "local")]
    pub(crate) everywhere: bool,
}

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
    /// How the client proves who it is
    #[arg(long, value_name = "METHOD",
          value_parser = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"])]
    pub(crate) auth_method: Option<String>,
    /// Ask for this scope; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// An API that the tokens are for; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Vec<String>,
    /// How to sign in
    #[arg(long, value_name = "FLOW")]
    pub(crate) flow: Option<Flow>,
    /// Ports to await the browser on: `8400`, `8400,8401` or `8400-8410`
    #[arg(long, value_name = "PORTS", value_parser = parse_ports)]
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

/// `hallpass serve`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct ServeArgs {
    /// The mode for development and tests: any name signs in, nothing is kept
    #[arg(long)]
    pub(crate) dev: bool,
    /// The address to listen on (default: loopback only)
    #[arg(long, value_name = "HOST", requires = "dev")]
    pub(crate) host: Option<String>,
    /// The port to listen on; 0 takes any free one (default: 8080)
    #[arg(long, value_name = "PORT", requires = "dev")]
    pub(crate) port: Option<u16>,
    /// Clients must be configured, unknown keys are errors
    #[arg(long, requires = "dev")]
    pub(crate) strict: bool,
    /// Also serve public addresses in dev mode
    #[arg(long, requires = "dev")]
    pub(crate) dev_public: bool,
    /// Let other machines use the control API of dev mode too
    #[arg(long, requires = "dev")]
    pub(crate) dev_control_public: bool,
    /// The address by which clients know the server
    #[arg(long, value_name = "URL", requires = "dev")]
    pub(crate) issuer_url: Option<String>,
    /// The database, in place of the settings' own; dev mode keeps everything in memory and refuses it
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

/// `hallpass demo`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct DemoArgs {
    /// Only the flow for a machine with a browser
    #[arg(long, conflicts_with_all = ["device", "all"])]
    pub(crate) browser: bool,
    /// Only the flow for a machine without a browser
    #[arg(long, conflicts_with = "all")]
    pub(crate) device: bool,
    /// Both flows (default)
    #[arg(long)]
    pub(crate) all: bool,
    /// Let the demo play the person too
    #[arg(short, long)]
    pub(crate) yes: bool,
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

/// Reads `N[,N|N-M]...`.
pub(crate) fn parse_ports(text: &str) -> Result<Ports, String> {
    let number = |text: &str| text.trim().parse::<u16>().ok();
    let mut ports = Vec::new();
    for piece in text.split(',') {
        let range = match piece.split_once('-') {
            Some((first, last)) => number(first).zip(number(last)),
            None => number(piece).map(|port| (port, port)),
        };
        let (first, last) = range
            .filter(|(first, last)| first <= last)
            .ok_or_else(|| "write it as 8400, 8400,8401 or 8400-8410".to_owned())?;
        ports.extend(first..=last);
        if ports.len() > MOST_PORTS {
            return Err(format!("at most {MOST_PORTS} ports"));
        }
    }
    Ok(Ports(ports))
}

/// More ports than this are a mistake.
const MOST_PORTS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ports_are_single_listed_or_a_range() {
        for (text, ports) in [
            ("0", vec![0]),
            ("8400,8405", vec![8400, 8405]),
            ("8400-8402", vec![8400, 8401, 8402]),
        ] {
            assert_eq!(parse_ports(text), Ok(Ports(ports)), "{text}");
        }
        for bad in ["", "x", "8402-8400", "1-65535", "70000", "1,,2"] {
            assert!(parse_ports(bad).is_err(), "{bad}");
        }
    }
}
