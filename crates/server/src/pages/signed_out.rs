//! Ask before the browser is signed out, and say when it is.
//!
//! RP-Initiated Logout §2: <https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout>

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout, Link, initial};

/// The page of the end session endpoint.
#[derive(Debug, Clone, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut {
    /// The frame.
    pub layout: Layout,
    /// Before or after.
    pub step: Step,
}

/// Before or after.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask.
    Confirm(Confirm),
    /// Nobody is signed in here any more.
    Done {
        /// The client to go back to; its URL must be registered.
        back: Option<Link>,
    },
}

/// The question. It posts `confirm`: `yes` or `no`.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// Where the answer goes.
    pub form: FormTarget,
    /// Display name of the client that asks, if one does.
    pub client: Option<String>,
    /// Who is signed in.
    pub user: Option<String>,
}

impl Page for SignedOut {
    // The answer may redirect to a `post_logout_redirect_uri`.
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}
