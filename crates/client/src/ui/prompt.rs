//! What a sign-in has to tell a person, and who tells it.
//!
//! RFC 8628 §3.3 (the code and the address are always shown), RFC 8252 §8.12 (the system's browser).

use std::time::Duration;

use url::Url;

use crate::BoxFuture;

/// How often the person sees how much time is left.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Something to show. Every text that came from a server is already cleaned (row C-83).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// Sign in at this address in a browser on this machine.
    OpenUrl {
        /// The server's host, for the sentence.
        host: String,
        /// The authorization request.
        url: Url,
        /// Whether a browser was started, and if not, why not.
        browser: BrowserStart,
        /// Where the answer is awaited.
        redirect_uri: String,
    },
    /// Enter this code at that address, on any device.
    DeviceCode {
        /// The server's host, for the sentence.
        host: String,
        /// The code, at most 32 printable characters.
        user_code: String,
        /// Where to enter it.
        verification_uri: Url,
        /// The same with the code filled in, for a QR code or a link.
        verification_uri_complete: Option<Url>,
        /// How long the code is good.
        expires_in: Duration,
        /// How often the server is asked.
        interval: Duration,
    },
    /// Still waiting: comes about once a second.
    Waiting {
        /// How long the person still has.
        left: Duration,
    },
    /// Something worth a line, such as scopes that were not granted.
    Notice {
        /// One sentence.
        text: String,
    },
    /// Signed in.
    Done {
        /// Who, as the ID token says (`email`, `preferred_username`, `name` or `sub`); `None` when the
        /// server does not say.
        who: Option<String>,
        /// Whether the session can renew itself.
        refreshes: bool,
        /// How long the access token is good, when the server said.
        expires_in: Option<Duration>,
    },
    /// The sign-in failed; the error itself goes to the caller.
    Failed {
        /// One sentence.
        text: String,
    },
}

/// What became of opening a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserStart {
    /// It was started.
    Opened,
    /// It could not be started.
    Failed(String),
    /// It was not tried: there is no screen here, or the caller asked not to.
    NotTried,
}

/// What became of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiOutcome {
    /// Go on.
    Shown,
    /// The person gave up: the sign-in ends with [`crate::ErrorKind::Cancelled`].
    Cancelled,
}

/// What a user interface can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UiCaps {
    /// A person sees what is shown and can act on it.
    pub interactive: bool,
}

/// Tells a person what to do. IDEs, full-screen programs and tests implement it.
pub trait Ui: Send + Sync + std::fmt::Debug {
    /// Shows a prompt.
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome>;

    /// What this user interface can do.
    fn capabilities(&self) -> UiCaps;
}

/// Shows nothing: for services and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct SilentUi;

impl Ui for SilentUi {
    fn show<'a>(&'a self, _prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: false }
    }
}
