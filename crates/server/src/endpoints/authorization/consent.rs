//! Whether the person is asked what the client may do, and what their answer leads to.
//!
//! OIDC Core §3.1.2.4: <https://openid.net/specs/openid-connect-core-1_0.html#Consent>

use hallpass_issuer::audit::Event;
use hallpass_issuer::consent::{self, BadChoice, Consent};
use hallpass_issuer::grants::authorization_code::CheckedRequest;
use hallpass_protocol::form::Form;
use http::Response;

use super::answer::{Decided, grant, issue, seed_of};
use super::asked::{Asked, action, wanted};
use super::elsewhere;
use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::pages::consent::Asking;
use crate::pages::interaction::SignedIn;
use crate::pages::{self, continue_as};
use crate::request::Request;
use crate::state::State;

/// Signing in was a click, and no consent.
pub(super) async fn after_sign_in(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asked, checked): (&Asked, CheckedRequest),
    person: &SignedInUser,
) -> Result<Response<Body>, PageError> {
    if let Some(pair) = elsewhere::find(state, request, asked, &person.user().id).await? {
        let about = (person, SignedIn::JustNow, &pair);
        return Ok(elsewhere::page(state, request, browser, asked, about));
    }
    if asks_consent(state, request, asked, &checked, person).await? {
        let person = (person, SignedIn::JustNow);
        return Ok(consent_page(
            state,
            request,
            browser,
            (asked, &checked),
            (person, None),
        ));
    }
    grant(state, request, asked, checked, person).await
}

/// "Allow": what was left ticked is granted, and remembered.
pub(super) async fn allow(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asked, mut checked): (&Asked, CheckedRequest),
    (person, signed_in, form): (&SignedInUser, SignedIn, &Form),
) -> Result<Response<Body>, PageError> {
    let granted = match pages::consent::read_choice(&checked.scopes, form)? {
        Ok(granted) => granted,
        Err(problem) => {
            let again = ((person, signed_in), Some(problem));
            return Ok(consent_page(
                state,
                request,
                browser,
                (asked, &checked),
                again,
            ));
        }
    };
    let consents = consent::places(&checked.resource)
        .into_iter()
        .map(|resource| Consent {
            issuer: request.issuer.clone(),
            user: person.user().id.clone(),
            client_id: asked.client.id.clone(),
            resource,
            scopes: granted.clone(),
            granted_at: request.now,
            expires_at: request.now + state.settings.refresh.absolute,
        });
    let consents = consents.collect();
    let scopes = std::mem::replace(&mut checked.scopes, granted);
    let entry = request.event(Event::ConsentGranted);
    let entry = entry
        .by_subject(&person.user().id)
        .with_client(&asked.client.id);
    state
        .audit
        .tell(entry.with("scope", checked.scopes.to_string()));
    let decided = Decided {
        seed: seed_of(&checked, person, asked),
        consents,
        asked: scopes,
    };
    issue(state, request, asked, checked, decided).await
}

pub(super) async fn asks_consent(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: &CheckedRequest,
    person: &SignedInUser,
) -> Result<bool, Fault> {
    let wanted = wanted(asked, checked);
    pages::consent::is_asked(state, request, &asked.client, wanted, person).await
}

pub(super) fn consent_page(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asked, checked): (&Asked, &CheckedRequest),
    (person, problem): ((&SignedInUser, SignedIn), Option<BadChoice>),
) -> Response<Body> {
    let action = action(state, request, asked, browser);
    let asking = Asking {
        client: (asked.client.as_ref(), asked.reply.redirect_uri.as_str()),
        request: &asked.request,
        scopes: &checked.scopes,
        person,
        problem,
    };
    let target = continue_as::Target { browser, action };
    pages::consent::page(state, request, target, &asking)
}
