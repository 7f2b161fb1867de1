//! The flags of `login` and `logout`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::server::{ProfileArg, ServerArgs};
use crate::duration;

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
    /// Ask for this kind of sign-in (OIDC `acr`); may be repeated, the best first
    #[arg(long, value_name = "VALUE")]
    pub(crate) acr: Vec<String>,
    /// Ask for a sign-in that is not older than this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_age: Option<u64>,
    /// Bind the tokens to a key of this machine, or do not sign in (RFC 9449; default: where the server
    /// offers it)
    #[arg(long, conflicts_with = "no_dpop")]
    pub(crate) dpop: bool,
    /// Ask for tokens that are not bound to a key
    #[arg(long)]
    pub(crate) no_dpop: bool,
    /// Tell a program what happens, as lines of JSON on standard output
    #[arg(long)]
    pub(crate) events: bool,
    /// Keep the session also when somebody else signs in than before
    #[arg(long)]
    pub(crate) switch_account: bool,
    /// Sign in again although a session is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Show this token to a server that registers programs only with one (RFC 7591 section 3)
    #[arg(long, value_name = "FILE")]
    pub(crate) initial_access_token_file: Option<PathBuf>,
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

/// Reads `N[,N|N-M]...`.
pub(crate) fn parse_ports(text: &str) -> Result<Ports, String> {
    hallpass_client::clap::parse_ports(text).map(Ports)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What a program of one server cannot need, and what its `auth login` does not have yet.
    const ONLY_HERE: [&str; 17] = [
        // Which server, and as which client: the program knows.
        "auth-method",
        "client-id",
        "client-secret-cmd",
        "client-secret-env",
        "client-secret-file",
        "client-secret-stdin",
        "initial-access-token-file",
        "issuer",
        "private-key-file",
        "private-key-id",
        "provider",
        "resource",
        "scope",
        // Not there yet.
        "events",
        "explain",
        "no-qr",
        "qr",
    ];

    #[test]
    fn programs_with_auth_login_have_the_same_flags() {
        let ours = LoginArgs::augment_args(clap::Command::new("login"));
        let theirs = hallpass_client::clap::LoginArgs::augment_args(clap::Command::new("login"));
        let find = |command: &clap::Command, name: &str| {
            let mut found = command.get_arguments();
            found.find(|it| it.get_long() == Some(name)).cloned()
        };
        for flag in theirs.get_arguments() {
            let name = flag.get_long().unwrap();
            let own = find(&ours, name).unwrap_or_else(|| panic!("hallpass has no --{name}"));
            assert_eq!(says(&own), says(flag), "--{name}");
        }
        let ours = ours.get_arguments().filter_map(clap::Arg::get_long);
        let missing: BTreeSet<_> = ours.filter(|flag| find(&theirs, flag).is_none()).collect();
        assert_eq!(missing, BTreeSet::from(ONLY_HERE));
    }

    /// The help, the name of the value, and what it may be; a program's client credentials are no sign-in.
    fn says(flag: &clap::Arg) -> (String, Vec<String>, Vec<String>) {
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        let names = flag.get_value_names().unwrap_or_default();
        let values = flag.get_possible_values();
        let values = values.iter().map(|value| value.get_name().to_owned());
        (
            help,
            names.iter().map(ToString::to_string).collect(),
            values.filter(|it| it != "client-credentials").collect(),
        )
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
