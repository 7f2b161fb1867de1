//! An authorization request: read, and checked as far as that needs no person.
//!
//! RFC 6749 §4.1.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>, RFC 9126 §4,
//! RFC 9700 §2.1.

use std::sync::Arc;

use hallpass_issuer::Refusal;
use hallpass_issuer::client::Client;
use hallpass_issuer::consent;
use hallpass_issuer::factors::acr::AcrValues;
use hallpass_issuer::grants::authorization_code::{self, CheckedRequest};
use hallpass_issuer::refusal::{AuthorizationRefusal, PageReason};
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::form::{Form, FormError};
use http::Method;

use crate::endpoints::debugger;
use crate::error::page::PageError;
use crate::error::redirect::ReplyAddress;
use crate::extract::browser::Browser;
use crate::extract::pushed_request::Pushed;
use crate::request::Request;
use crate::state::State;

/// An authorization request whose client and reply address are good.
pub(super) struct Asked {
    pub(super) request: AuthorizationRequest,
    pub(super) client: Arc<Client>,
    pub(super) reply: ReplyAddress,
    /// Where the request was pushed to, if it was.
    pub(super) pushed: Option<Pushed>,
}

/// What the person posted, if anything.
pub(super) enum Posted {
    /// The sign-in form.
    SignIn(Form),
    /// A button of the "Continue as" page.
    Choice(Form),
}

/// The authorization request stands in the query while our pages post, else wherever the client
/// put it; a client in both places is one parameter twice.
pub(super) fn read(request: &Request) -> Result<(Form, Option<Posted>), PageError> {
    let query = request.query_form()?;
    if request.method != Method::POST {
        return Ok((query, None));
    }
    let body = request.form()?;
    Ok(match (query.has("client_id"), body.has("client_id")) {
        (true, true) => return Err(FormError::Repeated("client_id".to_owned()).into()),
        (false, _) => (body, None),
        (true, false) if body.has("action") => (query, Some(Posted::Choice(body))),
        (true, false) => (query, Some(Posted::SignIn(body))),
    })
}

pub(super) fn check_reply_address(
    state: &State,
    at: &Request,
    (request, pushed): (AuthorizationRequest, Option<Pushed>),
) -> Result<Asked, PageError> {
    let client = request
        .client_id
        .as_ref()
        .and_then(|id| state.clients.find_at(id, &debugger::redirect_uri(at)));
    match authorization_code::check_reply_address(&request, client.as_deref()) {
        Ok((redirect_uri, mode)) => {
            let client = client.ok_or(PageError::Request(PageReason::UnknownClient))?;
            Ok(Asked {
                request,
                client,
                reply: ReplyAddress { redirect_uri, mode },
                pushed,
            })
        }
        Err(AuthorizationRefusal::Page(_, reason)) => Err(PageError::Request(reason)),
        Err(AuthorizationRefusal::Redirect(refusal)) => Err(refusal.into()),
    }
}

/// Checks what can be told to the client. A pushed request is checked again: the client may have
/// changed since (RFC 9126 §7.4).
pub(super) fn check(state: &State, asked: &Asked) -> Result<CheckedRequest, Refusal> {
    // RFC 9126 §4 and §6: some clients, or all of them, must push.
    let must_push =
        state.settings.pushed_requests.required || asked.client.requires_pushed_requests;
    if must_push && asked.pushed.is_none() {
        return Err(Refusal::invalid_request(
            "authorization requests of this client must be pushed first (RFC 9126)",
        ));
    }
    let reply = (asked.reply.redirect_uri.clone(), asked.reply.mode);
    let mut checked = authorization_code::check(&asked.request, &asked.client, reply)?;
    state.settings.check_resources(&checked.resource)?;
    if !state.settings.is_production() {
        // Nobody proves anything in dev mode, so that nothing can be asked for.
        checked.acr = AcrValues::default();
    }
    // RFC 9470 §5: what nobody can reach here is said at once.
    let strongest = state.settings.reachable_acrs().last().copied();
    if !checked.acr.accepts(strongest) {
        return Err(Refusal::UnmetAuthenticationRequirements);
    }
    let policy = consent::policy_of(&asked.client, state.settings.consent);
    checked.scopes = consent::effective_scopes(&asked.client, policy, wanted(asked, &checked));
    Ok(checked)
}

/// What the client wants of a person.
pub(super) fn wanted<'a>(asked: &Asked, checked: &'a CheckedRequest) -> consent::Asked<'a> {
    consent::Asked {
        scopes: &checked.scopes,
        resources: &checked.resource,
        prompt: asked.request.prompts("consent"),
    }
}

/// Our pages post to the same URL, whatever way the request came.
pub(super) fn action(state: &State, request: &Request, asked: &Asked, browser: &Browser) -> String {
    let parameters = match &asked.pushed {
        Some(pushed) => {
            let whose = (browser, asked.client.id.as_str());
            let mut parameters = pushed.parameters(state, request, whose);
            // What the person chose on an earlier page of ours.
            let query = request.query_form().unwrap_or_default();
            parameters.push_some("ui_locales", query.one("ui_locales").ok().flatten());
            parameters
        }
        None => asked.request.encode(),
    };
    format!("{}?{}", request.path, parameters.encode())
}
