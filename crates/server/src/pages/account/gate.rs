//! Who stands before a page of `/account`: only its person gets in, for some things only right after
//! signing in, and a form only from our page in their browser (rows S-15, S-66).

use std::time::Duration;

use hallpass_issuer::factors::required::Demand;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_protocol::form::Form;
use http::{Method, Response};

use crate::Body;
use crate::accounts::{Own, SettingUp};
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::pages::layout::FormTarget;
use crate::pages::login::{self, Asking, Mistakes, Purpose};
use crate::pages::second_factor::{self, Progress};
use crate::request::Request;
use crate::state::State;

/// So long after a sign-in the things that matter most can be done.
const FRESH: Duration = Duration::from_mins(10);

/// How long ago the person may have signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// As long as they are signed in.
    SignedIn,
    /// [`FRESH`] at most.
    FreshSignIn,
}

/// A person who got in.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) person: SignedInUser,
    pub(super) browser: Browser,
    /// What they posted; it is theirs.
    pub(super) form: Option<Form>,
}

/// Lets the person of this browser in, or asks them to sign in, after which they are at `page`. A
/// form that comes too early is not kept: what it asks for is asked again.
pub(super) async fn enter(
    state: &State,
    request: &Request,
    (needs, page): (Needs, &str),
) -> Result<Result<Visit, Response<Body>>, PageError> {
    let browser = Browser::of(state, request);
    let form = match request.method {
        Method::POST => Some(request.form()?),
        _ => None,
    };
    let page = request.path_of(page);
    let mut asking = Asking {
        purpose: Purpose::Here,
        action: page.clone(),
        hint: None,
        parameters: Form::default(),
    };
    if let Some(form) = &form
        && second_factor::is_step(form)?
    {
        browser.check_sign_in(state, request, form)?;
        let usual = (asking, &Demand::Usual);
        return match second_factor::advance(state, request, &browser, usual, form).await? {
            Progress::Page(page) => Ok(Err(page)),
            Progress::Unreachable => Err(PageError::NotApprovable(NotApprovable::SecondFactor)),
            Progress::SignedIn(person) => {
                let (_, cookie) = SignedInUser::sign_in(state, request, person).await?;
                let mut response = see_other(&page);
                cookie.send(&mut response);
                Ok(Err(response))
            }
        };
    }
    let found = SignedInUser::find(state, request).await?;
    let Some(person) = found else {
        let asked = login::page(state, request, &browser, asking, &Mistakes::default());
        return Ok(Err(asked));
    };
    if let Some(form) = form.as_ref().filter(|form| second_factor::is_answer(form)) {
        let at = (state, request, &browser);
        return Ok(Err(
            second_factor::take_step_up(at, (&person, form), &page).await?
        ));
    }
    if let Some(form) = &form {
        browser.check_csrf_of(state, request, (form, &person))?;
        // Our pages send no referrer, so that some browsers call their origin `null`.
        let is_silent =
            request.header("sec-fetch-site").is_none() && request.header("origin") == Some("null");
        if request.is_cross_site() && !is_silent {
            return Err(PageError::Forged);
        }
    }
    if needs == Needs::FreshSignIn && person.is_older_than(Some(FRESH), request) {
        asking.purpose = Purpose::Confirm;
        asking.hint = Some(person.user().shown_name());
        let asked = login::page(state, request, &browser, asking, &Mistakes::default());
        return Ok(Err(asked));
    }
    if needs == Needs::FreshSignIn {
        // A password is not enough for somebody who has a second factor by now, wherever they set it
        // up: who signed in just before with a stolen one would stay in.
        let at = (state, request, &browser);
        if let Some(asked) = second_factor::ask_if_enrolled(at, &person, &page).await? {
            return Ok(Err(asked));
        }
    }
    Ok(Ok(Visit {
        person,
        browser,
        form,
    }))
}

impl Visit {
    /// The same, under another cookie.
    pub(super) fn with(&self, person: SignedInUser) -> Self {
        Self {
            person,
            browser: self.browser.clone(),
            form: None,
        }
    }

    /// Whose account it is.
    pub(super) fn own(&self) -> Own {
        Own {
            user: self.person.user().id.clone(),
            sign_in: self.person.proof().clone(),
        }
    }

    /// This person, who changes their second factors.
    pub(super) fn setting_up(&self, state: &State, request: &Request) -> SettingUp {
        SettingUp {
            own: self.own(),
            event: None,
            offered: state.settings.factor_policy().offered,
            locale: request.language().tag(),
        }
    }

    /// A form of this person in this browser.
    pub(super) fn target(&self, state: &State, request: &Request, page: &str) -> FormTarget {
        FormTarget {
            action: request.path_of(page),
            csrf: self.browser.csrf_of(state, request, &self.person),
            interaction: None,
        }
    }
}

/// Back to the overview, which says what was done.
pub(super) fn done(request: &Request, word: &str) -> Response<Body> {
    see_other(&format!("{}?done={word}", request.path_of("account")))
}
