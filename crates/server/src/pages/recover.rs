//! Ask for a link to a new password. The answer is always the same, and always as fast: whether
//! there is such an account is looked up when the mail is sent.

use std::time::Duration;

use askama::Template;
use hallpass_issuer::limits::Limit;
use hallpass_issuer::mail::Kind;
use hallpass_store::email_outbox;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::html;
use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout};
use super::problem::Problem;
use crate::Body;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::limiter::network_of;
use crate::request::Request;
use crate::state::State;

/// "Trouble signing in?" It posts `username`.
#[derive(Debug, Clone, Template)]
#[template(path = "recover.html")]
pub struct Recover {
    /// The frame.
    pub layout: Layout,
    /// Back to the sign-in page.
    pub login_url: String,
    /// Where people find help, if the operator named a place.
    pub support: Option<String>,
    /// What the person can do now.
    pub step: Step,
}

/// How far the page is.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask who it is.
    Ask {
        /// Where the name goes.
        form: FormTarget,
        /// Shown below the field.
        error: Option<Problem>,
    },
    /// A mail is on its way, if there is anybody to send it to.
    Sent,
}

impl Page for Recover {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Links that one network asks for.
const PER_NETWORK: Limit = Limit {
    failures: 20,
    window: Duration::from_mins(15),
    lock: Duration::from_mins(15),
};

/// `GET login/recover`, `POST login/recover`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    if request.method != Method::POST {
        return Ok(ask(state, request, &browser, None));
    }
    let form = request.form()?;
    browser.check_csrf(state, request, &form)?;
    let typed = form.one("username")?.unwrap_or_default().trim();
    if typed.is_empty() {
        let nothing = Problem::NoUsernameOrEmail;
        return Ok(ask(state, request, &browser, Some(nothing)));
    }
    if let Some(wait) = charge(state, request) {
        return Ok(too_many(state, request, &browser, wait));
    }
    // What is longer is no name: it is not kept, and nobody is told.
    if typed.len() <= 255 && !typed.contains('\0') {
        let kind = Kind::Recovery {
            typed: typed.to_owned(),
        };
        let mut due = state.accounts.mail(kind);
        due.locale = Some(request.language().tag().to_owned());
        let insert = state.store.write(move |tx| email_outbox::insert(tx, &due));
        insert.await?;
        state.outbox_filled.notify_one();
    }
    Ok(show(state, request, StatusCode::OK, Step::Sent))
}

/// Counts a request for a mail with a link, of whatever kind; how long the network has to wait, if it
/// asked for too many.
pub(super) fn charge(state: &State, request: &Request) -> Option<Duration> {
    let guesser = format!("recover|{}", network_of(request.peer));
    let limiter = &state.limiter;
    let wait = limiter.locked_for(&guesser, request.now);
    if wait.is_none() {
        limiter.add_to_share(&state.store, &guesser, PER_NETWORK, request.now);
    }
    wait
}

/// `GET .well-known/change-password`: where programs that keep passwords send people.
///
/// <https://w3c.github.io/webappsec-change-password-url/>
pub(crate) fn change_password(request: &Request) -> Response<Body> {
    see_other(&request.path_of("account/password"))
}

fn ask(
    state: &State,
    request: &Request,
    browser: &Browser,
    error: Option<Problem>,
) -> Response<Body> {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let form = FormTarget {
        action: request.path_of("login/recover"),
        csrf: browser.csrf(state, request),
        interaction: None,
    };
    let mut response = show(state, request, status, Step::Ask { form, error });
    browser.remember(&mut response);
    response
}

fn too_many(state: &State, request: &Request, browser: &Browser, wait: Duration) -> Response<Body> {
    let mut response = ask(state, request, browser, Some(Problem::TooManyLinks(wait)));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

fn show(state: &State, request: &Request, status: StatusCode, step: Step) -> Response<Body> {
    let layout = request.layout();
    let page = Recover {
        layout: match &step {
            Step::Ask { .. } => layout,
            // The same address asks for a name when it is asked for again.
            Step::Sent => layout.without_switch(),
        },
        login_url: request.path_of("login"),
        support: state.settings.branding.support.clone(),
        step,
    };
    html::html(status, &page)
}
