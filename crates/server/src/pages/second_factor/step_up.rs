//! A step-up: somebody who is signed in shows a second factor, for what needs one. Their session goes
//! on under a new cookie (row A-78).
//!
//! RFC 9470 §5: <https://www.rfc-editor.org/rfc/rfc9470#section-5>

use hallpass_issuer::account::Role;
use hallpass_issuer::factors::acr::Acr;
use hallpass_issuer::factors::required::{Demand, Factors, Missing, Person as Having};
use hallpass_protocol::form::Form;
use http::Response;

use super::code_page::{Posted, Step};
use super::prove::judge;
use crate::Body;
use crate::accounts::{KnownBrowser, Own, Proved, Shown};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::pages::layout::FormTarget;
use crate::pages::problem::{Problem, Said};
use crate::request::Request;
use crate::state::State;

/// What somebody who is signed in has to do first.
#[derive(Debug)]
pub(crate) enum StepUp {
    /// Nothing.
    Enough,
    /// Show a second factor: on this page.
    Page(Response<Body>),
    /// Sign in once more, since they have none to show and one has to be set up.
    SignIn,
    /// Nothing that would do.
    Unreachable,
}

/// Whether a form answers the page of a step-up.
pub(crate) fn is_answer(form: &Form) -> bool {
    form.has("step")
}

/// Asks for what a demand needs. `action` is the page that needs it, where forms post to.
pub(crate) async fn ask(
    at: (&State, &Request, &Browser),
    (person, demand): (&SignedInUser, &Demand),
    action: &str,
) -> Result<StepUp, PageError> {
    let (state, request, _) = at;
    let policy = state.settings.factor_policy();
    // Most demand nothing, and most have it: that costs no look at the database.
    let nobody = Having {
        role: Role::User,
        enrolled: Factors::default(),
    };
    let missing = policy.when_signed_in((nobody, person.proof()), demand, request.now);
    if !state.settings.is_production() || missing == Missing::Nothing {
        return Ok(StepUp::Enough);
    }
    let enrolled = state.accounts.second_factors(&person.user().id).await;
    let having = Having {
        enrolled: enrolled.map_err(Fault::from)?.kinds(),
        ..nobody
    };
    match policy.when_signed_in((having, person.proof()), demand, request.now) {
        Missing::Nothing => Ok(StepUp::Enough),
        Missing::Enrolment => Ok(StepUp::SignIn),
        Missing::Unreachable => Ok(StepUp::Unreachable),
        Missing::Factor => {
            let usable = policy.usable_for(having, demand);
            let step = step(at, (person, usable), action);
            Ok(StepUp::Page(step.page(None, Said::Nothing).await?))
        }
    }
}

/// Asks whoever has a second factor and has not shown it in this session; `None` for everybody else.
pub(crate) async fn ask_if_enrolled(
    at: (&State, &Request, &Browser),
    person: &SignedInUser,
    action: &str,
) -> Result<Option<Response<Body>>, PageError> {
    let (state, _, _) = at;
    if person.proof().reached() >= Some(Acr::SecondFactor) {
        return Ok(None);
    }
    let enrolled = state.accounts.second_factors(&person.user().id).await;
    let offered = state.settings.factor_policy().offered;
    let usable = enrolled.map_err(Fault::from)?.kinds().and(offered);
    if !usable.has_any() {
        return Ok(None);
    }
    let step = step(at, (person, usable), action);
    step.page(None, Said::Nothing).await.map(Some)
}

/// Takes what the page posted. Right: back to `action`, under a new cookie.
pub(crate) async fn take(
    at: (&State, &Request, &Browser),
    (person, form): (&SignedInUser, &Form),
    action: &str,
) -> Result<Response<Body>, PageError> {
    let (state, request, browser) = at;
    browser.check_csrf_of(state, request, (form, person))?;
    let enrolled = state.accounts.second_factors(&person.user().id).await;
    let offered = state.settings.factor_policy().offered;
    let usable = enrolled.map_err(Fault::from)?.kinds().and(offered);
    let step = step(at, (person, usable), action);
    let (way, proof) = match step.read(form)? {
        Posted::Proof(way, proof) => (way, proof),
        Posted::OtherWay(way) => return step.page(Some(way), Said::Nothing).await,
        Posted::TooOld(way) => return step.page(Some(way), Said::TooOld).await,
        Posted::Unreadable(way) => {
            return step.page(Some(way), Said::Problem(way.problem())).await;
        }
        Posted::Nothing => return Ok(see_other(action)),
    };
    let name = person.user().shown_name().to_ascii_lowercase();
    let shown = Shown {
        own: Own {
            user: person.user().id.clone(),
            sign_in: person.proof().clone(),
        },
        event: None,
        known_browser: KnownBrowser::of(state, request).guesser(&name),
        proof,
    };
    match judge(state, request, shown, way).await? {
        Proved::Right(proved) => {
            let (_, cookie) = person.step_up(state, request, proved.1).await?;
            let mut response = see_other(action);
            cookie.send(&mut response);
            Ok(response)
        }
        Proved::Wrong => step.page(Some(way), Said::Problem(way.problem())).await,
        Proved::Locked(wait) => {
            step.page(Some(way), Said::Problem(Problem::TooManyTries(wait)))
                .await
        }
        // Whatever it was, the page of it says what is to do now.
        Proved::Gone => Ok(see_other(action)),
    }
}

fn step<'a>(
    at: (&'a State, &'a Request, &'a Browser),
    (person, usable): (&'a SignedInUser, Factors),
    action: &str,
) -> Step<'a> {
    let (state, request, browser) = at;
    Step {
        at,
        person: (person.user().id.clone(), person.user().shown_name()),
        of: person.session_hash(),
        usable,
        form: FormTarget {
            action: action.to_owned(),
            csrf: browser.csrf_of(state, request, person),
            interaction: None,
        },
        pending: None,
    }
}
