//! How far a sign-in got, and what every step of it may end with.

use hallpass_issuer::audit::Event;
use hallpass_issuer::user::SignIn;
use http::Response;

use super::pending::Pending;
use crate::Body;
use crate::accounts::{Account, KnownBrowser};
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::Person;
use crate::pages::login::{self, Asking, Mistakes};
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

/// Where a step is taken.
pub(super) type At<'a> = (&'a State, &'a Request, &'a Browser);

/// Back to the beginning, with the reason.
pub(super) fn refused(at: At<'_>, asking: Asking<'_>, problem: Problem) -> Progress {
    begin_again(at, asking, &Mistakes::refused(problem))
}

/// Back to the beginning, with what was wrong there.
pub(super) fn begin_again(
    (state, request, browser): At<'_>,
    asking: Asking<'_>,
    mistakes: &Mistakes,
) -> Progress {
    Progress::Page(login::page(state, request, browser, asking, mistakes))
}

/// The person, and the browser by which they are known from now on.
pub(super) fn signed_in(
    (state, request, _): At<'_>,
    pending: &Pending,
    (account, sign_in): (&Account, SignIn),
) -> Person {
    let entry = request.event(Event::LoginSuccess);
    let entry = entry.by_subject(&account.id);
    state.audit.tell(entry.with("method", "second_factor"));
    let known_browser = KnownBrowser::of(state, request);
    Person {
        user: account.user(),
        sign_in,
        known_browser: Some(known_browser.with(state, request, &pending.name)),
    }
}
