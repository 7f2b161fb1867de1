//! Carry the authorization response to the client in a POST.
//!
//! Form Post Response Mode: <https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html>

use std::fmt;

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{Layout, Pair};

/// The answer of `response_mode=form_post`: a script presses the button, or a person does.
#[derive(Clone, Template)]
#[template(path = "form_post.html")]
pub struct FormPost {
    /// The frame.
    pub layout: Layout,
    /// The client's display name.
    pub client: String,
    /// Its redirect URI, already allowed.
    pub action: String,
    /// The response: `code`, `state` and `iss`, or `error` and what belongs to it.
    pub fields: Vec<Pair>,
}

impl fmt::Debug for FormPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormPost")
            .field("client", &self.client)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

impl Page for FormPost {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}
