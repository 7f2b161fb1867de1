//! The first page of `/account`.

use askama::Template;
use http::{Response, StatusCode};

use super::gate::{Needs, Visit, enter};
use super::rows::{self, AppRow, BrowserRow, EventRow, ProgramRow};
use crate::Body;
use crate::accounts::Overview;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::signed_in_user::SignedInUser;
use crate::languages::Words;
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout, initial};
use crate::request::Request;
use crate::state::State;

/// So many of the last tries stand on the first page.
const EVENTS: u32 = 5;
/// So many programs; whoever has more ends them all at once.
const MOST_PROGRAMS: usize = 200;

/// "Your account". Its forms post `sid`, `client` and `action`.
#[derive(Debug, Clone, Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    user: String,
    display_name: Option<String>,
    email: Option<String>,
    is_email_proven: bool,
    notice: Option<&'static str>,
    sessions_form: FormTarget,
    apps_form: FormTarget,
    export_form: FormTarget,
    password_url: String,
    security_url: String,
    history_url: String,
    delete_url: String,
    sign_out_url: String,
    programs: Vec<ProgramRow>,
    more_programs: u64,
    browsers: Vec<BrowserRow>,
    apps: Vec<AppRow>,
    events: Vec<EventRow>,
}

impl Page for AccountPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl AccountPage {
    /// So many sessions end with "Revoke all others".
    fn others(&self) -> u64 {
        let browsers = self.browsers.iter().filter(|row| !row.is_this).count();
        let listed = u64::try_from(self.programs.len() + browsers).unwrap_or(u64::MAX);
        listed.saturating_add(self.more_programs)
    }
}

/// `GET account`, and the sign-in before it.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let visit = match enter(state, request, (Needs::SignedIn, "account")).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let query = request.query_form()?;
    let words = request.layout().words;
    let notice = query.one("done")?.and_then(|done| words_for(words, done));
    match load(state, &visit.person, EVENTS).await? {
        Some(found) => Ok(page(state, request, &visit, (found, notice))),
        // Deleted a moment ago.
        None => Ok(see_other(&request.path_of("login"))),
    }
}

/// What the person has.
pub(super) async fn load(
    state: &State,
    person: &SignedInUser,
    events: u32,
) -> Result<Option<Overview>, PageError> {
    let access = state.settings.token_rules.access_lifetime;
    let found = state.accounts.overview(&person.user().id, access, events);
    Ok(found.await.map_err(Fault::from)?)
}

fn page(
    state: &State,
    request: &Request,
    visit: &Visit,
    (found, notice): (Overview, Option<&'static str>),
) -> Response<Body> {
    let layout = request.layout();
    let (words, now) = (layout.words, request.now);
    let more_programs = found.authorizations.len().saturating_sub(MOST_PROGRAMS);
    let more_programs = u64::try_from(more_programs).unwrap_or(u64::MAX);
    let programs = found.authorizations.into_iter().take(MOST_PROGRAMS);
    let browsers = found.browsers.iter();
    let page = AccountPage {
        layout,
        user: found.account.username.to_string(),
        display_name: found.account.display_name,
        is_email_proven: found.account.email_verified_at.is_some(),
        email: found.account.email.map(|email| email.as_str().to_owned()),
        notice,
        sessions_form: visit.target(state, request, "account/sessions"),
        apps_form: visit.target(state, request, "account/apps"),
        export_form: visit.target(state, request, "account/export"),
        password_url: request.path_of("account/password"),
        security_url: request.path_of("account/security"),
        history_url: request.path_of("account/history"),
        delete_url: request.path_of("account/delete"),
        sign_out_url: request.path_of(request.paths.end_session),
        programs: programs
            .map(|row| rows::program(state, (words, now), row))
            .collect(),
        more_programs,
        browsers: browsers
            .map(|row| rows::browser(state, (words, now), (row, &visit.person)))
            .collect(),
        apps: rows::apps(state, now, &found.consents),
        events: found
            .events
            .iter()
            .map(|row| rows::event(state, (words, now), row))
            .collect(),
    };
    let mut response = html::html(StatusCode::OK, &page);
    visit.browser.remember(&mut response);
    response
}

/// What was done before the page came; any other word says nothing.
fn words_for(words: &'static Words, done: &str) -> Option<&'static str> {
    Some(match done {
        "revoked" => words.done_revoked,
        "renamed" => words.done_renamed,
        "others" => words.done_others,
        "forgotten" => words.done_forgotten,
        "password" => words.done_password,
        "gone" => words.done_gone,
        _ => return None,
    })
}
