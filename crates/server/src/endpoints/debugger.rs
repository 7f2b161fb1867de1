//! The debugger of dev mode: an authorization code flow of this server against itself.
//!
//! Only its own endpoints are asked, and inside the process: whatever the form says, no connection is
//! opened. RFC 6749 §4.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1>, RFC 7636.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use hallpass_protocol::pkce::CodeVerifier;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{token, userinfo};
use crate::Body;
use crate::error::json::{self, JsonError};
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::cookie::add_cookie;
use crate::issuance::random_id;
use crate::page_token::Purpose;
use crate::pages::debugger::{Answer, Debugger, Fields};
use crate::pages::html;
use crate::pages::layout::FormTarget;
use crate::request::Request;
use crate::state::State;

const COOKIE: &str = "hallpass_debugger";
/// How long a run may take.
const LIFETIME: std::time::Duration = std::time::Duration::from_mins(10);
/// The longest field that is kept in the cookie.
const LONGEST: usize = 255;

/// A run between its two halves, in a cookie of the browser that began it.
#[derive(Serialize, Deserialize)]
struct Run {
    state: String,
    nonce: String,
    verifier: String,
    client_id: String,
    client_secret: String,
    scope: String,
    expires_at: Timestamp,
}

/// Where the debugger of an issuer gets its answer.
pub(crate) fn redirect_uri(request: &Request) -> String {
    request.url_of("debugger/callback")
}

/// `GET debugger` shows the form, `POST debugger` sends the browser on its way.
pub(crate) fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    if request.method != Method::POST {
        let fields = Fields {
            client_id: "debugger".to_owned(),
            client_secret: String::new(),
            scope: "openid".to_owned(),
            redirect_uri: redirect_uri(request),
        };
        return Ok(page(state, request, &browser, fields, Vec::new()));
    }
    let form = request.form()?;
    browser.check_sign_in(state, request, &form)?;
    let field = |name: &str| -> Result<String, PageError> {
        let text = form.one(name)?.unwrap_or_default();
        Ok(text.chars().take(LONGEST).collect())
    };
    let given_or_drawn = |name: &str| -> Result<String, PageError> {
        Ok(Some(field(name)?)
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| random_id(state)))
    };
    let verifier = CodeVerifier::generate(state.random.as_ref());
    let run = Run {
        state: given_or_drawn("state")?,
        nonce: given_or_drawn("nonce")?,
        verifier: verifier.expose().to_owned(),
        client_id: field("client_id")?,
        client_secret: field("client_secret")?,
        scope: field("scope")?,
        expires_at: request.now + LIFETIME,
    };
    let mut asked = Form::default();
    for (name, value) in [
        ("client_id", run.client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", &redirect_uri(request)),
        ("scope", &run.scope),
        ("state", &run.state),
        ("nonce", &run.nonce),
        ("code_challenge", verifier.challenge().as_str()),
        ("code_challenge_method", "S256"),
    ] {
        asked.push(name, value);
    }
    if let Some(mode) = form.one("response_mode")?.filter(|mode| !mode.is_empty()) {
        asked.push("response_mode", mode);
    }
    let sealed = state
        .page_tokens
        .seal(Purpose::Debugger, browser.binding(request), &run);
    let mut response = see_other(&format!(
        "{}?{}",
        request.url_of("authorize"),
        asked.encode()
    ));
    browser.remember(&mut response);
    set_cookie(request, &mut response, &sealed, LIFETIME.as_secs());
    Ok(response)
}

/// `debugger/callback`: the second half of the run.
pub(crate) async fn callback(
    state: &State,
    request: &Request,
) -> Result<Response<Body>, PageError> {
    let parameters = if request.method == Method::POST {
        request.form()?
    } else {
        request.query_form()?
    };
    let browser = Browser::of(state, request);
    let run: Option<Run> = request.cookie(COOKIE).and_then(|sealed| {
        state
            .page_tokens
            .open(Purpose::Debugger, browser.binding(request), sealed)
    });
    // RFC 6749 §10.12: an answer that this browser did not ask for is not looked at.
    let run = run
        .filter(|run| request.now < run.expires_at)
        .filter(|run| parameters.one("state").ok().flatten() == Some(&run.state))
        .ok_or(PageError::Forged)?;
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let mut answers = vec![answer(
        "Authorization response",
        pairs.collect::<Vec<_>>().join("\n"),
    )];
    if let Some(code) = parameters.one("code")? {
        answers.extend(redeem(state, request, &run, code).await);
    }
    let fields = Fields {
        client_id: run.client_id,
        client_secret: run.client_secret,
        scope: run.scope,
        redirect_uri: redirect_uri(request),
    };
    let mut response = page(state, request, &browser, fields, answers);
    set_cookie(request, &mut response, "", 0);
    Ok(response)
}

/// Redeems the code, and shows the tokens and what they are good for.
async fn redeem(state: &State, request: &Request, run: &Run, code: &str) -> Vec<Answer> {
    let mut form = Form::default();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri(request)),
        ("code_verifier", &run.verifier),
        ("client_id", &run.client_id),
    ] {
        form.push(name, value);
    }
    if !run.client_secret.is_empty() {
        form.push("client_secret", run.client_secret.as_str());
    }
    let asked = own_request(request, Method::POST, "token", HeaderMap::new());
    let tokens = match token::redeem(state, &asked, &form).await {
        Ok(response) => response
            .to_json()
            .map_err(|error| JsonError::Fault(error.into())),
        Err(refused) => Err(refused),
    };
    let text = text_of(tokens.map(|body| json::json(StatusCode::OK, body))).await;
    let tokens: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut answers = vec![
        answer("Token request", form.encode().replace('&', "\n&")),
        answer("Token response", text),
    ];
    for (name, title) in [("access_token", "Access token"), ("id_token", "ID token")] {
        if let Some(decoded) = tokens.get(name).and_then(Value::as_str).and_then(decoded) {
            answers.push(answer(title, decoded));
        }
    }
    if let Some(token) = tokens.get("access_token").and_then(Value::as_str)
        && let Ok(bearer) = HeaderValue::from_str(&format!("Bearer {token}"))
    {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
        let asked = own_request(request, Method::GET, "userinfo", headers);
        let person = text_of(userinfo::get(state, &asked).await).await;
        answers.push(answer("UserInfo", person));
    }
    answers
}

/// A request of our own, as if it had come from where this one came from.
fn own_request(request: &Request, method: Method, path: &str, headers: HeaderMap) -> Request {
    Request {
        method,
        path: request.path_of(path),
        query: String::new(),
        headers,
        body: Bytes::new(),
        peer: request.peer,
        is_veiled: request.is_veiled,
        issuer: request.issuer.clone(),
        issuer_url: request.issuer_url.clone(),
        paths: request.paths,
        brand: request.brand.clone(),
        look: Arc::clone(&request.look),
        now: request.now,
        came: request.came,
        language: request.language.clone(),
        held_for: OnceLock::new(),
    }
}

/// The JSON of an answer, laid out.
async fn text_of(answer: Result<Response<Body>, JsonError>) -> String {
    let response = answer.unwrap_or_else(JsonError::into_response);
    // A whole body cannot fail.
    let body = response.into_body().collect().await.unwrap_or_default();
    let body = body.to_bytes();
    match serde_json::from_slice::<Value>(&body) {
        Ok(value) => format!("{value:#}"),
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Header and claims of a JWT, which is only shown here and needs no check.
fn decoded(jwt: &str) -> Option<String> {
    let mut parts = jwt.split('.');
    let mut part = || -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        Some(format!("{value:#}"))
    };
    Some(format!("{}\n{}", part()?, part()?))
}

fn answer(title: &str, text: String) -> Answer {
    Answer {
        title: title.to_owned(),
        text,
    }
}

fn page(
    state: &State,
    request: &Request,
    browser: &Browser,
    fields: Fields,
    answers: Vec<Answer>,
) -> Response<Body> {
    let page = Debugger {
        layout: request.layout(),
        form: FormTarget {
            action: request.path_of("debugger"),
            csrf: browser.csrf(state, request),
            interaction: None,
        },
        fields,
        answers,
    };
    let mut response = html::html(StatusCode::OK, &page);
    browser.remember(&mut response);
    response
}

fn set_cookie(request: &Request, response: &mut Response<Body>, value: &str, seconds: u64) {
    let path = request.path_of("debugger");
    let cookie =
        format!("{COOKIE}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    add_cookie(response, &cookie);
}
