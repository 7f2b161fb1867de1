//! The second factors of a person: see what there is, remove the app, make recovery codes anew.

use askama::Template;
use hallpass_issuer::audit::Event;
use hallpass_protocol::Timestamp;
use http::{Response, StatusCode};

use super::gate::{Needs, Visit, enter};
use super::paths::{SECURITY, TOTP};
use super::rows::moment;
use crate::Body;
use crate::accounts::{Removal, SecondFactors};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::languages::{Filled, Moment, Words};
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout};
use crate::pages::problem::Problem;
use crate::pages::second_factor::{Codes, RecoveryCodesPage};
use crate::request::Request;
use crate::state::State;

/// It posts `action`: `remove_totp` or `new_codes`.
#[derive(Debug, Clone, Template)]
#[template(path = "account_security.html")]
pub(crate) struct SecurityPage {
    pub(crate) layout: Layout,
    pub(crate) form: FormTarget,
    pub(crate) user: String,
    pub(crate) notice: Option<&'static str>,
    pub(crate) error: Option<Problem>,
    /// Whether the server takes codes of an app.
    pub(crate) takes_totp: bool,
    pub(crate) totp: Option<TotpRow>,
    pub(crate) totp_url: String,
    pub(crate) passkeys_url: Option<String>,
    /// Without a factor there is nothing that a recovery code could stand in for.
    pub(crate) has_factor: bool,
    pub(crate) recovery_codes: u64,
    pub(crate) account_url: String,
}

/// An authenticator app.
#[derive(Debug, Clone)]
pub(crate) struct TotpRow {
    pub(crate) set_up: Moment,
    pub(crate) used: Option<Moment>,
}

impl TotpRow {
    fn in_words<'a>(&self, words: &'a Words) -> Filled<'a> {
        match self.used {
            None => words.factor_set_up(words.time(self.set_up)),
            Some(used) => words.factor_set_up_and_used(words.time(self.set_up), words.time(used)),
        }
    }
}

impl Page for SecurityPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `GET account/security`, `POST account/security`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let visit = match enter(state, request, (Needs::FreshSignIn, SECURITY)).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let Some(form) = &visit.form else {
        return show(state, request, &visit, None).await;
    };
    match form.one("action")? {
        Some("remove_totp") => remove(state, request, &visit).await,
        Some("new_codes") => renew_codes(state, request, &visit).await,
        _ => show(state, request, &visit, None).await,
    }
}

async fn remove(
    state: &State,
    request: &Request,
    visit: &Visit,
) -> Result<Response<Body>, PageError> {
    let by = visit.setting_up(state, request);
    let policy = state.settings.factor_policy();
    let removed = state.accounts.remove_totp(by, policy).await;
    match removed.map_err(Fault::from)? {
        Removal::Done => {
            let entry = request.event(Event::MfaRemoved);
            let entry = entry.by_subject(&visit.person.user().id);
            state.audit.keep(entry.with("kind", "totp")).await;
            state.outbox_filled.notify_one();
            Ok(see_other(&format!(
                "{}?done=removed",
                request.path_of(SECURITY)
            )))
        }
        Removal::LastFactor => show(state, request, visit, Some(Problem::LastFactor)).await,
        Removal::Gone => Ok(see_other(&request.path_of(SECURITY))),
    }
}

async fn renew_codes(
    state: &State,
    request: &Request,
    visit: &Visit,
) -> Result<Response<Body>, PageError> {
    let by = visit.setting_up(state, request);
    let renewed = state.accounts.renew_recovery_codes(by).await;
    let Some(codes) = renewed.map_err(Fault::from)? else {
        return Ok(see_other(&request.path_of(SECURITY)));
    };
    let user = visit.person.user();
    let entry = request.event(Event::MfaEnrolled).by_subject(&user.id);
    state.audit.keep(entry.with("kind", "recovery_code")).await;
    state.outbox_filled.notify_one();
    let at = (request, &visit.browser);
    let next = Codes::Back {
        url: format!("{}?done=changed", request.path_of(SECURITY)),
    };
    Ok(RecoveryCodesPage::answer(
        at,
        (user.shown_name(), &codes),
        next,
    ))
}

async fn show(
    state: &State,
    request: &Request,
    visit: &Visit,
    error: Option<Problem>,
) -> Result<Response<Body>, PageError> {
    let user = visit.person.user();
    let found = state.accounts.second_factors(&user.id).await;
    let found: SecondFactors = found.map_err(Fault::from)?;
    let query = request.query_form()?;
    let layout = request.layout();
    let notice = match query.one("done")? {
        Some("removed") => Some(layout.words.done_totp_removed),
        Some("changed") => Some(layout.words.done_factors),
        _ => None,
    };
    let at = |time: Timestamp| moment(time, request.now);
    let page = SecurityPage {
        form: visit.target(state, request, SECURITY),
        user: user.shown_name().to_owned(),
        notice: notice.filter(|_| error.is_none()),
        error,
        takes_totp: state.settings.login.totp,
        has_factor: found.kinds().has_any(),
        recovery_codes: found.recovery_codes,
        totp: found.totp.map(|(set_up, used)| TotpRow {
            set_up: at(set_up),
            used: used.map(at),
        }),
        totp_url: request.path_of(TOTP),
        passkeys_url: state
            .settings
            .passkeys
            .as_ref()
            .map(|_| request.path_of("account/security/passkeys")),
        account_url: request.path_of("account"),
        layout,
    };
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut response = html::html(status, &page);
    visit.browser.remember(&mut response);
    Ok(response)
}
