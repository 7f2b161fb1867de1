//! The public keys of an issuer.
//!
//! RFC 7517 §5: <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use axum::body::Body;
use http::{HeaderValue, Response, header};

use crate::error::json::JsonError;
use crate::request::Request;
use crate::state::State;

/// `GET jwks`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let keys = state.keys.of(&request.issuer, &state.store, request.now).await?;
    Ok(public_json(Body::from(keys.jwks.clone())))
}

/// A JSON answer that everybody may keep for five minutes (row S-169).
pub(crate) fn public_json(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
