//! Show a second factor: the page, and what its form brings back.

use std::time::Duration;

use askama::Template;
use hallpass_issuer::factors::required::Factors;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::UserId;
use hallpass_protocol::form::Form;
use http::{HeaderValue, Response, StatusCode, header};

use super::way::Way;
use crate::Body;
use crate::accounts::Proof;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout};
use crate::pages::passkey::{self, Ask, Ceremony};
use crate::pages::problem::{Problem, Said};
use crate::request::Request;
use crate::state::State;

/// The page. It posts `method` with `code` or a passkey's answer, or `way` for another way.
#[derive(Debug, Clone, Template)]
#[template(path = "second_factor.html")]
pub(crate) struct SecondFactorPage {
    pub(crate) layout: Layout,
    /// The page that asked for it.
    pub(crate) form: FormTarget,
    /// The sign-in that waits; none at a step-up.
    pub(crate) pending: Option<String>,
    pub(crate) user: String,
    pub(crate) way: Way,
    /// The other ways that this person has.
    pub(crate) others: Vec<Way>,
    /// For [`Way::Passkey`].
    pub(crate) passkey: Option<Ask>,
    pub(crate) error: Option<Problem>,
}

impl Page for SecondFactorPage {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl SecondFactorPage {
    fn is_totp(&self) -> bool {
        self.way == Way::Totp
    }
}

/// Of whom a second factor is asked, and where.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) at: (&'a State, &'a Request, &'a Browser),
    /// The person, and what pages call them.
    pub(super) person: (UserId, &'a str),
    /// The session or the try that it is for: a passkey's challenge holds for no other.
    pub(super) of: SecretHash,
    /// What they have that the server takes.
    pub(super) usable: Factors,
    pub(super) form: FormTarget,
    pub(super) pending: Option<String>,
}

impl Step<'_> {
    /// The ways that they have.
    pub(super) fn ways(&self) -> Vec<Way> {
        Way::of(self.usable)
    }

    /// The page for one of the ways, or for the best.
    pub(super) async fn page(
        self,
        way: Option<Way>,
        said: Said,
    ) -> Result<Response<Body>, PageError> {
        let (state, request, browser) = self.at;
        let mut others = self.ways();
        let way = way.or(others.first().copied()).unwrap_or(Way::Totp);
        others.retain(|other| *other != way);
        let relying_party = state.settings.passkeys.as_ref();
        let passkey = match relying_party.filter(|_| way == Way::Passkey) {
            None => None,
            Some(relying_party) => {
                let known = state.accounts.passkeys(&self.person.0).await;
                let known = known.map_err(Fault::from)?;
                let of = (Ceremony::SecondFactor, Some(self.of));
                Some(Ask::to_use(self.at, relying_party, of, &known).after(said))
            }
        };
        let error = said.problem();
        let wait = error.and_then(Problem::wait);
        let page = SecondFactorPage {
            // Asking for the page again would lose the step.
            layout: request.layout().without_switch(),
            form: self.form,
            pending: self.pending,
            user: self.person.1.to_owned(),
            way,
            others,
            passkey,
            error,
        };
        let mut response = html::html(status(error.is_some(), wait), &page);
        wait_before_next(&mut response, wait);
        browser.remember(&mut response);
        Ok(response)
    }

    /// What was posted.
    pub(super) fn read(&self, form: &Form) -> Result<Posted, PageError> {
        if let Some(way) = Way::named(form, "way", &self.ways())? {
            return Ok(Posted::OtherWay(way));
        }
        let Some(way) = Way::named(form, "method", &self.ways())? else {
            return Ok(Posted::Nothing);
        };
        if let Some(proof) = way.code(form)? {
            return Ok(Posted::Proof(way, proof));
        }
        let Some(relying_party) = &self.at.0.settings.passkeys else {
            return Ok(Posted::Nothing);
        };
        let of = (Ceremony::SecondFactor, Some(self.of));
        Ok(match passkey::use_of(self.at, relying_party, form, of)? {
            passkey::Answer::Given(asked, response) => {
                Posted::Proof(way, Proof::Passkey(Box::new((asked, response))))
            }
            passkey::Answer::TooOld => Posted::TooOld(way),
            passkey::Answer::Nothing => Posted::Unreadable(way),
        })
    }
}

/// What was posted.
#[derive(Debug)]
pub(super) enum Posted {
    /// Something to be judged.
    Proof(Way, Proof),
    /// What proves nothing, whoever it is.
    Unreadable(Way),
    /// An answer to a page that was too old.
    TooOld(Way),
    /// The wish to show something else.
    OtherWay(Way),
    /// Nothing, or by a way that they do not have.
    Nothing,
}

fn status(has_problem: bool, wait: Option<Duration>) -> StatusCode {
    match (has_problem, wait) {
        (_, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
        (true, None) => StatusCode::UNPROCESSABLE_ENTITY,
        (false, None) => StatusCode::OK,
    }
}

fn wait_before_next(response: &mut Response<Body>, wait: Option<Duration>) {
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
}
