//! The second step of a sign-in: a factor that the person has.

use hallpass_issuer::audit::{Actor, Event};
use hallpass_issuer::factors::required::{Factors, Person as Having};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::form::Form;

use super::code_page::{Posted, Step};
use super::pending::Pending;
use super::progress::{At, Progress, refused, signed_in};
use super::way::Way;
use crate::accounts::{KnownBrowser, Proof, Proved, Shown, Waits};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::pages::layout::FormTarget;
use crate::pages::login::Asking;
use crate::pages::problem::{Problem, Said};
use crate::request::Request;
use crate::state::State;

/// The page that asks for it, after a right password.
pub(super) async fn first_page(
    at: At<'_>,
    action: &str,
    (pending, waits): (&Pending, &Waits),
) -> Result<Progress, PageError> {
    let having = Having {
        role: waits.account.role,
        enrolled: waits.enrolled,
    };
    let usable = at.0.settings.factor_policy().usable(having);
    let step = step(at, action, (pending, usable));
    Ok(Progress::Page(step.page(None, Said::Nothing).await?))
}

fn step<'a>(at: At<'a>, action: &str, (pending, usable): (&'a Pending, Factors)) -> Step<'a> {
    let (state, request, browser) = at;
    Step {
        at,
        person: (pending.own().user, &pending.shown_name),
        of: SecretHash::of(&pending.event),
        usable,
        form: FormTarget {
            action: action.to_owned(),
            csrf: browser.csrf(state, request),
            interaction: None,
        },
        pending: Some(pending.seal(at)),
    }
}

/// Judges the second factor that was shown.
pub(super) async fn prove(
    at: At<'_>,
    asking: Asking<'_>,
    (pending, form): (Pending, &Form),
) -> Result<Progress, PageError> {
    let (state, request, _) = at;
    let own = pending.own();
    let enrolled = state.accounts.second_factors(&own.user).await;
    let offered = state.settings.factor_policy().offered;
    let usable = enrolled.map_err(Fault::from)?.kinds().and(offered);
    let step = step(at, &asking.action, (&pending, usable));
    let (way, proof) = match step.read(form)? {
        Posted::Proof(way, proof) => (way, proof),
        Posted::OtherWay(way) => return page(step, Some(way), Said::Nothing).await,
        Posted::TooOld(way) => return page(step, Some(way), Said::TooOld).await,
        Posted::Unreadable(way) => {
            return page(step, Some(way), Said::Problem(way.problem())).await;
        }
        Posted::Nothing => return page(step, None, Said::Nothing).await,
    };
    let known_browser = KnownBrowser::of(state, request);
    let shown = Shown {
        own,
        event: Some(pending.event),
        known_browser: known_browser.guesser(&pending.name),
        proof,
    };
    match judge(state, request, shown, way).await? {
        Proved::Right(proved) => {
            let (account, sign_in) = *proved;
            let person = signed_in(at, &pending, (&account, sign_in));
            Ok(Progress::SignedIn(person))
        }
        Proved::Wrong => page(step, Some(way), Said::Problem(way.problem())).await,
        Proved::Locked(wait) => {
            page(step, Some(way), Said::Problem(Problem::TooManyTries(wait))).await
        }
        Proved::Gone => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
}

async fn page(step: Step<'_>, way: Option<Way>, said: Said) -> Result<Progress, PageError> {
    Ok(Progress::Page(step.page(way, said).await?))
}

/// Judges a second factor, and says in the log what came of it.
pub(super) async fn judge(
    state: &State,
    request: &Request,
    shown: Shown,
    way: Way,
) -> Result<Proved, PageError> {
    let user = shown.own.user.clone();
    let is_recovery = matches!(shown.proof, Proof::RecoveryCode(_));
    let offered = state.settings.factor_policy().offered;
    let proved = state.accounts.prove_factor(shown, offered).await;
    let proved = proved.map_err(Fault::from)?;
    let event = match &proved {
        Proved::Right(_) if is_recovery => Event::RecoveryUsed,
        Proved::Right(_) => Event::MfaUsed,
        Proved::Wrong | Proved::Locked(_) | Proved::Gone => Event::MfaFailed,
    };
    let entry = request.event(event).about(&user);
    let entry = entry.with("kind", way.as_str());
    match &proved {
        Proved::Right(_) => {
            let entry = entry.by(Actor::User(user));
            state.audit.keep(entry).await;
        }
        Proved::Wrong => state.audit.tell(entry),
        Proved::Locked(wait) => state.audit.tell(entry.with("seconds", wait.as_secs())),
        Proved::Gone => state.audit.tell(entry.with("gone", true)),
    }
    Ok(proved)
}
