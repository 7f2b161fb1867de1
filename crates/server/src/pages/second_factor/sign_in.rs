//! A sign-in, step by step: the password, then the second factor, or setting one up.

use hallpass_issuer::factors::required::Demand;
use hallpass_issuer::user::SignIn;
use hallpass_protocol::form::Form;

use super::pending::{Pending, Stage};
use super::progress::{At, Progress, begin_again, refused, signed_in};
use super::{enrol, prove};
use crate::accounts::Waits;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::user_agent;
use crate::pages::login::{self, Asking, Mistakes, Read};
use crate::pages::passkey::{self, Judged};
use crate::pages::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// Whether a form is a step of a sign-in: that of the sign-in page, or one after it.
pub(crate) fn is_step(form: &Form) -> Result<bool, PageError> {
    let has_password = form.has("username") && form.has("password");
    Ok(has_password || form.has("pending") || passkey::is_sign_in(form)?)
}

/// Takes the next step of a sign-in. The caller has checked the CSRF token. `asking` says what the
/// person signs in for, and where forms post to; `demand` is what is asked of them there.
pub(crate) async fn advance(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asking, demand): (Asking<'_>, &Demand),
    form: &Form,
) -> Result<Progress, PageError> {
    let at = (state, request, browser);
    if form.has("pending") {
        return go_on(at, asking, form).await;
    }
    if passkey::is_sign_in(form)? {
        return match passkey::sign_in(at, form).await? {
            Judged::SignedIn(person) => Ok(Progress::SignedIn(*person)),
            Judged::TooOld => Ok(begin_again(at, asking, &Mistakes::too_old())),
            Judged::Refused => Ok(refused(at, asking, Problem::PasskeyNotAccepted)),
        };
    }
    match login::read(state, request, (form, demand)).await? {
        Read::SignedIn(person) => Ok(Progress::SignedIn(person)),
        Read::Waits { waits, name } => first_page(at, asking, (&waits, &name)).await,
        Read::Unreachable => Ok(Progress::Unreachable),
        Read::Mistakes(mistakes) => Ok(begin_again(at, asking, &mistakes)),
    }
}

/// After a right password.
async fn first_page(
    at: At<'_>,
    asking: Asking<'_>,
    (waits, name): (&Waits, &str),
) -> Result<Progress, PageError> {
    let (_, request, _) = at;
    let account = &waits.account;
    let sign_in = SignIn {
        browser: user_agent::in_words(request),
        ..SignIn::by_password(account.security_epoch)
    };
    let pending = |stage| {
        let names = (name, account.username.as_str());
        Pending::new(
            (&account.id, sign_in.clone()),
            names,
            (waits.event, stage),
            request.now,
        )
    };
    if !waits.enrols {
        let pending = pending(Stage::Prove);
        return prove::first_page(at, &asking.action, (&pending, waits)).await;
    }
    Ok(enrol::first_page(at, asking, pending))
}

/// What a form after the password brings.
async fn go_on(at: At<'_>, asking: Asking<'_>, form: &Form) -> Result<Progress, PageError> {
    let Some(pending) = Pending::read(at, form)? else {
        return Ok(refused(at, asking, Problem::SignInTooOld));
    };
    match pending.stage.clone() {
        Stage::Prove => prove::prove(at, asking, (pending, form)).await,
        Stage::Enrol(_) => enrol::enrol(at, asking, pending, form).await,
        Stage::Enrolled if form.has("saved") => finish(at, asking, pending).await,
        Stage::Enrolled => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
}

/// The codes are saved: the sign-in is done.
async fn finish(at: At<'_>, asking: Asking<'_>, pending: Pending) -> Result<Progress, PageError> {
    let finished = at.0.accounts.finish_sign_in(pending.own(), pending.event);
    match finished.await.map_err(Fault::from)? {
        Some(account) => {
            let sign_in = pending.sign_in.clone();
            Ok(Progress::SignedIn(signed_in(
                at,
                &pending,
                (&account, sign_in),
            )))
        }
        None => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
}
