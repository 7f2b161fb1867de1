//! Whether the server is alive.

use http::{HeaderValue, Response, header};

use crate::Body;

/// `GET /isalive`.
pub(crate) fn get() -> Response<Body> {
    let mut response = Response::new(Body::from("alive and well"));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
