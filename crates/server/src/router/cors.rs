//! Which pages of other origins may read an answer (the Fetch standard's CORS protocol).

use http::{HeaderMap, HeaderValue, header};

/// Dev mode answers every origin (`docs/dev-mode.md`).
pub(super) fn allow_origin(asked: &HeaderMap, headers: &mut HeaderMap, methods: &'static str) {
    let Some(origin) = asked.get(header::ORIGIN) else {
        return;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods),
    );
    let exposed = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
}
