//! Ask a signed-in person before a program on this computer gets a code.
//!
//! RFC 8252 §8.6 (client impersonation): <https://www.rfc-editor.org/rfc/rfc8252#section-8.6>

use askama::Template;
use hallpass_protocol::Scopes;
use http::{Response, StatusCode};

use super::html::{Forms, Page};
use super::layout::{Client, FormTarget, Layout, Publisher, initial};
use super::scope_line::{Lifetime, ScopeLine};
use super::{html, scope_line};
use crate::Body;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::request::Request;
use crate::state::State;

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
    /// How long the access lasts.
    pub lifetime: Lifetime,
}

impl Page for ContinueAs {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Where the page's form goes.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// The browser it is shown in.
    pub(crate) browser: &'a Browser,
    /// The URL it posts to.
    pub(crate) action: String,
}

/// A client as pages show it.
pub(crate) fn client(client: &hallpass_issuer::Client) -> Client {
    Client {
        name: client.name.clone(),
        publisher: Publisher::Unverified(None),
    }
}

/// "Continue as ada": the one click before a client on the person's own machine gets a code.
pub(crate) fn page(
    state: &State,
    request: &Request,
    target: Target<'_>,
    (asking, redirect_uri): (&hallpass_issuer::Client, &str),
    (person, scopes): (&SignedInUser, &Scopes),
) -> Response<Body> {
    let host = redirect_uri.split_once("://").map_or("", |(_, rest)| rest);
    let page = ContinueAs {
        layout: request.layout(),
        form: FormTarget {
            action: target.action,
            csrf: target.browser.csrf_of(state, request, person),
            interaction: None,
        },
        user: person.user().shown_name().to_owned(),
        client: client(asking),
        redirect_host: host.split(['/', '?']).next().unwrap_or_default().to_owned(),
        scopes: scope_line::lines(scopes, &state.settings.resources),
        lifetime: scope_line::lifetime(scopes, &state.settings.refresh),
    };
    let mut response = html::html(StatusCode::OK, &page);
    target.browser.remember(&mut response);
    response
}
