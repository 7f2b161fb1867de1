//! Sign in: with the password of an account; in dev mode a username is all it takes.
//!
//! Authentication request: <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest>

use std::time::Duration;

use askama::Template;
use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::password::LONGEST;
use hallpass_issuer::factors::required::Demand;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::form::Form;
use hallpass_protocol::{Secret, UserId};
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::html;
use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout, Pair, initial};
use super::passkey::Ask;
use super::problem::{Problem, Said};
use super::second_factor::{self, Progress};
use super::sign_up;
use crate::Body;
use crate::accounts::{Guess, KnownBrowser, Outcome, Rules, Waits};
use crate::dev_mode;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::{Person, SignedInUser};
use crate::extract::user_agent;
use crate::request::Request;
use crate::state::State;

/// The sign-in page. It posts `username`, with `password` in production and `claims` in dev mode.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct Login {
    /// The frame.
    pub layout: Layout,
    /// The same URL that showed the page.
    pub form: FormTarget,
    /// What signing in is for.
    pub purpose: Purpose,
    /// Prefilled: `login_hint`, or what was typed before an error.
    pub username: String,
    /// Prefilled after an error. Dev mode only.
    pub claims: String,
    /// Where to go with a forgotten password. Production only: there the page asks for one.
    pub recover_url: Option<String>,
    /// Where somebody without an account makes one, where anybody may.
    pub sign_up_url: Option<String>,
    /// Shown above the fields: why the two did not sign in. Never which of them was wrong.
    pub refusal: Option<Problem>,
    /// What is asked of a passkey, where the server takes them.
    pub passkey: Option<Ask>,
    /// Shown below the username.
    pub username_error: Option<Problem>,
    /// Why the claims cannot be read, as the reader of JSON says it. Dev mode only.
    pub claims_error: Option<String>,
    /// The last users of this server, newest first; each is a button. Dev mode only.
    pub recent_users: Vec<String>,
    /// The authorization request, for its developer. Dev mode only.
    pub parameters: Vec<Pair>,
}

/// What the person gets to after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A client, by its display name.
    Continue(String),
    /// The page that takes a user code.
    ConnectDevice,
    /// This server's own pages.
    Here,
    /// A change that needs a sign-in of the last minutes.
    Confirm,
}

impl Login {
    fn has_error(&self) -> bool {
        self.username_error.is_some() || self.claims_error.is_some() || self.refusal.is_some()
    }

    /// With a name in place, the password is the first thing to do.
    fn password_needs_attention(&self) -> bool {
        self.recover_url.is_some() && !self.username.is_empty() && self.username_error.is_none()
    }

    fn claims_need_attention(&self) -> bool {
        self.claims_error.is_some() && self.username_error.is_none()
    }
}

impl Page for Login {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// What was wrong with a sign-in form, beside the field it concerns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes {
    refusal: Option<Problem>,
    /// The page was too old for the passkey that somebody wanted to sign in with.
    is_too_old: bool,
    /// So long no further try is looked at.
    wait: Option<Duration>,
    username: Option<Problem>,
    claims: Option<String>,
    sent: (String, String),
}

/// What the sign-in page is for.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    /// What the person gets.
    pub(crate) purpose: Purpose,
    /// Where the form posts.
    pub(crate) action: String,
    /// Whom the client expects.
    pub(crate) hint: Option<&'a str>,
    /// The parameters of the request, for the developer to see.
    pub(crate) parameters: Form,
}

impl Mistakes {
    /// No mistake: the page was open for longer than its challenge holds.
    pub(crate) fn too_old() -> Self {
        Self {
            is_too_old: true,
            ..Self::default()
        }
    }

    /// A sign-in that begins anew, with the reason.
    pub(crate) fn refused(problem: Problem) -> Self {
        Self {
            refusal: Some(problem),
            ..Self::default()
        }
    }
}

/// What a sign-in form came to.
#[derive(Debug)]
pub(crate) enum Read {
    /// Somebody is known.
    SignedIn(Person),
    /// Somebody is, as far as a password can say; more is needed of them.
    Waits {
        waits: Box<Waits>,
        /// What was typed as the user name, folded.
        name: String,
    },
    /// Somebody is, and cannot show what is needed.
    Unreachable,
    /// Nobody is.
    Mistakes(Mistakes),
}

/// Finds out who posted a sign-in form. This is where dev mode and production part: in dev mode any
/// name signs in, in production an account with its password.
pub(crate) async fn read(
    state: &State,
    request: &Request,
    (form, demand): (&Form, &Demand),
) -> Result<Read, PageError> {
    if state.settings.is_production() {
        return read_account(state, request, (form, demand)).await;
    }
    Ok(match read_anybody(form) {
        Ok(user) => Read::SignedIn(Person {
            user,
            sign_in: SignIn::default(),
            known_browser: None,
        }),
        Err(mistakes) => Read::Mistakes(*mistakes),
    })
}

async fn read_account(
    state: &State,
    request: &Request,
    (form, demand): (&Form, &Demand),
) -> Result<Read, PageError> {
    let username = field(form, "username");
    let mut mistakes = Mistakes {
        sent: (username.clone(), String::new()),
        ..Mistakes::default()
    };
    let password = Secret::new(form.one("password")?.unwrap_or_default().to_owned());
    if username.is_empty() {
        mistakes.username = Some(Problem::NoUsername);
        return Ok(Read::Mistakes(mistakes));
    }
    // Nobody has a longer name, and no password is longer: no work for what cannot be right.
    let is_too_long = username.len() > 255 || password.expose().len() > LONGEST;
    if !state.settings.login.password || password.expose().is_empty() || is_too_long {
        mistakes.refusal = Some(Problem::WrongPassword);
        return Ok(Read::Mistakes(mistakes));
    }
    let name = username.to_ascii_lowercase();
    let browser = KnownBrowser::of(state, request);
    let guess = Guess {
        known_browser: browser.guesser(&name),
        name: name.clone(),
        password,
        address: request.peer,
        browser: user_agent::in_words(request),
    };
    let rules = Rules {
        limits: &state.settings.limits,
        factors: state.settings.factor_policy(),
        demand,
    };
    let judged = state.accounts.sign_in(guess, rules).await;
    match judged.map_err(Fault::from)? {
        Outcome::SignedIn(account) => {
            let entry = request.event(Event::LoginSuccess);
            let entry = entry.by_subject(&account.id);
            state.audit.tell(entry.with("method", "password"));
            return Ok(Read::SignedIn(Person {
                user: account.user(),
                sign_in: SignIn {
                    browser: user_agent::in_words(request),
                    ..SignIn::by_password(account.security_epoch)
                },
                known_browser: Some(browser.with(state, request, &name)),
            }));
        }
        Outcome::Waits(waits) => return Ok(Read::Waits { waits, name }),
        Outcome::Unreachable => return Ok(Read::Unreachable),
        Outcome::Wrong(account) => {
            let entry = request.event(Event::LoginFailure);
            let entry = entry.with("method", "password");
            // What was typed is no name of anybody, and perhaps a password.
            state.audit.tell(match &account {
                Some(account) => entry.about(account),
                None => entry,
            });
            mistakes.refusal = Some(Problem::WrongPassword);
        }
        Outcome::Locked(wait) => {
            let entry = request.event(Event::LoginLocked);
            state.audit.tell(entry.with("seconds", wait.as_secs()));
            mistakes.refusal = Some(Problem::TooManyTries(wait));
            mistakes.wait = Some(wait);
        }
    }
    Ok(Read::Mistakes(mistakes))
}

fn field(form: &Form, name: &str) -> String {
    let value = form.one(name).ok().flatten();
    value.unwrap_or_default().trim().to_owned()
}

/// Dev mode: any name signs in.
fn read_anybody(form: &Form) -> Result<User, Box<Mistakes>> {
    let (username, claims) = (field(form, "username"), field(form, "claims"));
    let mut mistakes = Mistakes {
        sent: (username.clone(), claims.clone()),
        ..Mistakes::default()
    };
    // OIDC Core §8: a subject has at most 255 characters.
    if username.is_empty() {
        mistakes.username = Some(Problem::NotAnyUsername);
    } else if username.len() > 255 || username.chars().any(char::is_control) {
        mistakes.username = Some(Problem::BadUsername);
    }
    match dev_mode::read_claims(Some(&claims)) {
        Ok(claims) if mistakes.username.is_none() => {
            return Ok(User {
                id: UserId::new(username),
                claims,
            });
        }
        Ok(_) => {}
        Err(error) => {
            mistakes.claims = Some(error.to_string());
        }
    }
    Err(Box::new(mistakes))
}

/// The sign-in page.
pub(crate) fn page(
    state: &State,
    request: &Request,
    browser: &Browser,
    asking: Asking<'_>,
    mistakes: &Mistakes,
) -> Response<Body> {
    let pair = |(name, value): (&str, &str)| Pair {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let (username, claims) = mistakes.sent.clone();
    let hinted = if username.is_empty() {
        asking.hint.unwrap_or_default().to_owned()
    } else {
        username
    };
    let has_mistake = mistakes.username.is_some() || mistakes.claims.is_some();
    let status = if mistakes.wait.is_some() {
        StatusCode::TOO_MANY_REQUESTS
    } else if has_mistake || mistakes.refusal.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let csrf = browser.csrf(state, request);
    // Who signs in once more has an account.
    let sign_up_url = match asking.purpose {
        Purpose::Confirm => None,
        Purpose::Continue(_) | Purpose::ConnectDevice | Purpose::Here => {
            sign_up::url_from((state, request, browser), &asking.action)
        }
    };
    let relying_party = state.settings.passkeys.as_ref();
    let production = state.settings.is_production();
    let page = Login {
        layout: request.layout(),
        form: FormTarget {
            action: asking.action,
            csrf,
            interaction: None,
        },
        purpose: asking.purpose,
        username: hinted,
        claims,
        recover_url: production.then(|| request.path_of("login/recover")),
        sign_up_url,
        refusal: mistakes.refusal,
        passkey: relying_party.map(|here| {
            let ask = Ask::to_sign_in((state, request, browser), here);
            let ask = Ask {
                // A browser that answers by itself would do so again and again.
                is_conditional: mistakes.refusal != Some(Problem::PasskeyNotAccepted),
                ..ask
            };
            let too_old = mistakes.is_too_old.then_some(Said::TooOld);
            ask.after(too_old.unwrap_or(Said::Nothing))
        }),
        username_error: mistakes.username,
        claims_error: mistakes.claims.clone(),
        recent_users: state.recent_users.of(&request.issuer),
        parameters: if production {
            Vec::new()
        } else {
            asking.parameters.iter().map(pair).collect()
        },
    };
    let mut response = html::html(status, &page);
    if let Some(wait) = mistakes.wait {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    browser.remember(&mut response);
    response
}

/// `GET login`, `POST login`: sign in without a client, before a device code is entered.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let asking = Asking {
        purpose: Purpose::Here,
        action: request.path.clone(),
        hint: None,
        parameters: Form::default(),
    };
    if request.method != Method::POST {
        return Ok(page(state, request, &browser, asking, &Mistakes::default()));
    }
    let form = request.form()?;
    browser.check_sign_in(state, request, &form)?;
    let usual = (asking, &Demand::Usual);
    match second_factor::advance(state, request, &browser, usual, &form).await? {
        Progress::Page(page) => Ok(page),
        Progress::Unreachable => Err(PageError::NotApprovable(NotApprovable::SecondFactor)),
        Progress::SignedIn(person) => {
            let (_, cookie) = SignedInUser::sign_in(state, request, person).await?;
            let mut response = see_other(&request.path_of("device"));
            cookie.send(&mut response);
            Ok(response)
        }
    }
}
