//! Take back what an app was allowed.

use hallpass_issuer::audit::Event;
use hallpass_protocol::ClientId;
use http::Response;

use super::gate::{Needs, done, enter};
use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::request::Request;
use crate::state::State;

/// `POST account/apps` with a `client`: it will ask again.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let visit = match enter(state, request, (Needs::SignedIn, "account")).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let form = visit.form.as_ref().ok_or(PageError::Method)?;
    let client = form.one("client")?.unwrap_or_default();
    let user = &visit.person.user().id;
    let forgotten = state
        .accounts
        .forget_consent(user, ClientId::new(client))
        .await
        .map_err(Fault::from)?;
    if forgotten {
        let entry = request.event(Event::ConsentRevoked).by_subject(user);
        state
            .audit
            .keep(entry.with_client(&ClientId::new(client)))
            .await;
    }
    Ok(done(request, if forgotten { "forgotten" } else { "gone" }))
}
