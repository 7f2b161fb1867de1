//! Sign in: in dev mode a username is all it takes.
//!
//! Authentication request: <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest>

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout, Pair, initial};

/// The sign-in page. It posts `username` and, in dev mode, `claims`.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct Login {
    /// The frame.
    pub layout: Layout,
    /// The same URL that showed the page.
    pub form: FormTarget,
    /// What signing in is for.
    pub purpose: Purpose,
    /// Prefilled: `login_hint`, or what was typed before an error.
    pub username: String,
    /// Prefilled after an error. Dev mode only.
    pub claims: String,
    /// Shown below the username.
    pub username_error: Option<String>,
    /// Shown below the claims, for example that they are not a JSON object.
    pub claims_error: Option<String>,
    /// The last users of this server, newest first; each is a button. Dev mode only.
    pub recent_users: Vec<String>,
    /// The authorization request, for its developer. Dev mode only.
    pub parameters: Vec<Pair>,
}

/// What the person gets to after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A client, by its display name.
    Continue(String),
    /// The page that takes a user code.
    ConnectDevice,
    /// This server's own pages.
    Here,
}

impl Login {
    fn has_error(&self) -> bool {
        self.username_error.is_some() || self.claims_error.is_some()
    }

    fn claims_need_attention(&self) -> bool {
        self.claims_error.is_some() && self.username_error.is_none()
    }
}

impl Page for Login {
    const FORMS: Forms = Forms::ReachClient;
}
