//! Sign in: in dev mode a username is all it takes.
//!
//! Authentication request: <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest>

use askama::Template;
use hallpass_issuer::user::User;
use hallpass_protocol::UserId;
use hallpass_protocol::form::Form;
use http::{Method, Response, StatusCode};

use super::html;
use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout, Pair, initial};
use crate::Body;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::issuance;
use crate::request::Request;
use crate::state::State;

/// The sign-in page. It posts `username` and, in dev mode, `claims`.
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
    /// Shown below the username.
    pub username_error: Option<String>,
    /// Shown below the claims, for example that they are not a JSON object.
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
}

impl Login {
    fn has_error(&self) -> bool {
        self.username_error.is_some() || self.claims_error.is_some()
    }

    fn claims_need_attention(&self) -> bool {
        self.claims_error.is_some() && self.username_error.is_none()
    }
}

impl Page for Login {
    const FORMS: Forms = Forms::ReachClient;
}

/// What was wrong with a sign-in form, beside the field it concerns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes {
    username: Option<String>,
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

/// Reads a sign-in form: in dev mode any name signs in.
pub(crate) fn read(form: &Form) -> Result<User, Mistakes> {
    let field = |name| {
        form.one(name)
            .ok()
            .flatten()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let (username, claims) = (field("username"), field("claims"));
    let mut mistakes = Mistakes {
        sent: (username.clone(), claims.clone()),
        ..Mistakes::default()
    };
    // OIDC Core §8: a subject has at most 255 characters.
    if username.is_empty() {
        mistakes.username = Some("Enter a user name: any will do.".to_owned());
    } else if username.len() > 255 || username.chars().any(char::is_control) {
        mistakes.username =
            Some("A user name has at most 255 characters, all of them visible.".to_owned());
    }
    match issuance::read_claims(Some(&claims)) {
        Ok(claims) if mistakes.username.is_none() => {
            return Ok(User {
                id: UserId::new(username),
                claims,
            });
        }
        Ok(_) => {}
        Err(error) => {
            mistakes.claims = Some(format!(
                "The claims are a JSON object, such as {{\"email\": \"ada@example.com\"}}: {error}."
            ));
        }
    }
    Err(mistakes)
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
    let status = if mistakes.username.is_some() || mistakes.claims.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let csrf = browser.csrf(state, request);
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
        username_error: mistakes.username.clone(),
        claims_error: mistakes.claims.clone(),
        recent_users: state.recent_users.of(&request.issuer),
        parameters: asking.parameters.iter().map(pair).collect(),
    };
    let mut response = html::html(status, &page);
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
    match read(&form) {
        Err(mistakes) => Ok(page(state, request, &browser, asking, &mistakes)),
        Ok(user) => {
            let (_, cookie) = SignedInUser::sign_in(state, request, user).await?;
            let mut response = see_other(&request.path_of("device"));
            cookie.send(&mut response);
            Ok(response)
        }
    }
}
