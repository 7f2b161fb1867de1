//! Run the authorization code flow against this server by hand, and see every answer. Dev mode only.
//!
//! RFC 6749 §4.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1>

use std::fmt;

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout};

/// The form that starts a run, or what came of one.
#[derive(Clone, Debug, Template)]
#[template(path = "debugger.html")]
pub struct Debugger {
    /// The frame.
    pub layout: Layout,
    /// Where the form posts.
    pub form: FormTarget,
    /// What the form begins with.
    pub fields: Fields,
    /// What came of the last run, in the order in which it came; empty before the first.
    pub answers: Vec<Answer>,
}

/// The fields of the form.
#[derive(Clone)]
pub struct Fields {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`: empty for a public client.
    pub client_secret: String,
    /// `scope`.
    pub scope: String,
    /// The redirect URI, to look at.
    pub redirect_uri: String,
}

/// One message of the run.
#[derive(Clone)]
pub struct Answer {
    /// What it is, as the specification calls it.
    pub title: String,
    /// The message, laid out for reading.
    pub text: String,
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("client_id", &self.client_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    /// Leaves out the text: it holds tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

impl Debugger {
    fn heading(&self) -> &'static str {
        if self.answers.is_empty() {
            self.layout.words.debugger
        } else {
            self.layout.words.debugger_answers
        }
    }
}

impl Page for Debugger {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}
