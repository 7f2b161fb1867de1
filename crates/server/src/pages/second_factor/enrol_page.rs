//! Set up an authenticator app, and save the recovery codes: in the sign-in where a second factor is
//! required, and on the page of the account.

use std::time::Duration;

use askama::Template;
use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{Secret, Timestamp};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::pending::Seed;
use super::qr_code::QrCode;
use crate::Body;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::page_token::Purpose;
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout};
use crate::pages::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// So long setting up may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// The page with the QR code. It posts `code`.
#[derive(Debug, Clone, Template)]
#[template(path = "second_factor_setup.html")]
pub(crate) struct SetUpPage {
    pub(crate) layout: Layout,
    pub(crate) form: FormTarget,
    /// The sign-in that waits; none on the page of the account.
    pub(crate) pending: Option<String>,
    pub(crate) user: String,
    pub(crate) qr_code: Option<QrCode>,
    /// The key in groups of four letters.
    pub(crate) key: String,
    pub(crate) error: Option<Problem>,
    /// Where to go instead, on the page of the account.
    pub(crate) back_url: Option<String>,
}

impl Page for SetUpPage {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl SetUpPage {
    /// The page for a seed.
    pub(crate) fn answer(
        (state, request, browser): (&State, &Request, &Browser),
        (user, seed): (&str, &TotpSeed),
        (form, pending): (FormTarget, Option<String>),
        (error, back_url): (Option<Problem>, Option<String>),
    ) -> Response<Body> {
        let uri = seed.uri(&state.settings.branding.name, user);
        let letters: Vec<char> = seed.base32().expose().chars().collect();
        let groups = letters
            .chunks(4)
            .map(|group| group.iter().collect::<String>());
        let page = Self {
            // Asking for the page again would draw another key.
            layout: request.layout().without_switch(),
            form,
            pending,
            user: user.to_owned(),
            qr_code: QrCode::of(uri.expose()),
            key: groups.collect::<Vec<_>>().join(" "),
            error,
            back_url,
        };
        let status = if error.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        let mut response = html::html(status, &page);
        browser.remember(&mut response);
        response
    }
}

/// The page with the recovery codes, which are shown once.
#[derive(Debug, Clone, Template)]
#[template(path = "recovery_codes.html")]
pub(crate) struct RecoveryCodesPage {
    pub(crate) layout: Layout,
    pub(crate) user: String,
    pub(crate) codes: Vec<String>,
    pub(crate) next: Codes,
}

/// What comes after the codes are saved.
#[derive(Debug, Clone)]
pub(crate) enum Codes {
    /// The sign-in goes on: it posts `saved`.
    Finish { form: FormTarget, pending: String },
    /// Back to the page of the account.
    Back { url: String },
}

impl Page for RecoveryCodesPage {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl RecoveryCodesPage {
    /// The page for new codes.
    pub(crate) fn answer(
        (request, browser): (&Request, &Browser),
        (user, codes): (&str, &[Secret<String>]),
        next: Codes,
    ) -> Response<Body> {
        let page = Self {
            // They could not be shown again.
            layout: request.layout().without_switch(),
            user: user.to_owned(),
            codes: codes.iter().map(|code| code.expose().clone()).collect(),
            next,
        };
        let mut response = html::html(StatusCode::OK, &page);
        browser.remember(&mut response);
        response
    }
}

/// An app that is being set up on the page of the account: the field `interaction`. It holds in one
/// browser and session, so that nobody is made to set up somebody else's app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Enrolling {
    seed: Seed,
    session: SecretHash,
    expires_at: Timestamp,
}

impl Enrolling {
    /// The field for a seed.
    pub(crate) fn seal(
        (state, request, browser): (&State, &Request, &Browser),
        person: &SignedInUser,
        seed: &TotpSeed,
    ) -> String {
        let enrolling = Self {
            seed: Seed::of(seed),
            session: person.session(),
            expires_at: request.now + PATIENCE,
        };
        let binding = browser.binding(request);
        state
            .page_tokens
            .seal(Purpose::Enrolment, binding, &enrolling)
    }

    /// The seed of a field that this person was given in this browser, not long ago.
    pub(crate) fn read(
        (state, request, browser): (&State, &Request, &Browser),
        person: &SignedInUser,
        token: &str,
    ) -> Option<TotpSeed> {
        let binding = browser.binding(request);
        let found: Option<Self> = state.page_tokens.open(Purpose::Enrolment, binding, token);
        let holds =
            |found: &Self| found.session == person.session() && request.now < found.expires_at;
        found.filter(holds)?.seed.read()
    }
}
