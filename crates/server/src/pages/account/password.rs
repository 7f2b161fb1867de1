//! Change the password, knowing the present one.

use std::time::Duration;

use askama::Template;
use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::password::{LONGEST, SHORTEST};
use hallpass_protocol::Secret;
use hallpass_protocol::form::Form;
use http::{HeaderValue, Response, StatusCode, header};

use super::gate::{Needs, Visit, done, enter};
use crate::Body;
use crate::accounts::{AccountError, Change, Guessed};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout};
use crate::pages::problem::{Problem, password_hint};
use crate::request::Request;
use crate::state::State;

/// It posts `current`, `new`, `repeated`, and `everything` if programs end, too.
#[derive(Debug, Clone, Template)]
#[template(path = "account_password.html")]
struct PasswordPage {
    layout: Layout,
    form: FormTarget,
    account_url: String,
    recover_url: String,
    user: String,
    current_error: Option<Problem>,
    new_error: Option<Problem>,
    ends_everything: bool,
}

impl PasswordPage {
    fn hint(&self) -> String {
        password_hint(self.layout.words)
    }
}

impl Page for PasswordPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// What was wrong, by field.
#[derive(Clone, Debug, Default)]
struct Mistakes {
    current: Option<Problem>,
    new: Option<Problem>,
    wait: Option<Duration>,
}

/// `GET account/password`, `POST account/password`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let needs = (Needs::FreshSignIn, "account/password");
    let visit = match enter(state, request, needs).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let Some(form) = &visit.form else {
        return Ok(page(state, request, &visit, (Mistakes::default(), true)));
    };
    let ends_everything = form.one("everything")?.is_some();
    match change(state, request, &visit, (form, ends_everything)).await? {
        Ok(response) => Ok(response),
        Err(mistakes) => Ok(page(state, request, &visit, (mistakes, ends_everything))),
    }
}

async fn change(
    state: &State,
    request: &Request,
    visit: &Visit,
    (form, ends_everything): (&Form, bool),
) -> Result<Result<Response<Body>, Mistakes>, PageError> {
    let secret = |name| -> Result<Secret<String>, PageError> {
        Ok(Secret::new(form.one(name)?.unwrap_or_default().to_owned()))
    };
    let (current, new, repeated) = (secret("current")?, secret("new")?, secret("repeated")?);
    let of_new = |problem| Mistakes {
        new: Some(problem),
        ..Mistakes::default()
    };
    let of_current = |problem, wait| Mistakes {
        current: Some(problem),
        wait,
        ..Mistakes::default()
    };
    let wrong = || of_current(Problem::NotPresentPassword, None);
    if new != repeated {
        return Ok(Err(of_new(Problem::PasswordsDiffer)));
    }
    if current.expose().is_empty() || current.expose().len() > LONGEST {
        return Ok(Err(wrong()));
    }
    if new == current {
        return Ok(Err(of_new(Problem::SamePassword)));
    }
    let (renewed, cookie) = visit.person.renew(state, request);
    let change = Change {
        current,
        new,
        ends_everything,
        renewed,
        address: request.peer,
        locale: request.language().tag(),
    };
    let limits = &state.settings.limits;
    let own = visit.own();
    match state.accounts.change_password(own, change, limits).await {
        Ok(Guessed::Changed) => {
            let entry = request.event(Event::PasswordChanged);
            let entry = entry.by_subject(&visit.person.user().id);
            state.audit.keep(entry).await;
            state.outbox_filled.notify_one();
            let mut response = done(request, "password");
            cookie.send(&mut response);
            Ok(Ok(response))
        }
        Ok(Guessed::Wrong) => {
            let entry = request.event(Event::LoginFailure);
            let entry = entry.about(&visit.person.user().id);
            state
                .audit
                .tell(entry.with("method", "password").with("at", "account"));
            Ok(Err(wrong()))
        }
        Ok(Guessed::Locked(wait)) => {
            let problem = Problem::TooManyTries(wait);
            Ok(Err(of_current(problem, Some(wait))))
        }
        Ok(Guessed::Gone) => Ok(Ok(done(request, "gone"))),
        Err(AccountError::BadPassword(problem)) => Ok(Err(of_new(Problem::BadPassword(problem)))),
        Err(error) => Err(Fault::from(error).into()),
    }
}

fn page(
    state: &State,
    request: &Request,
    visit: &Visit,
    (mistakes, ends_everything): (Mistakes, bool),
) -> Response<Body> {
    let status = if mistakes.wait.is_some() {
        StatusCode::TOO_MANY_REQUESTS
    } else if mistakes.current.is_some() || mistakes.new.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = PasswordPage {
        layout: request.layout(),
        form: visit.target(state, request, "account/password"),
        account_url: request.path_of("account"),
        recover_url: request.path_of("login/recover"),
        user: visit.person.user().shown_name().to_owned(),
        current_error: mistakes.current,
        new_error: mistakes.new,
        ends_everything,
    };
    let mut response = html::html(status, &page);
    if let Some(wait) = mistakes.wait {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    visit.browser.remember(&mut response);
    response
}
