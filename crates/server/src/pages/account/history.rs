//! Every try to sign in that is remembered.

use askama::Template;
use hallpass_issuer::sign_in_event::REMEMBERED;
use http::{Response, StatusCode};

use super::gate::{Needs, enter};
use super::overview::load;
use super::rows::{self, EventRow};
use crate::Body;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::languages::Value;
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::Layout;
use crate::request::Request;
use crate::state::State;

/// So many at most: the newest say most.
const MOST: u32 = 200;

#[derive(Debug, Clone, Template)]
#[template(path = "account_history.html")]
struct HistoryPage {
    layout: Layout,
    account_url: String,
    password_url: String,
    days: u64,
    events: Vec<EventRow>,
}

impl Page for HistoryPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `GET account/history`, and the sign-in before it.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let visit = match enter(state, request, (Needs::SignedIn, "account/history")).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let Some(found) = load(state, &visit.person, MOST).await? else {
        return Ok(see_other(&request.path_of("login")));
    };
    let events = found.events.iter();
    let layout = request.layout();
    let said = (layout.words, request.now);
    let page = HistoryPage {
        layout,
        account_url: request.path_of("account"),
        password_url: request.path_of("account/password"),
        days: REMEMBERED.as_secs() / (24 * 3600),
        events: events.map(|row| rows::event(state, said, row)).collect(),
    };
    let mut response = html::html(StatusCode::OK, &page);
    visit.browser.remember(&mut response);
    Ok(response)
}
