//! A request that a person is asked about: the page says which one, and its answer is about no other.

use std::net::IpAddr;

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::form::Form;

use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::page_token::{Purpose, RequestInteraction};
use crate::request::Request;
use crate::state::State;

/// Whether somebody has just signed in for this very request, so that `prompt=login` is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// By the form before this page.
    JustNow,
    /// Earlier.
    Before,
}

/// What a page is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// The request that waits.
    pub(crate) asked: &'a AuthorizationRequest,
    /// Who is asked.
    pub(crate) person: &'a SignedInUser,
    /// Since when they are here.
    pub(crate) signed_in: SignedIn,
    /// The networks of browser and program, where the page is about them.
    pub(crate) networks: Option<(IpAddr, IpAddr)>,
}

/// The hidden field of a page that asks this person about this request.
pub(crate) fn seal(
    state: &State,
    request: &Request,
    (purpose, browser): (Purpose, &Browser),
    shown: Shown<'_>,
) -> String {
    let interaction = RequestInteraction {
        request: digest(shown.asked),
        session: shown.person.session(),
        just_signed_in: shown.signed_in == SignedIn::JustNow,
        networks: shown.networks,
        expires_at: request.now + state.settings.interaction_lifetime,
    };
    let binding = browser.binding(request);
    state.page_tokens.seal(purpose, binding, &interaction)
}

/// Reads what was posted: that this person saw this request in this browser, and not long ago. The
/// caller has checked the CSRF token.
pub(crate) fn check(
    state: &State,
    request: &Request,
    (purpose, browser, form): (Purpose, &Browser, &Form),
    (asked, person): (&AuthorizationRequest, &SignedInUser),
) -> Result<RequestInteraction, PageError> {
    let sealed = form.one("interaction")?.unwrap_or_default();
    let shown: Option<RequestInteraction> =
        state
            .page_tokens
            .open(purpose, browser.binding(request), sealed);
    let holds = |shown: &RequestInteraction| {
        shown.request == digest(asked)
            && shown.session == person.session()
            && request.now < shown.expires_at
    };
    shown.filter(holds).ok_or(PageError::Forged)
}

impl RequestInteraction {
    /// Since when the person is here.
    pub(crate) fn signed_in(&self) -> SignedIn {
        if self.just_signed_in {
            SignedIn::JustNow
        } else {
            SignedIn::Before
        }
    }
}

/// Every parameter of a request, so that a decision about it is none about another one.
fn digest(asked: &AuthorizationRequest) -> SecretHash {
    SecretHash::of(asked.encode().encode().as_bytes())
}
