//! The public keys of an issuer.
//!
//! RFC 7517 §5: <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_protocol::hex;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;

use crate::Body;
use crate::error::Fault;
use crate::error::json::JsonError;
use crate::request::Request;
use crate::state::State;

/// `GET jwks`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let keys = state
        .keys
        .of(&request.issuer, &state.store, request.now)
        .await?;
    Ok(public_json(request, keys.jwks.clone())?)
}

/// A JSON answer that everybody may keep for five minutes, and then ask whether it still holds
/// (row S-169; RFC 9110 §8.8.3, §13.1.2).
pub(crate) fn public_json(request: &Request, body: Bytes) -> Result<Response<Body>, Fault> {
    let tag = format!("\"{}\"", hex::encode(digest(&SHA256, &body).as_ref()));
    let known = request.headers.get_all(header::IF_NONE_MATCH).iter();
    let is_known = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|known| {
            let known = known.trim();
            // RFC 9110 §13.1.2: the weak comparison.
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        });
    let mut response = if is_known {
        Response::default()
    } else {
        Response::new(Body::from(body))
    };
    let tag = HeaderValue::from_str(&tag).map_err(|_| Fault::new("an ETag is a header value"))?;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    Ok(response)
}
