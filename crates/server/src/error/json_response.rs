//! JSON on its way to a program.

use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;

use crate::Body;

/// A JSON answer that nobody may keep (RFC 6749 §5.1).
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    json_bytes(status, Bytes::from(body))
}

/// The same, of bytes that are shared.
pub(super) fn json_bytes(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
