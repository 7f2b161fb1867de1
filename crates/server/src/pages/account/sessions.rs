//! End or rename what is signed in.

use hallpass_issuer::audit::Event;
use hallpass_protocol::{AuthorizationId, hex};
use http::Response;

use super::gate::{Needs, done, enter};
use crate::Body;
use crate::accounts::Session;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::request::Request;
use crate::state::State;

/// `POST account/sessions`: `action` is `revoke`, `rename` (each with a `sid`) or `revoke_others`.
/// What belongs to somebody else is answered as what never was.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let visit = match enter(state, request, (Needs::SignedIn, "account")).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let form = visit.form.as_ref().ok_or(PageError::Method)?;
    let user = &visit.person.user().id;
    let sid = form.one("sid")?.unwrap_or_default();
    let authorization = AuthorizationId::parse(sid);
    let accounts = &state.accounts;
    let (is_done, word) = match form.one("action")?.unwrap_or_default() {
        "revoke" => {
            let session = authorization.map(Session::Authorization).or_else(|| {
                let named = hex::decode::<16>(sid.strip_prefix("b-")?)?;
                Some(Session::Browser(hex::encode(&named)))
            });
            let ended = match session {
                Some(session) => accounts.end_session(user, session).await,
                None => Ok(false),
            };
            let ended = ended.map_err(Fault::from)?;
            if ended {
                let entry = request.event(Event::SessionRevoked).by_subject(user);
                let entry = match authorization {
                    Some(id) => entry.with_sid(id),
                    None => entry.with("browser", true),
                };
                state.audit.keep(entry.with("why", "person")).await;
            }
            (ended, "revoked")
        }
        "rename" => {
            let label = form.one("label")?.unwrap_or_default();
            let renamed = match authorization {
                Some(id) => accounts.rename_session(user, id, label).await,
                None => Ok(false),
            };
            (renamed.map_err(Fault::from)?, "renamed")
        }
        "revoke_others" => {
            let (renewed, cookie) = visit.person.renew(state, request);
            let ended = accounts.end_others(visit.own(), renewed).await;
            if !ended.map_err(Fault::from)? {
                return Ok(done(request, "gone"));
            }
            let entry = request.event(Event::SessionRevoked).by_subject(user);
            state.audit.keep(entry.with("why", "all_others")).await;
            let mut response = done(request, "others");
            cookie.send(&mut response);
            return Ok(response);
        }
        _ => return Err(PageError::Forged),
    };
    Ok(done(request, if is_done { word } else { "gone" }))
}
