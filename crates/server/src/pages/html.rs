//! Turns a page into an answer with the headers that every page needs.
//!
//! RFC 9700 §4.16 (clickjacking): <https://www.rfc-editor.org/rfc/rfc9700#section-4.16>
//! CSP `form-action` also stops redirects after a POST: <https://www.w3.org/TR/CSP3/#directive-form-action>

use askama::Template;
use http::header::{self, HeaderName};
use http::{HeaderValue, Response, StatusCode};

use super::layout::Layout;
use crate::Body;

/// A template that knows where its forms may lead.
pub trait Page: Template {
    /// Decides `form-action`.
    const FORMS: Forms;

    /// The frame, which knows the language.
    fn layout(&self) -> &Layout;
}

/// Where the POST of a page may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forms {
    /// On this server: `form-action 'self'`.
    StayHere,
    /// At a client, by redirect or directly; `form-action` would block that.
    ReachClient,
}

/// Renders the page.
pub fn html<P: Page>(status: StatusCode, page: &P) -> Response<Body> {
    let (status, body) = match page.render() {
        Ok(body) => (status, body),
        Err(fault) => {
            tracing::error!(%fault, "a page cannot be rendered");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke on this server.".to_owned(),
            )
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let policy = match P::FORMS {
        Forms::StayHere => POLICY_STAY_HERE,
        Forms::ReachClient => POLICY_REACH_CLIENT,
    };
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    if P::FORMS == Forms::StayHere {
        // Not on the others: a client that signed in in a pop-up would lose the window it came from.
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    }
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let language = page.layout().words.language;
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.tag()),
    );
    response
}

const POLICY_STAY_HERE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    script-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
const POLICY_REACH_CLIENT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    script-src 'self'; base-uri 'none'; frame-ancestors 'none'";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    // The language is chosen by these two. Nobody may keep a page, and whoever does so all the same
    // shows it to the right people.
    (header::VARY, "Accept-Language, Cookie"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];
