//! The authorization endpoint: checks the request, finds out who the person is, and answers the
//! client.
//!
//! RFC 6749 §4.1.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>, OIDC Core §3.1.2,
//! RFC 9126 §4, RFC 9207, RFC 9700 §2.1.

use std::sync::Arc;

use hallpass_issuer::Refusal;
use hallpass_issuer::authorization::AuthorizationSeed;
use hallpass_issuer::client::Client;
use hallpass_issuer::grants::authorization_code::{
    self, AuthorizationCode, CheckedRequest, CodeState,
};
use hallpass_issuer::refusal::{AuthorizationRefusal, PageReason};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_issuer::user::User;
use hallpass_protocol::authorization::{AuthorizationRequest, AuthorizationResponse};
use hallpass_protocol::form::{Form, FormError};
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::{Secret, Timestamp, UserId};
use hallpass_store::{authorization_codes, pushed_requests};
use http::{Method, Response};

use super::debugger;
use crate::Body;
use crate::error::page::PageError;
use crate::error::redirect::{ReplyAddress, see_other};
use crate::extract::browser::Browser;
use crate::extract::pushed_request::{self, Pushed};
use crate::extract::signed_in_user::{SessionCookie, SignedInUser};
use crate::extract::token::id_token_hint;
use crate::issuance;
use crate::pages::login::{self, Purpose};
use crate::pages::{continue_as, custom_login};
use crate::request::Request;
use crate::state::State;

/// An authorization request whose client and reply address are good.
pub(crate) struct Asked {
    pub(crate) request: AuthorizationRequest,
    pub(crate) client: Arc<Client>,
    pub(crate) reply: ReplyAddress,
    /// Where the request was pushed to, if it was.
    pub(crate) pushed: Option<Pushed>,
}

/// What the person posted, if anything.
enum Posted {
    /// The sign-in form.
    SignIn(Form),
    /// A button of the "Continue as" page.
    Choice(Form),
}

/// `GET authorize`, `POST authorize`: a request by form post is the same request (row S-54).
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let (parameters, posted) = read(request)?;
    let parsed = AuthorizationRequest::decode(&parameters)?;
    let resolved = pushed_request::resolve(state, request, parsed).await?;
    let asked = check_reply_address(state, request, resolved)?;
    match check(state, &asked) {
        Ok(checked) => decide(state, request, &asked, checked, posted).await,
        Err(refusal) => refuse_unasked(state, request, &asked, refusal).await,
    }
}

/// Checks what can be told to the client. A pushed request is checked again: the client may have
/// changed since (RFC 9126 §7.4).
fn check(state: &State, asked: &Asked) -> Result<CheckedRequest, Refusal> {
    // RFC 9126 §4 and §6: some clients, or all of them, must push.
    let must_push =
        state.settings.pushed_requests.required || asked.client.requires_pushed_requests;
    if must_push && asked.pushed.is_none() {
        return Err(Refusal::invalid_request(
            "authorization requests of this client must be pushed first (RFC 9126)",
        ));
    }
    let reply = (asked.reply.redirect_uri.clone(), asked.reply.mode);
    authorization_code::check(&asked.request, &asked.client, reply)
}

/// The authorization request stands in the query while our pages post, else wherever the client
/// put it; a client in both places is one parameter twice.
fn read(request: &Request) -> Result<(Form, Option<Posted>), PageError> {
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

fn check_reply_address(
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

async fn decide(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: CheckedRequest,
    posted: Option<Posted>,
) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let signed_in = SignedInUser::find(state, request).await?;
    // Nobody else will do than the person of the hint; one that is not ours names nobody.
    let hint = match asked.request.id_token_hint.as_deref() {
        Some(token) => Some(id_token_hint(state, request, token).await?),
        None => None,
    };
    let signed_in = signed_in.filter(|person| {
        let names = |claims: &IdTokenClaims| claims.sub == person.user().id.as_str();
        hint.as_ref()
            .is_none_or(|claims| claims.as_ref().is_some_and(names))
    });
    match (posted, signed_in) {
        (Some(Posted::SignIn(form)), _) => {
            browser.check_sign_in(state, request, &form)?;
            match login::read(&form) {
                Err(mistakes) => Ok(sign_in_page(state, request, &browser, asked, &mistakes)),
                // OIDC Core §3.1.2.1: never a token of another person than the hint's.
                Ok(user)
                    if hint
                        .flatten()
                        .is_some_and(|claims| claims.sub != user.id.as_str()) =>
                {
                    refuse(state, request, asked, Refusal::LoginRequired).await
                }
                Ok(user) => {
                    let (person, cookie) = SignedInUser::sign_in(state, request, user).await?;
                    grant(state, request, asked, checked, (&person, Some(cookie))).await
                }
            }
        }
        (Some(Posted::Choice(form)), Some(person)) => {
            browser.check_csrf_of(state, request, (&form, &person))?;
            let may_go_on = matches!(
                unasked(state, request, asked, &checked, Some(&person)),
                Next::Continue(_) | Next::Grant(_)
            );
            match form.one("action")? {
                // The button is no way around `prompt=login` and `max_age`.
                Some("continue") if may_go_on => {
                    grant(state, request, asked, checked, (&person, None)).await
                }
                Some("deny") => refuse(state, request, asked, Refusal::AccessDenied).await,
                _ => go_on(state, request, &browser, (asked, checked), Next::SignIn).await,
            }
        }
        (Some(Posted::Choice(_)) | None, signed_in) => {
            let next = unasked(state, request, asked, &checked, signed_in.as_ref());
            go_on(state, request, &browser, (asked, checked), next).await
        }
    }
}

/// Does what follows when nobody pressed a button yet.
async fn go_on(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asked, checked): (&Asked, CheckedRequest),
    next: Next<'_>,
) -> Result<Response<Body>, PageError> {
    match next {
        Next::SignIn => first_sign_in_page(state, request, browser, asked).await,
        Next::Refuse(refusal) => refuse_unasked(state, request, asked, refusal).await,
        Next::Silent(user) => {
            let seed = seed(&checked, user, (request.now, None), asked);
            issue(state, request, asked, checked, seed).await
        }
        Next::Continue(person) => {
            let action = action(state, request, asked, browser);
            let target = continue_as::Target { browser, action };
            let who = (person, &checked.scopes);
            let client = (asked.client.as_ref(), asked.reply.redirect_uri.as_str());
            Ok(continue_as::page(state, request, target, client, who))
        }
        Next::Grant(person) => grant(state, request, asked, checked, (person, None)).await,
    }
}

/// What happens when nobody pressed a button yet.
enum Next<'a> {
    SignIn,
    Refuse(Refusal),
    /// Dev mode without a sign-in page: somebody new signs in each time (`docs/dev-mode.md`).
    Silent(User),
    Continue(&'a SignedInUser),
    Grant(&'a SignedInUser),
}

fn unasked<'a>(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: &CheckedRequest,
    signed_in: Option<&'a SignedInUser>,
) -> Next<'a> {
    let prompts = |word| asked.request.prompts(word);
    let fresh = signed_in.filter(|person| !person.is_older_than(checked.max_age, request));
    if !state.settings.interactive_login
        && !["login", "consent", "select_account"]
            .into_iter()
            .any(prompts)
    {
        let id = UserId::new(issuance::random_id(state));
        return Next::Silent(User {
            id,
            claims: serde_json::Map::new(),
        });
    }
    // Rows S-288, S-179: a loopback client never gets a code without a click, nor does one that
    // registered itself.
    let needs_click = asked.client.registered_itself
        || asked.client.is_public() && asked.reply.redirect_uri.is_loopback();
    if prompts("none") {
        return match fresh {
            None => Next::Refuse(Refusal::LoginRequired),
            Some(_) if needs_click => Next::Refuse(Refusal::InteractionRequired),
            Some(person) => Next::Grant(person),
        };
    }
    match fresh {
        Some(_) if prompts("login") => Next::SignIn,
        Some(person) if needs_click || prompts("consent") || prompts("select_account") => {
            Next::Continue(person)
        }
        Some(person) => Next::Grant(person),
        None => Next::SignIn,
    }
}

/// Our pages post to the same URL, whatever way the request came.
fn action(state: &State, request: &Request, asked: &Asked, browser: &Browser) -> String {
    let parameters = match &asked.pushed {
        Some(pushed) => {
            let whose = (browser, asked.client.id.as_str());
            pushed.parameters(state, request, whose)
        }
        None => asked.request.encode(),
    };
    format!("{}?{}", request.path, parameters.encode())
}

/// The sign-in page before anything was typed: the developer's own, if there is one.
async fn first_sign_in_page(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
) -> Result<Response<Body>, PageError> {
    let Some(path) = &state.settings.login_page else {
        let nothing_sent = login::Mistakes::default();
        return Ok(sign_in_page(state, request, browser, asked, &nothing_sent));
    };
    // That page posts to its own URL, so the request has to stand there.
    if !request.query_form()?.has("client_id") {
        return Ok(see_other(&action(state, request, asked, browser)));
    }
    Ok(custom_login::page(path).await?)
}

fn sign_in_page(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
    mistakes: &login::Mistakes,
) -> Response<Body> {
    let page = login::Asking {
        purpose: Purpose::Continue(shown_name(&asked.client)),
        action: action(state, request, asked, browser),
        hint: asked.request.login_hint.as_deref(),
        parameters: asked.request.encode(),
    };
    login::page(state, request, browser, page, mistakes)
}

/// Row S-179: what a client calls itself is marked as its own word.
fn shown_name(client: &Client) -> String {
    if client.registered_itself {
        format!("\"{}\" (registered itself, not verified)", client.name)
    } else {
        client.name.clone()
    }
}

async fn grant(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: CheckedRequest,
    (person, cookie): (&SignedInUser, Option<SessionCookie>),
) -> Result<Response<Body>, PageError> {
    let when = (person.auth_time(), Some(person.session()));
    let seed = seed(&checked, person.user().clone(), when, asked);
    let mut response = issue(state, request, asked, checked, seed).await?;
    if let Some(cookie) = cookie {
        cookie.send(&mut response);
    }
    Ok(response)
}

fn seed(
    checked: &CheckedRequest,
    user: User,
    (auth_time, browser_session): (Timestamp, Option<SecretHash>),
    asked: &Asked,
) -> AuthorizationSeed {
    AuthorizationSeed {
        user,
        scopes: checked.scopes.clone(),
        resource: checked.resource.clone(),
        auth_time,
        nonce: asked.request.nonce.clone(),
        browser_session,
    }
}

async fn issue(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: CheckedRequest,
    seed: AuthorizationSeed,
) -> Result<Response<Body>, PageError> {
    let (secret, code_hash) = Kind::AuthorizationCode.generate(state.random.as_ref());
    let code = AuthorizationCode {
        code_hash,
        issuer: request.issuer.clone(),
        client_id: asked.client.id.clone(),
        redirect_uri: checked.redirect_uri.as_str().to_owned(),
        challenge: checked.challenge,
        seed,
        expires_at: request.now + authorization_code::LIFETIME,
        state: CodeState::Issued,
        dpop_jkt: checked.dpop_jkt,
    };
    let pushed = asked.pushed.as_ref().map(|pushed| pushed.hash);
    let issued = state.store.write(move |tx| {
        // Row S-206: a pushed request is used up by its code; of two that race one gets it.
        let is_free = match &pushed {
            Some(hash) => pushed_requests::delete(tx, hash)?,
            None => true,
        };
        if is_free {
            authorization_codes::insert(tx, &code)?;
        }
        Ok(is_free)
    });
    if !issued.await? {
        return Err(PageError::Request(PageReason::UnknownRequestUri));
    }
    Ok(answer(request, asked, Ok(secret)))
}

/// Refuses before a person has acted. A client that registered itself could make an open redirector
/// of that (RFC 9700 §4.11.2; ), so that its answer goes to this machine alone.
async fn refuse_unasked(
    state: &State,
    request: &Request,
    asked: &Asked,
    refusal: Refusal,
) -> Result<Response<Body>, PageError> {
    if asked.client.registered_itself && !asked.reply.redirect_uri.is_loopback() {
        tracing::info!(?refusal, client = %asked.client.id, "unverified client refused");
        return Err(PageError::Request(PageReason::Unverified));
    }
    refuse(state, request, asked, refusal).await
}

/// Tells the client no. That uses a pushed request up, too.
async fn refuse(
    state: &State,
    request: &Request,
    asked: &Asked,
    refusal: Refusal,
) -> Result<Response<Body>, PageError> {
    if let Some(hash) = asked.pushed.as_ref().map(|pushed| pushed.hash) {
        let used = state
            .store
            .write(move |tx| pushed_requests::delete(tx, &hash));
        used.await?;
    }
    Ok(answer(request, asked, Err(refusal)))
}

/// Every answer carries `state` byte for byte and `iss` (RFC 9207 §2).
fn answer(
    request: &Request,
    asked: &Asked,
    result: Result<Secret<String>, Refusal>,
) -> Response<Body> {
    if let Err(refusal) = &result {
        tracing::info!(?refusal, client = %asked.client.id, "authorization request refused");
    }
    let response = AuthorizationResponse {
        result: result.map_err(|refusal| refusal.to_error()),
        state: asked.request.state.clone(),
        iss: Some(request.issuer_url.clone()),
    };
    asked
        .reply
        .answer(&response, &asked.client.name, request.layout())
}
