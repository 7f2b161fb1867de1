//! Set up an authenticator app, or move to another one. The present one works until the new one has
//! shown that it does.

use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_issuer::user::Method;
use hallpass_protocol::Secret;
use http::Response;

use super::gate::{Needs, Visit, enter};
use super::paths::{SECURITY, TOTP};
use crate::Body;
use crate::accounts::{Enrolment, NewTotp};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::pages::layout::FormTarget;
use crate::pages::problem::Problem;
use crate::pages::second_factor::{Codes, Enrolling, RecoveryCodesPage, SetUp, SetUpPage};
use crate::request::Request;
use crate::state::State;

/// `GET account/security/totp`, `POST account/security/totp`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    if !state.settings.login.totp {
        return Err(PageError::NotFound);
    }
    let visit = match enter(state, request, (Needs::FreshSignIn, TOTP)).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let at = (state, request, &visit.browser);
    let Some(form) = &visit.form else {
        let seed = TotpSeed::generate(state.random.as_ref());
        return Ok(page(state, request, (&visit, &seed), None));
    };
    let token = form.one("interaction")?.unwrap_or_default();
    let Some(seed) = Enrolling::read(at, &visit.person, token) else {
        return Ok(see_other(&request.path_of(TOTP)));
    };
    let new = NewTotp {
        seed: seed.clone(),
        code: Secret::new(form.one("code")?.unwrap_or_default().to_owned()),
    };
    let by = visit.setting_up(state, request);
    let enrolled = state.accounts.enrol_totp(by, new).await;
    match enrolled.map_err(Fault::from)? {
        Enrolment::Wrong => Ok(page(
            state,
            request,
            (&visit, &seed),
            Some(Problem::WrongTotp),
        )),
        Enrolment::Gone => Ok(see_other(&request.path_of(SECURITY))),
        Enrolment::Done(codes) => done(state, request, &visit, &codes).await,
    }
}

/// The app has just proved itself: the session knows it, under a new cookie.
async fn done(
    state: &State,
    request: &Request,
    visit: &Visit,
    codes: &[Secret<String>],
) -> Result<Response<Body>, PageError> {
    let user = visit.person.user();
    let entry = request.event(Event::MfaEnrolled).by_subject(&user.id);
    state.audit.keep(entry.with("kind", "totp")).await;
    state.outbox_filled.notify_one();
    let proved = visit.person.proof().clone();
    let proved = proved.with_factor(Method::Totp, request.now);
    let (_, cookie) = visit.person.step_up(state, request, proved).await?;
    let next = Codes::Back {
        url: format!("{}?done=changed", request.path_of(SECURITY)),
    };
    let at = (request, &visit.browser);
    let mut response = RecoveryCodesPage::answer(at, (user.shown_name(), codes), next);
    cookie.send(&mut response);
    Ok(response)
}

fn page(
    state: &State,
    request: &Request,
    (visit, seed): (&Visit, &TotpSeed),
    error: Option<Problem>,
) -> Response<Body> {
    let at = (state, request, &visit.browser);
    let form = FormTarget {
        interaction: Some(Enrolling::seal(at, &visit.person, seed)),
        ..visit.target(state, request, TOTP)
    };
    let set_up = SetUp {
        seed: Some(seed),
        passkey: None,
        error,
    };
    let user = visit.person.user().shown_name();
    let back = Some(request.path_of(SECURITY));
    SetUpPage::answer(at, (user, set_up), (form, None), back)
}
