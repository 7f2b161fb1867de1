//! How to sign in: what a caller can say about it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::provider::Provider;
use crate::redirect_path;

/// How to sign in.
///
/// ```no_run
/// # async fn example(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
/// use std::time::Duration;
/// use hallpass_client::SignIn;
///
/// let how = SignIn::auto()
///     .login_hint("ada@example.com")
///     .callback_port(8400)
///     .callback_port(8401)
///     .timeout(Duration::from_secs(120));
/// let session = client.sign_in(how).await?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass it to `Client::sign_in`"]
pub struct SignIn {
    pub(super) wish: Wish,
    pub(super) force: bool,
    pub(super) callback_ports: Vec<u16>,
    pub(super) callback_path: Option<String>,
    pub(super) open_browser: bool,
    pub(super) callback_host: Option<CallbackHost>,
    pub(super) timeout: Option<Duration>,
    pub(super) switch_account: bool,
    pub(super) lock_file: Option<PathBuf>,
    pub(super) cancel: CancelSignIn,
    pub(super) login_hint: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) acr: Vec<String>,
    pub(super) max_age: Option<Duration>,
    pub(super) audience: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Auto,
    Browser,
    Device,
    Paste,
    Silent,
}

/// The name of this machine in the redirect URI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallbackHost {
    /// The literal that was bound, 127.0.0.1 or `[::1]` (RFC 8252 §7.3).
    #[default]
    Literal,
    /// `localhost`, for servers that know no literal. Both families then listen on one port, since the
    /// browser may choose either (row C-71).
    Localhost,
}

/// Ends a sign-in from outside, such as when Ctrl-C is pressed. Clones end the same one.
///
/// ```no_run
/// # async fn example(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
/// use hallpass_client::{CancelSignIn, SignIn};
///
/// let cancel = CancelSignIn::default();
/// let button = cancel.clone();
/// std::thread::spawn(move || button.cancel());
/// let done = client.sign_in(SignIn::device().cancelled_by(cancel)).await;
/// # drop(done);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CancelSignIn(Arc<watch::Sender<bool>>);

impl Default for CancelSignIn {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl CancelSignIn {
    /// Ends the sign-in: it fails with [`crate::ErrorKind::Cancelled`] as soon as the device code is
    /// withdrawn.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn cancelled(&self) {
        let mut wish = self.0.subscribe();
        // The sender is in `self`: this cannot fail.
        drop(wish.wait_for(|is_over| *is_over).await);
    }
}

impl SignIn {
    /// Uses the session that is there; else chooses the flow from the surroundings
    /// ([`crate::flow::decide`]). Where nobody is there to answer, it fails at once.
    pub fn auto() -> Self {
        Self::new(Wish::Auto)
    }

    /// Uses the session that is there; else the code flow on loopback (RFC 8252).
    pub fn browser() -> Self {
        Self::new(Wish::Browser)
    }

    /// Uses the session that is there; else the device flow (RFC 8628).
    pub fn device() -> Self {
        Self::new(Wish::Device)
    }

    /// Uses the session that is there; else shows the address, and takes the address of the page that
    /// then fails to load, pasted at the terminal.
    pub fn paste() -> Self {
        Self::new(Wish::Paste)
    }

    /// Uses the session that is there; else fails with [`crate::ErrorKind::LoginRequired`].
    pub fn silent_only() -> Self {
        Self::new(Wish::Silent)
    }

    fn new(wish: Wish) -> Self {
        Self {
            wish,
            force: false,
            callback_ports: Vec::new(),
            callback_path: None,
            open_browser: true,
            callback_host: None,
            timeout: None,
            switch_account: false,
            lock_file: None,
            cancel: CancelSignIn::default(),
            login_hint: None,
            prompt: None,
            acr: Vec::new(),
            max_age: None,
            audience: Vec::new(),
        }
    }

    /// Signs in anew although a session is there.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Listens for the browser's answer on this port of 127.0.0.1; call again for more to try.
    /// Default: a port that the system chooses (RFC 8252 §7.3).
    pub fn callback_port(mut self, port: u16) -> Self {
        self.callback_ports.push(port);
        self
    }

    /// The path of the redirect URI, exactly as registered. Default: the provider's
    /// ([`crate::Client::for_provider`]), else `/callback`. A program that registers itself asks
    /// [`crate::Client::callback_path`] which one to register.
    pub fn callback_path(mut self, path: impl Into<String>) -> Self {
        self.callback_path = Some(path.into());
        self
    }

    /// Shows the address and starts no browser.
    pub fn no_browser(mut self) -> Self {
        self.open_browser = false;
        self
    }

    /// The name of this machine in the redirect URI. Default: the provider's
    /// ([`crate::Client::for_provider`]), else the literal that was bound.
    pub fn callback_host(mut self, host: CallbackHost) -> Self {
        self.callback_host = Some(host);
        self
    }

    /// How long the person has, in every way. Default: 300 s for a browser (row C-13), the lifetime that
    /// the server gives it for a device code.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Keeps the session also when somebody else signed in than the session that is stored belongs to
    /// (row C-69). Default: the person is asked, and where that cannot be, nothing is stored.
    pub fn switch_account(mut self) -> Self {
        self.switch_account = true;
        self
    }

    /// Lets only one sign-in wait at a time: while this file is locked by another, the sign-in fails and
    /// says where the other one waits. No refresh ever waits for this lock.
    pub fn one_at_a_time(mut self, lock_file: impl Into<PathBuf>) -> Self {
        self.lock_file = Some(lock_file.into());
        self
    }

    /// The redirect URI's host and path, where the caller leaves them to the provider.
    pub(super) fn callback(&self, provider: Option<&Provider>) -> (CallbackHost, String) {
        let known = provider.and_then(Provider::callback);
        let host = match known {
            Some((true, _)) => CallbackHost::Localhost,
            _ => CallbackHost::Literal,
        };
        let path = known.map_or(redirect_path::USUAL, |(_, path)| path);
        (
            self.callback_host.unwrap_or(host),
            self.callback_path
                .clone()
                .unwrap_or_else(|| path.to_owned()),
        )
    }

    /// Lets somebody else end the sign-in.
    pub fn cancelled_by(mut self, cancel: CancelSignIn) -> Self {
        self.cancel = cancel;
        self
    }

    /// Tells the server who probably signs in (OIDC Core §3.1.2.1).
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        self.login_hint = Some(hint.into());
        self
    }

    /// Asks the server to show a page: `login`, `consent`, `select_account` (OIDC Core §3.1.2.1).
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// Demands one of these authentication contexts (OIDC Core §2, RFC 9470 §4); may be called again.
    pub fn acr(mut self, value: impl Into<String>) -> Self {
        self.acr.push(value.into());
        self
    }

    /// Asks for tokens for this API too, beside those of [`crate::ClientBuilder::audience`]; may be called
    /// again. It is the parameter `audience`, which some servers (Auth0, Hydra) take where RFC 8707 §2 has
    /// `resource`; others ignore it. Refreshes of the session ask for the same, and a session that was not
    /// asked for it is not used again. An empty one makes the sign-in fail with
    /// [`crate::ErrorKind::Config`].
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::{Client, Provider, SignIn};
    ///
    /// let tenant = Provider::parse("auth0:acme.eu.auth0.com")?;
    /// let client = Client::for_provider(tenant, "acme-cli").build()?;
    /// let session = client.sign_in(SignIn::auto().audience("https://api.example.com")).await?;
    /// assert_eq!(session.audiences(), ["https://api.example.com"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// Demands that the person signed in no longer ago than this (OIDC Core §3.1.2.1).
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}
