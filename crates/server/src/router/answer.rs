//! One request from its head to its answer: who may ask, what is asked, the body, and what goes along.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use hallpass_protocol::prefer;
use hallpass_store::Moment;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::cors::{allow_origin, allow_registered};
use super::dispatch::dispatch;
use super::endpoint::Endpoint;
use super::url_map::Map;
use crate::Body;
use crate::control;
use crate::dev_mode;
use crate::endpoints::static_files;
use crate::error::json::JsonError;
use crate::error::page::PageError;
use crate::extract::dpop_proof;
use crate::languages::PageLanguage;
use crate::paths::Paths;
use crate::request::{self, BodyError, Request};
use crate::state::State;
use crate::trusted_proxies::{client_address, is_veiled};

/// A request of which only the head is read.
fn without_body(
    state: &State,
    parts: http::request::Parts,
    peer: SocketAddr,
    issuer: String,
) -> Request {
    let base = dev_mode::base_url(&state.settings, &parts.headers);
    let issuer_url = if issuer.is_empty() {
        base
    } else {
        format!("{base}/{issuer}")
    };
    let proxies = &state.settings.trusted_proxies;
    Request {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        body: hyper::body::Bytes::new(),
        peer: client_address(proxies, peer.ip(), &parts.headers),
        is_veiled: is_veiled(proxies, peer.ip(), &parts.headers),
        headers: parts.headers,
        issuer,
        issuer_url,
        paths: Paths::of(state.settings.mode),
        brand: state.brand.clone(),
        look: Arc::clone(&state.look),
        now: state.now(),
        came: Moment::present(),
        language: PageLanguage::unknown(state.settings.branding.language),
        held_for: OnceLock::new(),
    }
}

/// Answers one request.
pub(crate) async fn answer<B>(
    state: Arc<State>,
    incoming: http::Request<B>,
    peer: SocketAddr,
) -> Response<Body>
where
    B: hyper::body::Body<Data = hyper::body::Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = incoming.into_parts();
    if let Some(refused) = refuse_stranger(&state, &parts.headers, peer) {
        return refused;
    }
    let path = parts.uri.path();
    if !state.settings.is_production() && control::is_control_path(path) {
        return Box::pin(control::answer(&state, parts, body, peer)).await;
    }
    if let Some(asset) = state.look.find(path) {
        return asset.response(path);
    }
    // RFC 9110 §9.3.7: `*` asks about the server as a whole.
    if parts.method == Method::OPTIONS && path == "*" {
        return status(StatusCode::NO_CONTENT);
    }
    let (issuer, endpoint) = Map::of(&state.settings).resolve(path).unzip();
    let mut request = without_body(&state, parts, peer, issuer.unwrap_or_default());
    if let Some(folder) = &state.settings.static_assets
        && request.path.starts_with(static_files::PREFIX)
    {
        let file = Box::pin(static_files::get(folder, &request)).await;
        return file.unwrap_or_else(|error| error.into_response(&state, &request));
    }
    let Some(endpoint) = endpoint else {
        // Programs look for metadata, people for pages (row S-166).
        return if request.path.contains("/.well-known/") {
            JsonError::NotFound.into_response()
        } else {
            PageError::NotFound.into_response(&state, &request)
        };
    };
    let mut response = if request.method == Method::OPTIONS {
        let mut response = status(StatusCode::NO_CONTENT);
        let methods = HeaderValue::from_static(endpoint.methods());
        response.headers_mut().insert(header::ALLOW, methods);
        response
    } else if !endpoint.takes(&request.method) {
        refuse_method(&state, &request, endpoint)
    } else {
        match request::read_body(body).await {
            Ok(body) => {
                request.body = body;
                // A future is as large as the largest endpoint, and each hand that it goes through
                // copies it: in a box only its address travels.
                let truth = Box::pin(dispatch(&state, &request, endpoint));
                control::observe(&state, &request, endpoint.name(), truth).await
            }
            Err(BodyError::TooLarge) => {
                JsonError::Body(StatusCode::PAYLOAD_TOO_LARGE).into_response()
            }
            Err(BodyError::TooSlow) => JsonError::Body(StatusCode::REQUEST_TIMEOUT).into_response(),
            Err(BodyError::Broken) => JsonError::Body(StatusCode::BAD_REQUEST).into_response(),
        }
    };
    finish(&state, &request, endpoint, &mut response);
    response
}

/// Adds what goes along with every answer of an endpoint: the next nonce, and who may read it.
fn finish(state: &State, request: &Request, endpoint: Endpoint, response: &mut Response<Body>) {
    if let Some(role) = endpoint.takes_proofs() {
        dpop_proof::send_nonce(state, request, role, response);
    }
    if let Some(wait) = request.held_for.get()
        && let Ok(applied) = HeaderValue::try_from(prefer::spell_wait(*wait))
    {
        let headers = response.headers_mut();
        headers.insert(prefer::PREFERENCE_APPLIED, applied);
    }
    let methods = match endpoint {
        Endpoint::ClientConfiguration => "GET, PUT, DELETE, OPTIONS",
        _ => "POST, GET, OPTIONS",
    };
    if state.settings.strict {
        if endpoint.is_for_scripts() {
            let is_known = |origin: &HeaderValue| state.clients.has_origin(origin.as_bytes());
            allow_registered(
                &request.headers,
                response.headers_mut(),
                (methods, is_known),
            );
        }
    } else if !endpoint.is_page() {
        allow_origin(&request.headers, response.headers_mut(), methods);
    }
}

/// Dev mode serves whoever is near, under a name that is its own (rows S-284, A-92).
fn refuse_stranger(state: &State, headers: &HeaderMap, peer: SocketAddr) -> Option<Response<Body>> {
    let forwarded = dev_mode::forwarded_text(headers);
    let refused = |code: StatusCode, why: String| {
        let mut response = Response::new(Body::from(why));
        *response.status_mut() = code;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    };
    if state.settings.is_production() {
        // The issuer never comes from the request (row S-170), so a foreign name does no harm, and
        // a probe may call a node by its address. A malformed one is still no request.
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let is_good = host.is_some_and(|host| dev_mode::Authority::parse(host).is_some());
        return (!is_good).then(|| refused(StatusCode::BAD_REQUEST, NO_HOST.to_owned()));
    }
    if let Err(error) = dev_mode::check_peer(
        &state.settings,
        peer.ip().to_canonical(),
        forwarded.as_deref(),
    ) {
        return Some(refused(StatusCode::FORBIDDEN, error.to_string()));
    }
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let error = dev_mode::check_host(&state.settings, host).err()?;
    Some(refused(StatusCode::BAD_REQUEST, error.to_string()))
}

/// RFC 9112 §3.2: without exactly one good `Host` a request gets 400.
const NO_HOST: &str = "the request does not have exactly one good Host header";

fn refuse_method(state: &State, request: &Request, endpoint: Endpoint) -> Response<Body> {
    if !endpoint.is_page() {
        return JsonError::Method(endpoint.methods()).into_response();
    }
    let mut response = PageError::Method.into_response(state, request);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(endpoint.methods()));
    response
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_of_a_request_is_small_enough_to_be_passed_on() {
        fn size<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
            size_of::<F>()
        }
        // Each layer around it copies it once or twice.
        let bytes = size(answer::<Body>);
        assert!(bytes <= 2048, "{bytes}");
    }
}
