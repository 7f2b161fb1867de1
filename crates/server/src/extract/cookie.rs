//! Cookies on their way to the browser.

use http::{HeaderValue, Response, header};

use crate::Body;

/// Adds a `Set-Cookie` header.
pub(crate) fn add_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
