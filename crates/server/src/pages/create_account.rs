//! Make an account, with the link from a mail that proves the address.

use askama::Template;
use hallpass_issuer::account::EmailAddress;
use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::password::SHORTEST;
use hallpass_protocol::Secret;
use http::{Method, Response, StatusCode};

use super::detour;
use super::html::{self, Forms, Page};
use super::layout::{FormTarget, Layout};
use super::problem::{Problem, password_hint};
use super::sign_up;
use crate::Body;
use crate::accounts::{AccountError, Newcomer};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::request::Request;
use crate::state::State;

/// The page behind the link. It posts `link`, `display_name`, `password` and `repeated`.
#[derive(Debug, Clone, Template)]
#[template(path = "create_account.html")]
pub struct CreateAccount {
    /// The frame.
    pub layout: Layout,
    /// What the person can do now.
    pub step: Step,
}

/// How far the page is.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask for a name and a password.
    Ask(Ask),
    /// There is an account.
    Done {
        /// The sign-in that the person left, or the sign-in page.
        login_url: String,
    },
    /// The link makes no account (any more).
    Dead {
        /// The sign-in page: perhaps there is an account.
        login_url: String,
        /// Where a new link comes from, if it can.
        sign_up_url: Option<String>,
    },
}

/// The form.
#[derive(Clone)]
pub struct Ask {
    /// Where it posts.
    pub form: FormTarget,
    /// Goes back as the field `link`.
    pub link: String,
    /// The proven address; programs that keep passwords read it.
    pub email: String,
    /// What was typed before an error.
    pub display_name: String,
    /// Shown below the name.
    pub name_error: Option<Problem>,
    /// Shown below the password.
    pub password_error: Option<Problem>,
}

impl Ask {
    fn has_error(&self) -> bool {
        self.name_error.is_some() || self.password_error.is_some()
    }
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

impl CreateAccount {
    fn hint(&self) -> String {
        password_hint(self.layout.words)
    }
}

impl Page for CreateAccount {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Where it lies; links in mails begin so.
const PATH: &str = "login/create-account";

/// `GET login/create-account`, `POST login/create-account`. Opening the page uses nothing up.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let at = (state, request, &browser);
    if request.method != Method::POST {
        let query = request.query_form()?;
        let link = query.one("link")?.unwrap_or_default();
        return ask(at, link, ("", None)).await;
    }
    let form = request.form()?;
    browser.check_csrf(state, request, &form)?;
    if !state.settings.is_open_to_newcomers() {
        return Ok(dead(at));
    }
    let link = form.one("link")?.unwrap_or_default();
    let name = form.one("display_name")?.unwrap_or_default().trim();
    let secret = |name| -> Result<Secret<String>, PageError> {
        Ok(Secret::new(form.one(name)?.unwrap_or_default().to_owned()))
    };
    let (password, repeated) = (secret("password")?, secret("repeated")?);
    let problem = if password == repeated {
        let newcomer = Newcomer {
            display_name: (!name.is_empty()).then(|| name.to_owned()),
            password,
            locale: request.language().tag(),
        };
        match state.accounts.sign_up(link, newcomer).await {
            Ok(account) => {
                let entry = request.event(Event::UserCreated);
                let entry = entry.by_subject(&account.id).with("origin", "sign_up");
                state.audit.keep(entry).await;
                return Ok(done(at));
            }
            Err(AccountError::BadPassword(problem)) => Problem::BadPassword(problem),
            Err(AccountError::BadDisplayName) => Problem::BadDisplayName,
            Err(AccountError::DeadLink) => return Ok(dead(at)),
            Err(error) => return Err(Fault::from(error).into()),
        }
    } else {
        Problem::PasswordsDiffer
    };
    ask(at, link, (name, Some(problem))).await
}

async fn ask(
    at: (&State, &Request, &Browser),
    link: &str,
    (display_name, problem): (&str, Option<Problem>),
) -> Result<Response<Body>, PageError> {
    let (state, request, browser) = at;
    if !state.settings.is_open_to_newcomers() {
        return Ok(dead(at));
    }
    let email: EmailAddress = match state.accounts.open_sign_up(link).await {
        Ok(email) => email,
        Err(AccountError::DeadLink) => return Ok(dead(at)),
        Err(error) => return Err(Fault::from(error).into()),
    };
    let status = if problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let is_of_name = problem == Some(Problem::BadDisplayName);
    let step = Step::Ask(Ask {
        form: FormTarget {
            // Without the link: it stands in the form, and not once more in an address.
            action: request.path_of(PATH),
            csrf: browser.csrf(state, request),
            interaction: None,
        },
        link: link.to_owned(),
        email: email.to_string(),
        display_name: display_name.to_owned(),
        name_error: problem.filter(|_| is_of_name),
        password_error: problem.filter(|_| !is_of_name),
    });
    let mut response = show(request, status, step);
    browser.remember(&mut response);
    Ok(response)
}

fn done(at: (&State, &Request, &Browser)) -> Response<Body> {
    let (_, request, _) = at;
    let left = detour::find(at);
    let login_url = left.unwrap_or_else(|| request.path_of("login"));
    let mut response = show(request, StatusCode::OK, Step::Done { login_url });
    detour::forget(request, &mut response);
    response
}

fn dead(at: (&State, &Request, &Browser)) -> Response<Body> {
    let (_, request, browser) = at;
    let left = detour::find(at);
    let login_url = left.unwrap_or_else(|| request.path_of("login"));
    let step = Step::Dead {
        sign_up_url: sign_up::url_from(at, &login_url),
        login_url,
    };
    let mut response = show(request, StatusCode::GONE, step);
    browser.remember(&mut response);
    response
}

fn show(request: &Request, status: StatusCode, step: Step) -> Response<Body> {
    let layout = request.layout();
    // Only the address of the mail shows the page again.
    let is_of_mail = request.method != Method::POST;
    let page = CreateAccount {
        layout: if is_of_mail {
            layout
        } else {
            layout.without_switch()
        },
        step,
    };
    html::html(status, &page)
}
