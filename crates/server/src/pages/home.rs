//! What a developer sees at `/` of a server in dev mode.
//!
//! The endpoints are those of the metadata, RFC 8414 §2: <https://www.rfc-editor.org/rfc/rfc8414#section-2>

use askama::Template;

use super::html::{Forms, Page};
use super::layout::Layout;

/// The start page. Dev mode only.
#[derive(Debug, Clone, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// The frame.
    pub layout: Layout,
    /// Ways to sign in, best first.
    pub commands: Vec<Command>,
    /// Where the issuer answers.
    pub endpoints: Vec<Endpoint>,
    /// This build.
    pub version: String,
}

/// A command to copy.
#[derive(Debug, Clone)]
pub struct Command {
    /// What it does.
    pub purpose: String,
    /// One line for a shell.
    pub command: String,
}

/// One URL of the issuer.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// A plain GET shows something, so it is a link.
    pub opens_in_browser: bool,
}

impl Page for Home {
    const FORMS: Forms = Forms::StayHere;
}
