//! A sign-in, step by step: the password, then the second factor, or setting one up.

use hallpass_issuer::factors::required::{Demand, Factors, Person as Having};
use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_issuer::user::{Method, SignIn};
use hallpass_protocol::Secret;
use hallpass_protocol::form::Form;
use http::Response;

use super::code_page::Step;
use super::enrol_page::{Codes, RecoveryCodesPage, SetUpPage};
use super::pending::{Pending, Seed, Stage};
use super::way::Way;
use crate::Body;
use crate::accounts::{Account, Enrolment, KnownBrowser, NewTotp, Proof, Proved, Shown, Waits};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::Person;
use crate::extract::user_agent;
use crate::pages::layout::FormTarget;
use crate::pages::login::{self, Asking, Mistakes, Read};
use crate::pages::passkey;
use crate::pages::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// How far a sign-in got.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is done; the session is yet to be made.
    SignedIn(Person),
    /// The person has something to do first.
    Page(Response<Body>),
    /// It cannot be as strong as it has to be.
    Unreachable,
}

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
            Some(person) => Ok(Progress::SignedIn(person)),
            None => Ok(refused(at, asking, Problem::PasskeyNotAccepted)),
        };
    }
    match login::read(state, request, (form, demand)).await? {
        Read::SignedIn(person) => Ok(Progress::SignedIn(person)),
        Read::Waits { waits, name } => first_page(at, asking, (&waits, &name)).await,
        Read::Unreachable => Ok(Progress::Unreachable),
        Read::Mistakes(mistakes) => {
            let page = login::page(state, request, browser, asking, &mistakes);
            Ok(Progress::Page(page))
        }
    }
}

type At<'a> = (&'a State, &'a Request, &'a Browser);

/// Back to the beginning, with the reason.
fn refused((state, request, browser): At<'_>, asking: Asking<'_>, problem: Problem) -> Progress {
    let mistakes = Mistakes::refused(problem);
    Progress::Page(login::page(state, request, browser, asking, &mistakes))
}

/// After a right password.
async fn first_page(
    at: At<'_>,
    asking: Asking<'_>,
    (waits, name): (&Waits, &str),
) -> Result<Progress, PageError> {
    let (state, request, _) = at;
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
        let usable = usable(state, account, waits);
        let page = step(at, &asking.action, (&pending, usable))
            .page(None, None)
            .await?;
        return Ok(Progress::Page(page));
    }
    if !state.settings.factor_policy().offered.totp {
        return Ok(Progress::Unreachable);
    }
    let seed = TotpSeed::generate(state.random.as_ref());
    let pending = pending(Stage::Enrol(Seed::of(&seed)));
    Ok(set_up_page(at, asking, (&pending, &seed), None))
}

fn usable(state: &State, account: &Account, waits: &Waits) -> Factors {
    state.settings.factor_policy().usable(Having {
        role: account.role,
        enrolled: waits.enrolled,
    })
}

/// What a form after the password brings.
async fn go_on(at: At<'_>, asking: Asking<'_>, form: &Form) -> Result<Progress, PageError> {
    let Some(pending) = Pending::read(at, form)? else {
        return Ok(refused(at, asking, Problem::SignInTooOld));
    };
    match pending.stage.clone() {
        Stage::Prove => prove(at, asking, (pending, form)).await,
        Stage::Enrol(seed) => match seed.read() {
            Some(seed) => enrol(at, asking, (pending, seed), form).await,
            None => Ok(refused(at, asking, Problem::SignInTooOld)),
        },
        Stage::Enrolled if form.has("saved") => finish(at, asking, pending).await,
        Stage::Enrolled => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
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
async fn prove(
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
    if let Some(way) = Way::named(form, "way", &step.ways())? {
        return Ok(Progress::Page(step.page(Some(way), None).await?));
    }
    let Some((way, proof)) = step.read(form)? else {
        return Ok(Progress::Page(step.page(None, None).await?));
    };
    let Some(proof) = proof else {
        let problem = Some((way.problem(), None));
        return Ok(Progress::Page(step.page(Some(way), problem).await?));
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
            Ok(Progress::SignedIn(signed_in(
                at,
                &pending,
                (&account, sign_in),
            )))
        }
        Proved::Wrong => {
            let problem = Some((way.problem(), None));
            Ok(Progress::Page(step.page(Some(way), problem).await?))
        }
        Proved::Locked(wait) => {
            let problem = Some((Problem::TooManyTries(wait), Some(wait)));
            Ok(Progress::Page(step.page(Some(way), problem).await?))
        }
        Proved::Gone => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
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
    let (kind, address) = (way.as_str(), request.peer);
    match &proved {
        Proved::Right(_) if is_recovery => tracing::warn!(%user, %address, "recovery.used"),
        Proved::Right(_) => tracing::info!(%user, %address, kind, "mfa.used"),
        Proved::Wrong => tracing::info!(%user, %address, kind, "mfa.failed"),
        Proved::Locked(wait) => {
            tracing::warn!(%user, %address, kind, wait = wait.as_secs(), "mfa.failed");
        }
        Proved::Gone => tracing::info!(%user, %address, kind, gone = true, "mfa.failed"),
    }
    Ok(proved)
}

fn set_up_page(
    at: At<'_>,
    asking: Asking<'_>,
    (pending, seed): (&Pending, &TotpSeed),
    error: Option<Problem>,
) -> Progress {
    let (state, request, browser) = at;
    let form = FormTarget {
        action: asking.action,
        csrf: browser.csrf(state, request),
        interaction: None,
    };
    let form = (form, Some(pending.seal(at)));
    let person = (pending.shown_name.as_str(), seed);
    Progress::Page(SetUpPage::answer(at, person, form, (error, None)))
}

/// Sets the app up, if it shows the right code.
async fn enrol(
    at: At<'_>,
    asking: Asking<'_>,
    (pending, seed): (Pending, TotpSeed),
    form: &Form,
) -> Result<Progress, PageError> {
    let (state, request, browser) = at;
    let new = NewTotp {
        own: pending.own(),
        event: Some(pending.event),
        seed: seed.clone(),
        code: Secret::new(form.one("code")?.unwrap_or_default().to_owned()),
        locale: request.language().tag(),
    };
    let enrolled = state.accounts.enrol_totp(new).await;
    let codes = match enrolled.map_err(Fault::from)? {
        Enrolment::Done(codes) => codes,
        Enrolment::Wrong => {
            let error = Some(Problem::WrongTotp);
            return Ok(set_up_page(at, asking, (&pending, &seed), error));
        }
        Enrolment::Gone => return Ok(refused(at, asking, Problem::SignInTooOld)),
    };
    let user = pending.own().user;
    tracing::info!(%user, address = %request.peer, kind = "totp", "mfa.enrolled");
    state.outbox_filled.notify_one();
    let sign_in = pending
        .sign_in
        .clone()
        .with_factor(Method::Totp, request.now);
    let names = (pending.name.as_str(), pending.shown_name.as_str());
    let done = (pending.event, Stage::Enrolled);
    let pending = Pending::new((&user, sign_in), names, done, request.now);
    let next = Codes::Finish {
        form: FormTarget {
            action: asking.action,
            csrf: browser.csrf(state, request),
            interaction: None,
        },
        pending: pending.seal(at),
    };
    let shown = (pending.shown_name.as_str(), codes.as_slice());
    Ok(Progress::Page(RecoveryCodesPage::answer(
        (request, browser),
        shown,
        next,
    )))
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

fn signed_in(
    (state, request, _): At<'_>,
    pending: &Pending,
    (account, sign_in): (&Account, SignIn),
) -> Person {
    tracing::info!(user = %account.id, address = %request.peer, "login.success");
    let known_browser = KnownBrowser::of(state, request);
    Person {
        user: account.user(),
        sign_in,
        known_browser: Some(known_browser.with(state, request, &pending.name)),
    }
}
