//! Which pages of other origins may read an answer (the Fetch standard's CORS protocol).

use http::{HeaderMap, HeaderValue, header};

/// What a page may read beside the body.
const EXPOSED: HeaderValue = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce");
/// What a page may send. A browser's own credentials never come along.
const TAKEN: HeaderValue = HeaderValue::from_static("authorization, content-type, dpop");
/// So many seconds a browser need not ask again.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// Dev mode answers every origin (`docs/dev-mode.md`).
pub(super) fn allow_origin(asked: &HeaderMap, headers: &mut HeaderMap, methods: &'static str) {
    let Some(origin) = asked.get(header::ORIGIN) else {
        return;
    };
    allow(headers, origin, methods);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
}

/// Production answers the origins of its clients, and never with credentials (row S-168): who asks
/// proves itself by what is in the request.
pub(super) fn allow_registered(
    asked: &HeaderMap,
    headers: &mut HeaderMap,
    (methods, is_registered): (&'static str, impl FnOnce(&HeaderValue) -> bool),
) {
    let Some(origin) = asked.get(header::ORIGIN) else {
        return;
    };
    if !is_registered(origin) {
        // Caches must not answer a registered origin with this.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        return;
    }
    allow(headers, origin, methods);
    if asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, TAKEN);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    }
}

fn allow(headers: &mut HeaderMap, origin: &HeaderValue, methods: &'static str) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods),
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
