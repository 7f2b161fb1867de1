//! The flags of a sign-in, the same for `hallpass login` and for every `mycli auth login`.

use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::values::{Ports, parse_span};
use crate::dpop::DpopMode;
use crate::flow::Way;
use crate::sign_in::{CallbackHost, SignIn};

/// How a person signs in, what the server is asked for, and what is shown meanwhile.
///
/// A program that has commands of its own flattens it into them:
///
/// ```
/// use clap::Parser;
/// use hallpass_client::clap::SignInArgs;
///
/// #[derive(Parser)]
/// struct Login {
///     #[command(flatten)]
///     sign_in: SignInArgs,
/// }
///
/// let login = Login::parse_from(["login", "--login-hint", "ada", "--force"]);
/// let how = login.sign_in.how(login.sign_in.way());
/// # drop(how);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[group(skip)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct SignInArgs {
    /// Short for `--flow browser`
    #[arg(long, conflicts_with = "device")]
    pub browser: bool,
    /// Short for `--flow device`
    #[arg(long)]
    pub device: bool,
    /// Show the address, start no browser; the address of the answer can be pasted
    #[arg(long)]
    pub no_browser: bool,
    /// Show a QR code where it fits (default)
    #[arg(long, overrides_with = "no_qr")]
    pub qr: bool,
    /// Show no QR code
    #[arg(long)]
    pub no_qr: bool,
    /// Ports to await the browser on: `8400`, `8400,8401` or `8400-8410`
    #[arg(long, value_name = "PORTS")]
    pub callback_port: Option<Ports>,
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
    /// Ask for tokens for the API that the server knows by this name (Auth0, Hydra); may be repeated
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub audience: Vec<String>,
    /// Bind the tokens to a key of this machine, or do not sign in (RFC 9449; default: where the server
    /// offers it)
    #[arg(long, conflicts_with = "no_dpop")]
    pub dpop: bool,
    /// Ask for tokens that are not bound to a key
    #[arg(long)]
    pub no_dpop: bool,
    /// Tell a program what happens, as lines of JSON on standard output
    #[arg(long)]
    pub events: bool,
    /// Say which flow is used, and which rule chose it
    #[arg(long)]
    pub explain: bool,
    /// Keep the session also when somebody else signs in than before
    #[arg(long)]
    pub switch_account: bool,
    /// Sign in again although a session is there
    #[arg(long)]
    pub force: bool,
}

impl SignInArgs {
    /// The flow that `--browser` or `--device` asks for.
    pub fn way(&self) -> Option<Way> {
        match (self.browser, self.device) {
            (true, _) => Some(Way::Browser),
            (_, true) => Some(Way::Device),
            _ => None,
        }
    }

    /// Whether the tokens are to be bound to a key (RFC 9449); `None` leaves it to the program.
    pub fn dpop(&self) -> Option<DpopMode> {
        match (self.dpop, self.no_dpop) {
            (true, _) => Some(DpopMode::Required),
            (_, true) => Some(DpopMode::Off),
            _ => None,
        }
    }

    /// The sign-in that the flags describe, by this way; without one, by what fits the surroundings.
    pub fn how(&self, way: Option<Way>) -> SignIn {
        let mut how = match way {
            Some(Way::Browser) => SignIn::browser(),
            Some(Way::Device) => SignIn::device(),
            Some(Way::Paste) => SignIn::paste(),
            _ => SignIn::auto(),
        };
        for port in self.callback_port.iter().flat_map(|ports| &ports.0) {
            how = how.callback_port(*port);
        }
        if self.callback_host.as_deref() == Some("localhost") {
            how = how.callback_host(CallbackHost::Localhost);
        }
        for value in &self.acr {
            how = how.acr(value);
        }
        for name in &self.audience {
            how = how.audience(name);
        }
        if let Some(seconds) = self.max_age {
            how = how.max_age(Duration::from_secs(seconds));
        }
        if self.no_browser {
            how = how.no_browser();
        }
        if self.switch_account {
            how = how.switch_account();
        }
        if self.force {
            how = how.force();
        }
        if let Some(hint) = &self.login_hint {
            how = how.login_hint(hint);
        }
        if let Some(page) = &self.prompt {
            how = how.prompt(page);
        }
        if let Some(timeout) = self.timeout {
            how = how.timeout(timeout);
        }
        how
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;
    use crate::clap::LoginArgs;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        login: LoginArgs,
    }

    fn read(words: &[&str]) -> Result<LoginArgs, clap::Error> {
        let words = std::iter::once(&"acme").chain(words);
        Program::try_parse_from(words).map(|it| it.login)
    }

    #[test]
    fn a_program_decides_about_bound_tokens_unless_the_person_does() {
        for (words, mode) in [
            (&[][..], None),
            (&["--dpop"], Some(DpopMode::Required)),
            (&["--no-dpop"], Some(DpopMode::Off)),
        ] {
            assert_eq!(read(words).unwrap().sign_in.dpop(), mode, "{words:?}");
        }
    }

    #[test]
    fn a_flow_has_a_long_name_and_sometimes_a_short_one() {
        for (words, way) in [
            (&[][..], None),
            (&["--flow", "auto"], None),
            (&["--browser"], Some(Way::Browser)),
            (&["--flow", "browser"], Some(Way::Browser)),
            (&["--device"], Some(Way::Device)),
            (&["--flow", "device"], Some(Way::Device)),
            (&["--flow", "paste"], Some(Way::Paste)),
        ] {
            assert_eq!(read(words).unwrap().way(), way, "{words:?}");
        }
    }

    #[test]
    fn the_last_word_about_qr_codes_counts() {
        for (words, is_off) in [
            (&[][..], false),
            (&["--no-qr"], true),
            (&["--no-qr", "--qr"], false),
            (&["--qr", "--no-qr"], true),
        ] {
            assert_eq!(read(words).unwrap().sign_in.no_qr, is_off, "{words:?}");
        }
    }

    #[test]
    fn flags_that_contradict_each_other_and_unknown_values_are_refused() {
        for (words, kind) in [
            (&["--dpop", "--no-dpop"][..], ErrorKind::ArgumentConflict),
            (&["--browser", "--device"], ErrorKind::ArgumentConflict),
            (
                &["--flow", "paste", "--device"],
                ErrorKind::ArgumentConflict,
            ),
            (&["--flow", "client-credentials"], ErrorKind::InvalidValue),
            (&["--callback-host", "evil.test"], ErrorKind::InvalidValue),
            (&["--prompt", "none"], ErrorKind::InvalidValue),
            (&["--callback-port", "9-1"], ErrorKind::ValueValidation),
            (&["--timeout", "soon"], ErrorKind::ValueValidation),
            (&["--max-age=-1"], ErrorKind::ValueValidation),
            (&["--qr=yes"], ErrorKind::TooManyValues),
            (&["--audience="], ErrorKind::InvalidValue),
            (&["--audience"], ErrorKind::InvalidValue),
            (&["--scope"], ErrorKind::InvalidValue),
            (&["--nonsense"], ErrorKind::UnknownArgument),
        ] {
            assert_eq!(read(words).unwrap_err().kind(), kind, "{words:?}");
        }
    }
}
