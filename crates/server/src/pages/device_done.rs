//! Say how a sign-in on another device ended.
//!
//! RFC 8628 §3.3 ("instructs the user to return to their device"): <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>

use askama::Template;
use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::grants::device_code::DeviceGrantState;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_store::{authorizations, device_grants};
use http::{Response, StatusCode};

use super::device;
use super::html::{self, Forms, Page};
use super::layout::{FormTarget, Layout};
use crate::Body;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::request::Request;
use crate::state::State;

/// The last page in the browser.
#[derive(Debug, Clone, Template)]
#[template(path = "device_done.html")]
pub struct DeviceDone {
    /// The frame.
    pub layout: Layout,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a device code was decided.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The device is signed in.
    Approved {
        /// The client's display name.
        client: String,
        /// The account that it may use now.
        user: String,
        /// Posts `action=revoke`, to take the approval back; `None` leaves the button out.
        undo: Option<FormTarget>,
    },
    /// The person said no.
    Denied,
    /// The person said no and told the operator.
    Reported,
    /// The code ran out before the decision.
    Expired,
    /// The person took the approval back.
    Revoked,
}

impl DeviceDone {
    fn heading(&self) -> &'static str {
        let words = self.layout.words;
        match self.outcome {
            Outcome::Approved { .. } => words.device_approved,
            Outcome::Denied => words.device_denied,
            Outcome::Reported => words.device_reported,
            Outcome::Expired => words.device_expired,
            Outcome::Revoked => words.device_revoked,
        }
    }
}

impl Page for DeviceDone {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The page of an outcome.
pub(super) fn page(request: &Request, outcome: Outcome) -> Response<Body> {
    // The same address says something else when it is asked for again.
    let layout = request.layout().without_switch();
    html::html(StatusCode::OK, &DeviceDone { layout, outcome })
}

/// Takes an approval back, for the person who gave it: before the device came for its tokens it is
/// refused, afterwards its tokens end.
pub(super) async fn take_back(
    state: &State,
    request: &Request,
    (browser, hash): (&Browser, SecretHash),
    person: &SignedInUser,
) -> Result<Response<Body>, PageError> {
    let (issuer, now) = (request.issuer.clone(), request.now);
    let user = person.user().id.clone();
    let taken = state.store.write(move |tx| {
        let Some(mut grant) = device_grants::find_by_code(tx, &issuer, &hash)? else {
            return Ok(false);
        };
        match &grant.state {
            DeviceGrantState::Approved { seed } if seed.user.id == user => {
                grant.withdraw(now);
                device_grants::save(tx, &grant)?;
                Ok(true)
            }
            DeviceGrantState::Redeemed { authorization } => {
                let id = *authorization;
                let found = authorizations::find(tx, id)?;
                let own = found.is_some_and(|found| found.seed.user.id == user);
                if own {
                    authorizations::revoke(tx, id, RevokeReason::User, now)?;
                }
                Ok(own)
            }
            _ => Ok(false),
        }
    });
    Ok(if taken.await? {
        page(request, Outcome::Revoked)
    } else {
        device::not_valid(state, request, browser)
    })
}
