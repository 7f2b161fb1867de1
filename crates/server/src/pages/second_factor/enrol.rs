//! A sign-in in which a second factor is set up, because one is required and the person has none: an
//! app or a passkey, as they choose. The sign-in is done when the recovery codes are saved.

use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_issuer::user::{Method, SignIn};
use hallpass_protocol::Secret;
use hallpass_protocol::form::Form;

use super::enrol_page::{Codes, RecoveryCodesPage, SetUp, SetUpPage};
use super::pending::{Pending, Seed, Stage};
use super::progress::{At, Progress, refused};
use crate::accounts::{Added, Enrolment, NewPasskey, NewTotp, SettingUp};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::user_agent;
use crate::pages::layout::FormTarget;
use crate::pages::login::Asking;
use crate::pages::passkey::{Answer, Ask, creation};
use crate::pages::problem::{Problem, Said};

/// The page that offers what the server takes, after a right password.
pub(super) fn first_page(
    at: At<'_>,
    asking: Asking<'_>,
    pending: impl FnOnce(Stage) -> Pending,
) -> Progress {
    let offered = at.0.settings.factor_policy().offered;
    if !offered.has_any() {
        return Progress::Unreachable;
    }
    let seed = offered
        .totp
        .then(|| Seed::of(&TotpSeed::generate(at.0.random.as_ref())));
    let pending = pending(Stage::Enrol(seed));
    page(at, asking, &pending, Said::Nothing)
}

fn page(at: At<'_>, asking: Asking<'_>, pending: &Pending, said: Said) -> Progress {
    let seed = pending.seed();
    let set_up = SetUp {
        seed: seed.as_ref(),
        passkey: ask(at, pending, seed.is_none(), said),
        error: said.problem(),
    };
    let form = (target(at, asking.action), Some(pending.seal(at)));
    let user = pending.shown_name.as_str();
    Progress::Page(SetUpPage::answer(at, (user, set_up), form, None))
}

/// Asks for a new passkey, where the server takes any.
fn ask(at: At<'_>, pending: &Pending, is_only_way: bool, said: Said) -> Option<Ask> {
    let relying_party = at.0.settings.passkeys.as_ref()?;
    let (name, own) = (pending.shown_name.as_str(), pending.own());
    let of = SecretHash::of(&pending.event);
    let handle = own.user.as_str().as_bytes();
    let ask = Ask::to_create(at, relying_party, (of, (name, name)), (handle, &[]));
    Some(Ask { is_only_way, ..ask }.after(said))
}

fn target((state, request, browser): At<'_>, action: String) -> FormTarget {
    FormTarget {
        action,
        csrf: browser.csrf(state, request),
        interaction: None,
    }
}

/// Takes what the page posted: the code that the app shows, or a new passkey.
pub(super) async fn enrol(
    at: At<'_>,
    asking: Asking<'_>,
    pending: Pending,
    form: &Form,
) -> Result<Progress, PageError> {
    if form.one("method")? == Some("passkey") {
        return enrol_passkey(at, asking, pending, form).await;
    }
    let Some(seed) = pending.seed() else {
        return Ok(page(at, asking, &pending, Said::Nothing));
    };
    let new = NewTotp {
        seed,
        code: Secret::new(form.one("code")?.unwrap_or_default().to_owned()),
    };
    let enrolled =
        at.0.accounts
            .enrol_totp(setting_up(at, &pending), new)
            .await;
    match enrolled.map_err(Fault::from)? {
        Enrolment::Done(codes) => {
            let sign_in = pending.sign_in.clone();
            let proved = sign_in.with_factor(Method::Totp, at.1.now);
            Ok(done(at, asking, &pending, ("totp", proved, &codes)).await)
        }
        Enrolment::Wrong => {
            let said = Said::Problem(Problem::WrongTotp);
            Ok(page(at, asking, &pending, said))
        }
        Enrolment::Gone => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
}

async fn enrol_passkey(
    at: At<'_>,
    asking: Asking<'_>,
    pending: Pending,
    form: &Form,
) -> Result<Progress, PageError> {
    let (state, request, _) = at;
    let not_made = Said::Problem(Problem::PasskeyNotMade);
    let Some(relying_party) = &state.settings.passkeys else {
        return Ok(page(at, asking, &pending, Said::Nothing));
    };
    let of = Some(SecretHash::of(&pending.event));
    let (asked, response) = match creation(at, relying_party, form, of)? {
        Answer::Given(asked, response) => (asked, response),
        Answer::TooOld => return Ok(page(at, asking, &pending, Said::TooOld)),
        Answer::Nothing => return Ok(page(at, asking, &pending, not_made)),
    };
    let new = NewPasskey {
        asked,
        response,
        name: user_agent::in_words(request).unwrap_or_default(),
    };
    let added = state
        .accounts
        .add_passkey(setting_up(at, &pending), new)
        .await;
    match added.map_err(Fault::from)? {
        Added::Kept { passkey, codes } => {
            let sign_in = pending.sign_in.clone();
            let proved = sign_in.with_new_passkey(&passkey, request.now);
            Ok(done(at, asking, &pending, ("passkey", proved, &codes)).await)
        }
        Added::Refused(reason) => {
            let user = pending.own().user;
            tracing::warn!(%user, address = %request.peer, %reason, "passkey.refused");
            Ok(page(at, asking, &pending, not_made))
        }
        Added::TooMany | Added::Gone => Ok(refused(at, asking, Problem::SignInTooOld)),
    }
}

fn setting_up((state, request, _): At<'_>, pending: &Pending) -> SettingUp {
    SettingUp {
        own: pending.own(),
        event: Some(pending.event),
        offered: state.settings.factor_policy().offered,
        locale: request.language().tag(),
    }
}

/// The factor is there: its recovery codes, and after them the sign-in.
async fn done(
    at: At<'_>,
    asking: Asking<'_>,
    pending: &Pending,
    (kind, proved, codes): (&str, SignIn, &[Secret<String>]),
) -> Progress {
    let (state, request, browser) = at;
    let user = pending.own().user;
    let entry = request.event(Event::MfaEnrolled).by_subject(&user);
    state.audit.keep(entry.with("kind", kind)).await;
    state.outbox_filled.notify_one();
    let names = (pending.name.as_str(), pending.shown_name.as_str());
    let enrolled = (pending.event, Stage::Enrolled);
    let enrolled = Pending::new((&user, proved), names, enrolled, request.now);
    let next = Codes::Finish {
        form: target(at, asking.action),
        pending: enrolled.seal(at),
    };
    let shown = (pending.shown_name.as_str(), codes);
    let at = (request, browser);
    Progress::Page(RecoveryCodesPage::answer(at, shown, next))
}
