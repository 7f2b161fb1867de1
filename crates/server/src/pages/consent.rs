//! Ask a person what a client may do for them.
//!
//! OIDC Core §3.1.2.4: <https://openid.net/specs/openid-connect-core-1_0.html#Consent>
//! RFC 9700 §4.16 (clickjacking, CSRF): <https://www.rfc-editor.org/rfc/rfc9700#section-4.16>

use askama::Template;
use askama::filters::HtmlSafeOutput;
use hallpass_issuer::consent::{self, Asked, BadChoice};
use hallpass_protocol::Scopes;
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::form::Form;
use hallpass_store::consents;
use http::{Response, StatusCode};

use super::continue_as::Target;
use super::html::{Forms, Page};
use super::interaction::{Shown, SignedIn};
use super::layout::{Client, FormTarget, Layout, Publisher, initial};
use super::scope_line::{Lifetime, ScopeLine};
use super::{html, interaction, scope_line};
use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::signed_in_user::SignedInUser;
use crate::languages::Value;
use crate::page_token::Purpose;
use crate::request::Request;
use crate::state::State;

/// "Allow Acme CLI?" It posts `action`: `allow` (with a `scope[]` for each box that is ticked),
/// `deny` or `switch` (use another account).
#[derive(Debug, Clone, Template)]
#[template(path = "consent.html")]
pub struct Consent {
    /// The frame.
    pub layout: Layout,
    /// Where the decision goes.
    pub form: FormTarget,
    /// Who is signed in, and gives the access away.
    pub user: String,
    /// Who asks.
    pub client: Client,
    /// Host and port that get the code.
    pub redirect_host: String,
    /// What the client wants to do.
    pub scopes: Vec<ScopeLine>,
    /// How long the access lasts.
    pub lifetime: Lifetime,
    /// Where the person takes it back; dev mode has no such place.
    pub account_url: Option<String>,
    /// Whether nothing was left of the scopes, which the page says below them.
    pub is_nothing_left: bool,
}

fn manage_access(layout: &Layout, url: &str) -> HtmlSafeOutput<String> {
    layout.words.manage_access(Value::address(url)).html()
}

impl Page for Consent {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// What is shown to whom.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    /// Who asks, and where the answer goes.
    pub(crate) client: (&'a hallpass_issuer::Client, &'a str),
    /// The request that is decided.
    pub(crate) request: &'a AuthorizationRequest,
    /// What it asks for.
    pub(crate) scopes: &'a Scopes,
    /// Who decides, and since when they are here.
    pub(crate) person: (&'a SignedInUser, SignedIn),
    /// What was wrong with the last answer.
    pub(crate) problem: Option<BadChoice>,
}

/// Whether this person has to be asked before the client gets what it asks for.
pub(crate) async fn is_asked(
    state: &State,
    request: &Request,
    client: &hallpass_issuer::Client,
    asked: Asked<'_>,
    person: &SignedInUser,
) -> Result<bool, Fault> {
    let policy = consent::policy_of(client, state.settings.consent);
    // With nothing remembered the answer is the same for most clients, and costs no look.
    if !consent::is_asked(policy, asked, &[], request.now) {
        return Ok(false);
    }
    let (issuer, user) = (request.issuer.clone(), person.user().id.clone());
    let client = client.id.clone();
    let remembered = state
        .store
        .read(move |tx| consents::list(tx, (&issuer, &user), &client));
    let remembered = remembered.await?;
    Ok(consent::is_asked(policy, asked, &remembered, request.now))
}

/// The page.
pub(crate) fn page(
    state: &State,
    request: &Request,
    target: Target<'_>,
    asking: &Asking<'_>,
) -> Response<Body> {
    let (client, redirect_uri) = asking.client;
    let (person, signed_in) = asking.person;
    let place = (Purpose::Consent, target.browser);
    let about = Shown {
        asked: asking.request,
        person,
        signed_in,
        networks: None,
    };
    let sealed = interaction::seal(state, request, place, about);
    let page = Consent {
        layout: request.layout(),
        form: FormTarget {
            action: target.action,
            csrf: target.browser.csrf_of(state, request, person),
            interaction: Some(sealed),
        },
        user: person.user().shown_name().to_owned(),
        client: shown(client, redirect_uri),
        redirect_host: host(redirect_uri).to_owned(),
        scopes: scope_line::choices(asking.scopes, &state.settings.resources),
        lifetime: scope_line::lifetime(asking.scopes, &state.settings.refresh),
        account_url: (state.settings.is_production()).then(|| request.path_of("account")),
        is_nothing_left: asking.problem.is_some(),
    };
    let status = if asking.problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut response = html::html(status, &page);
    target.browser.remember(&mut response);
    response
}

/// The scopes that were left ticked. A scope that was not asked for is somebody else's form.
pub(crate) fn read_choice(
    asked: &Scopes,
    form: &Form,
) -> Result<Result<Scopes, BadChoice>, PageError> {
    match consent::chosen(asked, form.all("scope[]")) {
        Err(BadChoice::NotAsked) => Err(PageError::Forged),
        chosen => Ok(chosen),
    }
}

/// The operator vouches for a client with an address of its own; a name on somebody's machine can be
/// anybody's (RFC 8252 §8.6), and so can one that was registered by its owner.
fn shown(client: &hallpass_issuer::Client, redirect_uri: &str) -> Client {
    let host = host(redirect_uri).to_owned();
    let has_address = redirect_uri.starts_with("https://");
    let publisher = match (client.registered_itself, has_address) {
        (false, true) => Publisher::Verified(host),
        (true, true) => Publisher::Unverified(Some(host)),
        (_, false) => Publisher::Unverified(None),
    };
    Client {
        name: client.name.clone(),
        publisher,
    }
}

fn host(redirect_uri: &str) -> &str {
    let rest = redirect_uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}
