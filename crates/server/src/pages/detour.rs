//! Where a sign-in goes on that a person left to make an account: the address of the page, from the link
//! on the sign-in page over a cookie to the last page. It is sealed for this browser, so that it can only
//! be one that this server showed there: no redirect leads elsewhere, and nobody else's sign-in is gone on
//! with.

use std::time::Duration;

use hallpass_issuer::sign_up;
use hallpass_protocol::Timestamp;
use http::Response;
use serde::{Deserialize, Serialize};

use crate::Body;
use crate::extract::browser::Browser;
use crate::extract::cookie::{CookieName, add_cookie, set_cookie};
use crate::page_token::Purpose;
use crate::request::Request;
use crate::state::State;

/// What is longer makes a cookie that browsers do not keep.
const LONGEST: usize = 2048;
/// As long as the link in the mail is good.
const LASTS: Duration = sign_up::LIFETIME;

/// What is sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Detour {
    /// A path of this server, with its query.
    path: String,
    expires_at: Timestamp,
}

/// Seals the address of a sign-in, as a parameter of the way that leaves it; nothing where it is too long.
pub(super) fn seal(
    (state, request, browser): (&State, &Request, &Browser),
    path: &str,
) -> Option<String> {
    let detour = Detour {
        path: path.to_owned(),
        expires_at: request.now + LASTS,
    };
    let tokens = &state.page_tokens;
    let seal = || tokens.seal(Purpose::Detour, browser.binding(request), &detour);
    (path.len() <= LONGEST).then(seal)
}

/// Keeps a sealed address until the account is made.
pub(super) fn keep(request: &Request, sealed: &str, response: &mut Response<Body>) {
    let age = u32::try_from(LASTS.as_secs()).unwrap_or(u32::MAX);
    let cookie = set_cookie(CookieName::Detour, &request.issuer_url, sealed, Some(age));
    add_cookie(response, &cookie);
}

/// Forgets it.
pub(super) fn forget(request: &Request, response: &mut Response<Body>) {
    if request
        .cookie(CookieName::Detour.of(&request.issuer_url))
        .is_some()
    {
        let cookie = set_cookie(CookieName::Detour, &request.issuer_url, "", Some(0));
        add_cookie(response, &cookie);
    }
}

/// Where the sign-in is that this browser left, if there is one.
pub(super) fn find(at: (&State, &Request, &Browser)) -> Option<String> {
    let sealed = at.1.cookie(CookieName::Detour.of(&at.1.issuer_url))?;
    open(at, sealed)
}

/// The address that is sealed, if that was done for this browser.
pub(super) fn open(
    (state, request, browser): (&State, &Request, &Browser),
    sealed: &str,
) -> Option<String> {
    let tokens = &state.page_tokens;
    let detour: Detour = tokens.open(Purpose::Detour, browser.binding(request), sealed)?;
    // Whatever was sealed, a browser must not take it for the address of another server.
    let is_here = detour.path.starts_with('/') && !detour.path.starts_with("//");
    (is_here && request.now < detour.expires_at).then_some(detour.path)
}
