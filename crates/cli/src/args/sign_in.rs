//! The flags of `login` and `logout`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hallpass_client::clap::SignInArgs;

use super::server::{ProfileArg, ServerArgs};

/// `hallpass login`.
#[derive(Debug, Args)]
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
    #[command(flatten)]
    pub(crate) sign_in: SignInArgs,
    /// Show this token to a server that registers programs only with one (RFC 7591 section 3)
    #[arg(long, value_name = "FILE")]
    pub(crate) initial_access_token_file: Option<PathBuf>,
}

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
    #[command(flatten)]
    pub(crate) sign_out: hallpass_client::clap::LogoutArgs,
    /// Also end my other sessions, where the server offers it
    #[arg(long, conflicts_with = "local")]
    pub(crate) everywhere: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn programs_with_auth_login_have_the_same_flags_but_for_the_server() {
        let ours = LoginArgs::augment_args(clap::Command::new("login"));
        let theirs = hallpass_client::clap::LoginArgs::augment_args(clap::Command::new("login"));
        let names = |command: &clap::Command| -> BTreeSet<String> {
            let flags = command.get_arguments().filter_map(clap::Arg::get_long);
            flags.map(str::to_owned).collect()
        };
        let flow = |command: &clap::Command| {
            let mut flags = command.get_arguments();
            says(flags.find(|it| it.get_long() == Some("flow")).unwrap())
        };
        assert_eq!(flow(&ours), flow(&theirs));
        let server = ServerArgs::augment_args(clap::Command::new("server"));
        let mut here = names(&server);
        // One adds scopes to those of the program, the other replaces those of the profile.
        here.extend(["initial-access-token-file", "resource"].map(str::to_owned));
        assert_eq!(&names(&ours) - &names(&theirs), here);
        assert_eq!(&names(&theirs) - &names(&ours), BTreeSet::new());
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
}
