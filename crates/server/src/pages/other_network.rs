//! Warn a person whose sign-in was started in another network than their browser's: somebody may
//! have sent them the link, and wait for the address of the page that does not load.
//!
//! RFC 8252 §8.6, RFC 9700 §4.4: <https://www.rfc-editor.org/rfc/rfc9700#section-4.4>

use std::net::IpAddr;

use askama::Template;
use hallpass_protocol::authorization::AuthorizationRequest;
use http::{Response, StatusCode};

use super::continue_as::Target;
use super::html::{self, Forms, Page};
use super::interaction::{self, Shown, SignedIn};
use super::layout::{FormTarget, Layout};
use crate::Body;
use crate::extract::signed_in_user::SignedInUser;
use crate::limiter::network_of;
use crate::page_token::Purpose;
use crate::request::Request;
use crate::state::State;

/// "Did you start signing in to Acme CLI?" It posts `action`: `deny`, or `confirm` with a ticked
/// box of that name.
#[derive(Debug, Clone, Template)]
#[template(path = "other_network.html")]
pub struct OtherNetwork {
    /// The frame.
    pub layout: Layout,
    /// Where the decision goes.
    pub form: FormTarget,
    /// Who asks.
    pub client: String,
    /// Who is signed in.
    pub user: String,
    /// The network of the browser.
    pub browser: String,
    /// Where that is, if the operator has a location file.
    pub browser_place: Option<String>,
    /// The network of the program.
    pub program: String,
    /// Where that is.
    pub program_place: Option<String>,
    /// Whether the person may go on all the same.
    pub may_go_on: bool,
    /// Whether they pressed the button without ticking the box.
    pub is_unticked: bool,
}

impl Page for OtherNetwork {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Which sign-in it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    /// Who asks.
    pub(crate) client: &'a hallpass_issuer::Client,
    /// The request that waits.
    pub(crate) request: &'a AuthorizationRequest,
    /// Whose it is, and since when they are here.
    pub(crate) person: (&'a SignedInUser, SignedIn),
    /// The networks of the browser and of the program.
    pub(crate) networks: (IpAddr, IpAddr),
    /// Whether the person may go on all the same.
    pub(crate) may_go_on: bool,
    /// Whether they pressed the button without ticking the box.
    pub(crate) is_unticked: bool,
}

/// The page.
pub(crate) fn page(
    state: &State,
    request: &Request,
    target: Target<'_>,
    asking: Asking<'_>,
) -> Response<Body> {
    let (person, signed_in) = asking.person;
    let (browser, program) = asking.networks;
    let place = (Purpose::OtherNetwork, target.browser);
    let shown = Shown {
        asked: asking.request,
        person,
        signed_in,
        networks: Some(asking.networks),
    };
    let sealed = interaction::seal(state, request, place, shown);
    let layout = request.layout();
    let language = layout.words.language;
    let page = OtherNetwork {
        layout,
        form: FormTarget {
            action: target.action,
            csrf: target.browser.csrf_of(state, request, person),
            interaction: Some(sealed),
        },
        client: asking.client.name.clone(),
        user: person.user().shown_name().to_owned(),
        browser: network_of(browser),
        browser_place: state.place(browser, language),
        program: network_of(program),
        program_place: state.place(program, language),
        may_go_on: asking.may_go_on,
        is_unticked: asking.is_unticked,
    };
    let status = if asking.is_unticked {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut response = html::html(status, &page);
    target.browser.remember(&mut response);
    response
}
