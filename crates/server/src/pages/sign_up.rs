//! Ask for a new account, where `login.registration` is `open`. The answer is always the same, and always
//! as fast: whether the address has an account already is looked up when the mail is sent.

use std::time::Duration;

use askama::Template;
use hallpass_issuer::mail::Kind;
use hallpass_store::email_outbox;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::html::{self, Forms, Page};
use super::layout::{FormTarget, Layout};
use super::problem::Problem;
use super::{detour, recover};
use crate::Body;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::request::Request;
use crate::state::State;

/// "Create an account". It posts `email`.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_up.html")]
pub struct SignUp {
    /// The frame.
    pub layout: Layout,
    /// Back to the sign-in page that the person comes from.
    pub login_url: String,
    /// Where people find help, if the operator named a place.
    pub support: Option<String>,
    /// What the person can do now.
    pub step: Step,
}

/// How far the page is.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask for the address.
    Ask {
        /// Where it goes. The interaction is the sign-in that the person comes from.
        form: FormTarget,
        /// Shown below the field.
        error: Option<Problem>,
    },
    /// A mail is on its way, if it can reach anybody.
    Sent,
}

impl Page for SignUp {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Where it lies.
const PATH: &str = "login/sign-up";

/// Where people make an account who come from a sign-in at `path`; nowhere if they cannot.
pub(super) fn url_from(
    (state, request, browser): (&State, &Request, &Browser),
    path: &str,
) -> Option<String> {
    if !state.settings.is_open_to_newcomers() {
        return None;
    }
    let here = request.path_of(PATH);
    Some(match detour::seal((state, request, browser), path) {
        Some(sealed) => format!("{here}?interaction={sealed}"),
        None => here,
    })
}

/// `GET login/sign-up`, `POST login/sign-up`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    if !state.settings.is_open_to_newcomers() {
        return Err(PageError::NotFound);
    }
    let browser = Browser::of(state, request);
    let at = (state, request, &browser);
    if request.method != Method::POST {
        let query = request.query_form()?;
        return Ok(ask(at, query.one("interaction")?, None));
    }
    let form = request.form()?;
    browser.check_csrf(state, request, &form)?;
    let interaction = form.one("interaction")?;
    let typed = form.one("email")?.unwrap_or_default().trim();
    // Whoever sees at a glance that it is no address is told so. All else is the mail server's to know.
    if !typed.contains('@') {
        return Ok(ask(at, interaction, Some(Problem::NoEmail)));
    }
    if let Some(wait) = recover::charge(state, request) {
        return Ok(too_many(at, interaction, wait));
    }
    // What is longer is no address: it is not kept, and nobody is told.
    if typed.len() <= 255 && !typed.contains('\0') {
        let kind = Kind::SignUp {
            typed: typed.to_owned(),
        };
        let mut due = state.accounts.mail(kind);
        due.locale = Some(request.language().tag().to_owned());
        let insert = state.store.write(move |tx| email_outbox::insert(tx, &due));
        insert.await?;
        state.outbox_filled.notify_one();
    }
    let left = interaction.and_then(|sealed| detour::open(at, sealed));
    let interaction = interaction.filter(|_| left.is_some());
    let mut response = show((state, request), StatusCode::OK, (Step::Sent, left));
    if let Some(sealed) = interaction {
        detour::keep(request, sealed, &mut response);
    }
    Ok(response)
}

fn ask(
    at: (&State, &Request, &Browser),
    interaction: Option<&str>,
    error: Option<Problem>,
) -> Response<Body> {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let (state, request, browser) = at;
    let left = interaction.and_then(|sealed| detour::open(at, sealed));
    let interaction = interaction.filter(|_| left.is_some());
    let form = FormTarget {
        action: request.path_of(PATH),
        csrf: browser.csrf(state, request),
        interaction: interaction.map(str::to_owned),
    };
    let step = Step::Ask { form, error };
    let mut response = show((state, request), status, (step, left));
    browser.remember(&mut response);
    response
}

fn too_many(
    at: (&State, &Request, &Browser),
    interaction: Option<&str>,
    wait: Duration,
) -> Response<Body> {
    let mut response = ask(at, interaction, Some(Problem::TooManyLinks(wait)));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// `left` is the sign-in that the person comes from.
fn show(
    (state, request): (&State, &Request),
    status: StatusCode,
    (step, left): (Step, Option<String>),
) -> Response<Body> {
    let layout = request.layout();
    let page = SignUp {
        layout: match &step {
            Step::Ask { .. } => layout,
            // The same address asks for an address when it is asked for again.
            Step::Sent => layout.without_switch(),
        },
        login_url: left.unwrap_or_else(|| request.path_of("login")),
        support: state.settings.branding.support.clone(),
        step,
    };
    html::html(status, &page)
}
