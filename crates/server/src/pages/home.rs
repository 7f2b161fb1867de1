//! What a developer sees at `/` of a server in dev mode.
//!
//! The endpoints are those of the metadata, RFC 8414 §2: <https://www.rfc-editor.org/rfc/rfc8414#section-2>

use askama::Template;
use http::{Response, StatusCode};

use super::html;
use super::html::{Forms, Page};
use super::layout::Layout;
use crate::Body;
use crate::error::redirect::see_other;
use crate::request::Request;
use crate::state::State;

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

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl Home {
    /// The page of a server whose first issuer is `issuer`.
    pub fn of_issuer(layout: Layout, issuer: &str) -> Self {
        let login =
            |flow: &str| format!("hallpass login --issuer {issuer} --client-id my-cli --{flow}");
        let words = layout.words;
        let command = |purpose: &str, command: String| Command {
            purpose: purpose.to_owned(),
            command,
        };
        let endpoint = |name: &str, path: &str, opens_in_browser| Endpoint {
            name: name.to_owned(),
            url: format!("{issuer}/{path}"),
            opens_in_browser,
        };
        Home {
            layout,
            commands: vec![
                command(words.home_browser, login("browser")),
                command(words.home_device, login("device")),
                command(
                    words.home_service,
                    format!(
                        "curl -d grant_type=client_credentials -u my-service:any {issuer}/token"
                    ),
                ),
            ],
            endpoints: vec![
                endpoint(
                    words.endpoint_metadata,
                    ".well-known/openid-configuration",
                    true,
                ),
                endpoint(words.endpoint_keys, "jwks", true),
                endpoint(words.endpoint_device, "device", true),
                endpoint(words.endpoint_authorization, "authorize", false),
                endpoint(words.endpoint_token, "token", false),
                endpoint(
                    words.endpoint_device_authorization,
                    "device/authorize",
                    false,
                ),
                endpoint(words.endpoint_userinfo, "userinfo", false),
            ],
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// `GET /`: what this server is, and how to sign in to it.
pub(crate) fn get(state: &State, request: &Request) -> Response<Body> {
    // Nobody needs to know what runs here: people come for their account or with a code.
    if state.settings.is_production() {
        return see_other(&request.path_of("device"));
    }
    let issuer = format!("{}/default", request.issuer_url);
    let page = Home::of_issuer(request.layout(), &issuer);
    html::html(StatusCode::OK, &page)
}
