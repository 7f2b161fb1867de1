//! Signing out of the server's pages.
//!
//! OIDC RP-Initiated Logout §2 and §3: <https://openid.net/specs/openid-connect-rpinitiated-1_0.html>

use hallpass_issuer::Client;
use hallpass_issuer::audit::Event;
use hallpass_issuer::redirect_uri::AllowedRedirectUri;
use hallpass_protocol::form::{self, Form};
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::{AuthorizationId, ClientId};
use hallpass_store::authorizations;
use http::{Method, Response, StatusCode};

use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::extract::token::id_token_hint;
use crate::pages::html;
use crate::pages::layout::{FormTarget, Link};
use crate::pages::signed_out::{Confirm, SignedOut, Step};
use crate::request::Request;
use crate::state::State;

/// `GET endsession`, `POST endsession`. Without a hint of ours for whoever is signed in, the
/// person is asked first (row S-240).
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let query = request.query_form()?;
    let body = if request.method == Method::POST {
        request.form()?
    } else {
        Form::default()
    };
    let answered = body.has("confirm");
    let parameters = if request.method == Method::POST && !answered {
        &body
    } else {
        &query
    };
    let hint = match parameters.one("id_token_hint")? {
        Some(token) => id_token_hint(state, request, token).await?,
        None => None,
    };
    let client = client_of(state, parameters, hint.as_ref())?;
    let back = client
        .as_ref()
        .and_then(|client| return_address(client, parameters));
    let person = SignedInUser::find(state, request).await?;
    let browser = Browser::of(state, request);
    let Some(person) = person else {
        return Ok(done(request, back));
    };
    let is_theirs = match &hint {
        Some(hint) => is_of_session(state, hint, &person).await?,
        None => false,
    };
    if answered {
        browser.check_csrf(state, request, &body)?;
        if body.one("confirm")? != Some("yes") {
            return Ok(see_other(&request.path_of("device")));
        }
    } else if !is_theirs {
        let form = FormTarget {
            action: format!("{}?{}", request.path, parameters.encode()),
            csrf: browser.csrf(state, request),
            interaction: None,
        };
        let user = Some(person.user().shown_name().to_owned());
        let step = Step::Confirm(Confirm {
            form,
            client: client.map(|client| client.name.clone()),
            user,
        });
        let mut response = html::html(
            StatusCode::OK,
            &SignedOut {
                layout: request.layout(),
                step,
            },
        );
        browser.remember(&mut response);
        return Ok(response);
    }
    let signed_out = request.event(Event::Logout).by_subject(&person.user().id);
    let cookie = person.sign_out(state, request).await?;
    state.audit.keep(signed_out).await;
    let mut response = done(request, back);
    cookie.send(&mut response);
    Ok(response)
}

fn done(request: &Request, back: Option<String>) -> Response<Body> {
    if let Some(address) = back {
        return see_other(&address);
    }
    let step = Step::Done { back: None::<Link> };
    html::html(
        StatusCode::OK,
        &SignedOut {
            layout: request.layout(),
            step,
        },
    )
}

/// Whether an ID token was issued in this browser session: another browser of the same person is
/// not signed out unasked (row S-240).
async fn is_of_session(
    state: &State,
    hint: &IdTokenClaims,
    person: &SignedInUser,
) -> Result<bool, Fault> {
    let Some(id) = hint.sid.as_deref().and_then(AuthorizationId::parse) else {
        return Ok(false);
    };
    let found = state
        .store
        .read(move |tx| authorizations::find(tx, id))
        .await?;
    Ok(found.is_some_and(|found| found.seed.browser_session == Some(person.session())))
}

/// The client of the hint or of `client_id`; two that disagree are none (row S-242).
fn client_of(
    state: &State,
    parameters: &Form,
    hint: Option<&IdTokenClaims>,
) -> Result<Option<std::sync::Arc<Client>>, PageError> {
    let named = parameters.one("client_id")?.map(ClientId::new);
    let hinted = hint
        .and_then(|hint| hint.aud.iter().next())
        .map(ClientId::new);
    let id = match (named, hinted) {
        (Some(named), Some(hinted)) if named != hinted => None,
        // A hint that does not verify speaks for nobody.
        (Some(_), None) if parameters.has("id_token_hint") => None,
        (named, hinted) => hinted.or(named),
    };
    Ok(id.and_then(|id| state.clients.find(&id)))
}

/// `post_logout_redirect_uri` with `state`, when it is registered (row S-241).
fn return_address(client: &Client, parameters: &Form) -> Option<String> {
    let asked = parameters.one("post_logout_redirect_uri").ok()??;
    AllowedRedirectUri::check_post_logout(client, asked)?;
    let state = parameters.one("state").ok().flatten();
    let joint = if asked.contains('?') { '&' } else { '?' };
    Some(state.map_or_else(
        || asked.to_owned(),
        |state| format!("{asked}{joint}state={}", form::encode(state)),
    ))
}
