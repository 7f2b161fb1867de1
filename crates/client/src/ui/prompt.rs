//! What a sign-in has to tell a person, and who tells it.
//!
//! RFC 8628 §3.3 (the code and the address are always shown), RFC 8252 §8.12 (the system's browser).

use std::time::Duration;

use url::Url;

use crate::BoxFuture;
use crate::flow::{Sign, Way};

/// How often the person sees how much time is left.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Something to show. Every text that came from a server is already cleaned (row C-83).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// How the sign-in goes, and what decided that: comes first.
    Flow {
        /// The way.
        way: Way,
        /// What decided it.
        why: Vec<Sign>,
    },
    /// Sign in at this address in a browser.
    OpenUrl {
        /// The server's host, for the sentence.
        host: String,
        /// The authorization request.
        url: Url,
        /// Whether a browser is started next.
        browser: BrowserStart,
        /// Where the answer is awaited.
        redirect_uri: String,
        /// The command that brings the port to the machine that the person came from by SSH.
        forward: Option<String>,
    },
    /// The address before has expired (RFC 9126 §2.2); this one takes its place, in the same sign-in. Comes
    /// only while no browser has opened the first one, and again each time.
    NewUrl {
        /// The authorization request.
        url: Url,
        /// Where the answer is awaited.
        redirect_uri: String,
    },
    /// A browser was started.
    BrowserOpened,
    /// No browser could be started.
    BrowserFailed {
        /// Why.
        reason: String,
        /// The programs that were tried, in order.
        tried: Vec<String>,
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
    /// The address of the page that failed to load may be pasted now, here and nowhere else (row C-70).
    PasteAddress,
    /// The server was asked about the device code.
    Polling {
        /// What it said: `authorization_pending`, `slow_down`, or `no_answer`.
        status: String,
    },
    /// Still waiting: comes about once a second.
    Waiting {
        /// How long the person still has.
        left: Duration,
        /// Whether Enter shows another way.
        enter: bool,
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
        /// `sub` of the ID token.
        subject: Option<String>,
        /// Whether the session can renew itself.
        refreshes: bool,
        /// How long the access token is good, when the server said.
        expires_in: Option<Duration>,
    },
    /// A browser is started next, for the page where the server ends its own session
    /// ([`crate::Client::sign_out_with_browser`]).
    SigningOut {
        /// The server's host, for the sentence.
        host: String,
    },
    /// The sign-in failed; the error itself goes to the caller.
    Failed {
        /// One sentence.
        text: String,
    },
}

/// Whether a browser is started for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserStart {
    /// It is started as soon as the address was shown; [`Prompt::BrowserOpened`] or
    /// [`Prompt::BrowserFailed`] follows.
    Starting,
    /// It is not: there is no screen here, or the caller asked not to.
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
///
/// ```
/// use hallpass_client::{BoxFuture, Client, MemoryStore, Prompt, Ui, UiCaps, UiOutcome};
///
/// /// An editor that shows the sign-in in a window of its own.
/// #[derive(Debug)]
/// struct Window;
///
/// impl Ui for Window {
///     fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
///         match prompt {
///             Prompt::OpenUrl { url, .. } => println!("open {url}"),
///             Prompt::DeviceCode { user_code, verification_uri, .. } => {
///                 println!("enter {user_code} at {verification_uri}");
///             }
///             _ => {}
///         }
///         Box::pin(std::future::ready(UiOutcome::Shown))
///     }
///
///     fn capabilities(&self) -> UiCaps {
///         UiCaps { interactive: true }
///     }
/// }
///
/// let client = Client::builder("https://login.example.com", "acme-cli").ui(Window);
/// let client = client.store(MemoryStore::new()).build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
pub trait Ui: Send + Sync + std::fmt::Debug {
    /// Shows a prompt.
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome>;

    /// What this user interface can do.
    fn capabilities(&self) -> UiCaps;

    /// Whether [`Ui::read_line`] ever brings something. Default: no.
    fn reads_lines(&self) -> bool {
        false
    }

    /// Waits until the person has entered a line, without its end; `None` when no more will come.
    /// The sign-in drops and calls it again while it waits for other things.
    fn read_line(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(std::future::pending())
    }

    /// Asks a question that only a clear yes answers with true. Default: no.
    fn confirm<'a>(&'a self, _question: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(false))
    }
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
