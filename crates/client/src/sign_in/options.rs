//! How to sign in: what a caller can say about it.

use std::time::Duration;

/// How to sign in.
#[derive(Clone, Debug)]
#[must_use = "pass it to `Client::sign_in`"]
pub struct SignIn {
    pub(super) wish: Wish,
    pub(super) force: bool,
    pub(super) callback_ports: Vec<u16>,
    pub(super) callback_path: String,
    pub(super) open_browser: bool,
    pub(super) timeout: Duration,
    pub(super) login_hint: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) acr: Vec<String>,
    pub(super) max_age: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Auto,
    Browser,
    Device,
    Silent,
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

    /// Uses the session that is there; else fails with [`crate::ErrorKind::LoginRequired`].
    pub fn silent_only() -> Self {
        Self::new(Wish::Silent)
    }

    fn new(wish: Wish) -> Self {
        Self {
            wish,
            force: false,
            callback_ports: Vec::new(),
            callback_path: "/callback".to_owned(),
            open_browser: true,
            timeout: Duration::from_mins(5),
            login_hint: None,
            prompt: None,
            acr: Vec::new(),
            max_age: None,
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

    /// The path of the redirect URI, exactly as registered. Default: `/callback`.
    pub fn callback_path(mut self, path: impl Into<String>) -> Self {
        self.callback_path = path.into();
        self
    }

    /// Shows the address and starts no browser.
    pub fn no_browser(mut self) -> Self {
        self.open_browser = false;
        self
    }

    /// How long the person has in the code flow. Default: 300 s (row C-13). A device code has the
    /// lifetime that the server gives it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
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

    /// Demands that the person signed in no longer ago than this (OIDC Core §3.1.2.1).
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}
