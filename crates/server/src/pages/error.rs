//! Say what went wrong, why, and what to do next.
//!
//! RFC 6749 §4.1.2.1 (never redirect to an unregistered URI): <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1>

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{Layout, Pair};
use super::moment::Moment;

/// A refusal or a fault, for people.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// What happened, without a final period: "This sign-in link has expired".
    pub title: String,
    /// Why, in a sentence or two.
    pub cause: String,
    /// What the person can do now.
    pub next_step: String,
    /// A command that helps, ready to copy.
    pub command: Option<String>,
    /// What the developer of the client needs to know; empty hides the block.
    pub details: Vec<Pair>,
    /// Finds the log lines of this request, for example `8F3K-22QX`.
    pub reference: String,
    /// When it happened.
    pub at: Moment,
}

impl Page for ErrorPage {
    const FORMS: Forms = Forms::StayHere;
}
