//! Choose a password, with a link from a mail: the first one after an invitation, or a new one.

use askama::Template;
use hallpass_issuer::account::Account;
use hallpass_issuer::account_link::Purpose;
use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::password::SHORTEST;
use hallpass_protocol::Secret;
use http::{Method, Response, StatusCode};

use super::html;
use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout};
use super::problem::{Problem, password_hint};
use crate::Body;
use crate::accounts::AccountError;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::request::Request;
use crate::state::State;

/// The page behind the link. It posts `link`, `password` and `repeated`.
#[derive(Debug, Clone, Template)]
#[template(path = "choose_password.html")]
pub struct ChoosePassword {
    /// The frame.
    pub layout: Layout,
    /// The sign-in page.
    pub login_url: String,
    /// Where a new link comes from.
    pub recover_url: String,
    /// What the person can do now.
    pub step: Step,
}

/// How far the page is.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask for the password.
    Choose(Choose),
    /// It is set.
    Done,
    /// The link opens nothing (any more).
    Dead,
}

/// The form.
#[derive(Clone)]
pub struct Choose {
    /// Where it posts.
    pub form: FormTarget,
    /// Goes back as the field `link`.
    pub link: String,
    /// Whose password it is; programs that keep passwords read it.
    pub username: String,
    /// Whether the account has none yet.
    pub is_first: bool,
    /// Shown below the password.
    pub error: Option<Problem>,
}

impl std::fmt::Debug for Choose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Choose")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl ChoosePassword {
    fn heading(&self, choose: &Choose) -> &'static str {
        if choose.is_first {
            self.layout.words.choose_password
        } else {
            self.layout.words.choose_new_password
        }
    }

    fn hint(&self) -> String {
        password_hint(self.layout.words)
    }
}

impl Page for ChoosePassword {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `GET login/password`, `POST login/password`. Opening the page uses nothing up.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let registration = state.settings.login.registration;
    if request.method != Method::POST {
        let query = request.query_form()?;
        let link = query.one("link")?.unwrap_or_default();
        return match state.accounts.open_link(link, registration).await {
            Ok(opened) => Ok(choose(state, request, &browser, (link, opened), None)),
            Err(AccountError::DeadLink) => Ok(dead(request)),
            Err(error) => Err(Fault::from(error).into()),
        };
    }
    let form = request.form()?;
    browser.check_csrf(state, request, &form)?;
    let link = form.one("link")?.unwrap_or_default();
    let secret = |name| -> Result<Secret<String>, PageError> {
        Ok(Secret::new(form.one(name)?.unwrap_or_default().to_owned()))
    };
    let (password, repeated) = (secret("password")?, secret("repeated")?);
    let problem = if password == repeated {
        let rules = (request.language().tag(), registration);
        match state.accounts.use_link(link, password, rules).await {
            Ok(account) => {
                let entry = request.event(Event::PasswordReset);
                state.audit.keep(entry.by_subject(&account.id)).await;
                state.outbox_filled.notify_one();
                return Ok(show(request, StatusCode::OK, Step::Done));
            }
            Err(AccountError::BadPassword(problem)) => Problem::BadPassword(problem),
            Err(AccountError::DeadLink) => return Ok(dead(request)),
            Err(error) => return Err(Fault::from(error).into()),
        }
    } else {
        Problem::PasswordsDiffer
    };
    match state.accounts.open_link(link, registration).await {
        Ok(opened) => Ok(choose(
            state,
            request,
            &browser,
            (link, opened),
            Some(problem),
        )),
        Err(AccountError::DeadLink) => Ok(dead(request)),
        Err(error) => Err(Fault::from(error).into()),
    }
}

fn choose(
    state: &State,
    request: &Request,
    browser: &Browser,
    (link, (account, purpose)): (&str, (Account, Purpose)),
    error: Option<Problem>,
) -> Response<Body> {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let step = Step::Choose(Choose {
        form: FormTarget {
            // Without the link: it stands in the form, and not once more in an address.
            action: request.path_of("login/password"),
            csrf: browser.csrf(state, request),
            interaction: None,
        },
        link: link.to_owned(),
        username: account.username.to_string(),
        is_first: purpose == Purpose::Invitation,
        error,
    });
    let mut response = show(request, status, step);
    browser.remember(&mut response);
    response
}

fn dead(request: &Request) -> Response<Body> {
    show(request, StatusCode::GONE, Step::Dead)
}

fn show(request: &Request, status: StatusCode, step: Step) -> Response<Body> {
    let layout = request.layout();
    // Only the address of the mail shows the page again.
    let is_of_mail = request.method != Method::POST;
    let page = ChoosePassword {
        layout: if is_of_mail {
            layout
        } else {
            layout.without_switch()
        },
        login_url: request.path_of("login"),
        recover_url: request.path_of("login/recover"),
        step,
    };
    html::html(status, &page)
}
