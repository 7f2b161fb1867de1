//! Set up a second factor, and save the recovery codes: in the sign-in where a second factor is
//! required, and an app on the page of the account, too.

use std::time::Duration;

use askama::Template;
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::factors::totp::TotpSeed;
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
use crate::pages::passkey::Ask;
use crate::pages::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// So long setting up may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// The page that offers an app, a passkey, or both. It posts `code`, or what the passkey said with
/// `method=passkey`.
#[derive(Debug, Clone, Template)]
#[template(path = "second_factor_setup.html")]
pub(crate) struct SetUpPage {
    pub(crate) layout: Layout,
    pub(crate) form: FormTarget,
    /// The sign-in that waits; none on the page of the account.
    pub(crate) pending: Option<String>,
    pub(crate) user: String,
    pub(crate) app: Option<AppKey>,
    pub(crate) passkey: Option<Ask>,
    pub(crate) error: Option<Problem>,
    /// Where to go instead, on the page of the account.
    pub(crate) back_url: Option<String>,
}

/// What an app is given.
#[derive(Debug, Clone)]
pub(crate) struct AppKey {
    pub(crate) qr_code: Option<QrCode>,
    /// In groups of four letters.
    pub(crate) key: String,
}

/// What may be set up, and what was wrong with it.
#[derive(Debug)]
pub(crate) struct SetUp<'a> {
    /// For an app.
    pub(crate) seed: Option<&'a TotpSeed>,
    pub(crate) passkey: Option<Ask>,
    pub(crate) error: Option<Problem>,
}

impl Page for SetUpPage {
    const FORMS: Forms = Forms::ReachClient;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl SetUpPage {
    /// The page.
    pub(crate) fn answer(
        (state, request, browser): (&State, &Request, &Browser),
        (user, set_up): (&str, SetUp<'_>),
        (form, pending): (FormTarget, Option<String>),
        back_url: Option<String>,
    ) -> Response<Body> {
        let name = &state.settings.branding.name;
        let page = Self {
            // Asking for the page again would draw another key.
            layout: request.layout().without_switch(),
            form,
            pending,
            user: user.to_owned(),
            app: set_up.seed.map(|seed| AppKey::of(seed, name, user)),
            passkey: set_up.passkey,
            error: set_up.error,
            back_url,
        };
        let status = if page.error.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        let mut response = html::html(status, &page);
        browser.remember(&mut response);
        response
    }

    fn heading(&self) -> &'static str {
        let words = self.layout.words;
        match (&self.app, &self.passkey) {
            (Some(_), Some(_)) => words.set_up_factor,
            (None, Some(_)) => words.create_passkey,
            (_, None) => words.set_up_totp,
        }
    }

    /// What was wrong with the code; what was wrong with a passkey is said beside its button.
    fn code_error(&self) -> Option<Problem> {
        self.error.filter(|error| *error != Problem::PasskeyNotMade)
    }

    fn passkey_error(&self) -> Option<Problem> {
        self.error.filter(|error| *error == Problem::PasskeyNotMade)
    }
}

impl AppKey {
    fn of(seed: &TotpSeed, issuer: &str, user: &str) -> Self {
        let letters: Vec<char> = seed.base32().expose().chars().collect();
        let groups = letters
            .chunks(4)
            .map(|group| group.iter().collect::<String>());
        Self {
            qr_code: QrCode::of(seed.uri(issuer, user).expose()),
            key: groups.collect::<Vec<_>>().join(" "),
        }
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
    session: BrowserSessionId,
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
