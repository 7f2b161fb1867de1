//! Ask a signed-in person before a program on this computer gets a code.
//!
//! RFC 8252 §8.6 (client impersonation): <https://www.rfc-editor.org/rfc/rfc8252#section-8.6>

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{Client, FormTarget, Layout, Publisher, initial};
use super::scope_line::ScopeLine;

/// "Continue as ada". It posts `action`: `continue`, `deny` or `switch` (use another account).
#[derive(Debug, Clone, Template)]
#[template(path = "continue_as.html")]
pub struct ContinueAs {
    /// The frame.
    pub layout: Layout,
    /// Where the decision goes.
    pub form: FormTarget,
    /// Who is signed in.
    pub user: String,
    /// Who asks.
    pub client: Client,
    /// Host and port that get the code, for example `127.0.0.1:51423`.
    pub redirect_host: String,
    /// What the client wants to do.
    pub scopes: Vec<ScopeLine>,
    /// How long the access lasts, as a sentence; empty to leave it out.
    pub lifetime: String,
}

impl Page for ContinueAs {
    const FORMS: Forms = Forms::ReachClient;
}
