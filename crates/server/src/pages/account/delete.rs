//! Leave: the account and everything that it has.

use askama::Template;
use hallpass_issuer::audit::Event;
use http::{Method, Response, StatusCode};

use super::gate::{Needs, Visit, done, enter};
use crate::Body;
use crate::accounts::Deletion;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::signed_in_user::SignedInUser;
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout};
use crate::pages::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// It posts `name`: the user name once more.
#[derive(Debug, Clone, Template)]
#[template(path = "account_delete.html")]
struct DeletePage {
    layout: Layout,
    step: Step,
}

/// How far it is.
#[derive(Debug, Clone)]
enum Step {
    /// Ask.
    Confirm {
        form: FormTarget,
        account_url: String,
        user: String,
        error: Option<Problem>,
    },
    /// The account is gone.
    Deleted,
}

impl Page for DeletePage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `GET account/delete`, `POST account/delete`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    if request.method != Method::POST
        && request.query_form()?.one("done")? == Some("deleted")
        && SignedInUser::find(state, request).await?.is_none()
    {
        let layout = request.layout();
        let step = Step::Deleted;
        return Ok(html::html(StatusCode::OK, &DeletePage { layout, step }));
    }
    let needs = (Needs::FreshSignIn, "account/delete");
    let visit = match enter(state, request, needs).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let Some(form) = &visit.form else {
        return Ok(page(state, request, &visit, None));
    };
    let user = visit.person.user();
    let typed = form.one("name")?.unwrap_or_default().trim();
    if !typed.eq_ignore_ascii_case(user.shown_name()) {
        let problem = Problem::NotYourUsername;
        return Ok(page(state, request, &visit, Some(problem)));
    }
    // What they did until now is cleared of them with their account.
    state.audit.flush().await;
    let deleted = state.accounts.delete_own(visit.own()).await;
    match deleted.map_err(Fault::from)? {
        Deletion::Done => {}
        Deletion::LastAdmin => {
            let problem = Problem::LastAdmin;
            return Ok(page(state, request, &visit, Some(problem)));
        }
        Deletion::Gone => return Ok(done(request, "gone")),
    }
    let entry = request.event(Event::UserDeleted);
    state.audit.keep(entry.by_subject(&user.id)).await;
    let mut response = see_other(&format!("{}?done=deleted", request.path));
    SignedInUser::forget(request).send(&mut response);
    Ok(response)
}

fn page(state: &State, request: &Request, visit: &Visit, error: Option<Problem>) -> Response<Body> {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = DeletePage {
        layout: request.layout(),
        step: Step::Confirm {
            form: visit.target(state, request, "account/delete"),
            account_url: request.path_of("account"),
            user: visit.person.user().shown_name().to_owned(),
            error,
        },
    };
    let mut response = html::html(status, &page);
    visit.browser.remember(&mut response);
    response
}
