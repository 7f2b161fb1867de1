//! Everything that is kept about a person, as a file for them.

use hallpass_issuer::account::EmailAddress;
use hallpass_issuer::audit::Event;
use hallpass_issuer::sign_in_event::Outcome;
use hallpass_protocol::Timestamp;
use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::gate::{Needs, enter};
use super::overview::load;
use super::rows::moment;
use crate::Body;
use crate::accounts::Overview;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::request::Request;
use crate::state::State;

/// `POST account/export`: a JSON file. No secret is in it.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let visit = match enter(state, request, (Needs::FreshSignIn, "account")).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    visit.form.as_ref().ok_or(PageError::Method)?;
    let Some(found) = load(state, &visit.person, u32::MAX).await? else {
        return Ok(see_other(&request.path_of("login")));
    };
    let entry = request.event(Event::UserExported);
    state.audit.keep(entry.by_subject(&found.account.id)).await;
    let text = serde_json::to_vec_pretty(&written(&found, request)).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "application/json"),
    (
        header::CONTENT_DISPOSITION,
        "attachment; filename=\"account.json\"",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

fn written(found: &Overview, request: &Request) -> Value {
    let account = &found.account;
    let time = |at: Timestamp| moment(at, request.now).iso();
    let programs = found.authorizations.iter().map(|(program, label)| {
        json!({
            "sid": program.id.to_string(),
            "client_id": program.client_id.as_str(),
            "label": label,
            "scope": program.seed.scopes.to_string(),
            "resource": program.seed.resource,
            "origin": program.origin,
            "address": program.address,
            "created_at": time(program.created_at),
            "dpop_jkt": program.dpop_jkt,
        })
    });
    let browsers = found.browsers.iter().map(|browser| {
        json!({
            "browser": browser.sign_in.browser,
            "address": browser.address,
            "signed_in_at": time(browser.auth_time),
            "expires_at": time(browser.expires_at),
        })
    });
    let apps = found.consents.iter().map(|consent| {
        json!({
            "client_id": consent.client_id.as_str(),
            "resource": consent.resource,
            "scope": consent.scopes.to_string(),
            "granted_at": time(consent.granted_at),
            "expires_at": time(consent.expires_at),
        })
    });
    let events = found.events.iter().map(|event| {
        json!({
            "at": time(event.at),
            "signed_in": event.outcome == Outcome::SignedIn,
            "password_was_right": event.outcome != Outcome::Refused,
            "address": event.address,
            "browser": event.browser,
        })
    });
    json!({
        "issuer": request.issuer_url,
        "exported_at": time(request.now),
        "account": {
            "sub": account.id.as_str(),
            "username": account.username.as_str(),
            "name": account.display_name,
            "locale": account.locale,
            "email": account.email.as_ref().map(EmailAddress::as_str),
            "email_verified_at": account.email_verified_at.map(time),
            "created_at": time(account.created_at),
            "last_login_at": account.last_login_at.map(time),
        },
        "second_factors": {
            "totp": found.factors.totp.map(|(set_up, used)| json!({
                "set_up_at": time(set_up),
                "last_used_at": used.map(time),
            })),
            "passkeys": found.factors.passkeys,
            "recovery_codes_left": found.factors.recovery_codes,
        },
        "sessions": programs.collect::<Vec<_>>(),
        "browsers": browsers.collect::<Vec<_>>(),
        "apps": apps.collect::<Vec<_>>(),
        "sign_ins": events.collect::<Vec<_>>(),
    })
}
