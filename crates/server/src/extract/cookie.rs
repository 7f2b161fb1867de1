//! Cookies on their way to the browser.
//!
//! The prefix `__Host-` makes browsers refuse a cookie that a neighbouring host or plain HTTP sets:
//! <https://www.rfc-editor.org/rfc/rfc6265> and its successor, section 4.1.3.

use http::{HeaderValue, Response, header};

use crate::Body;

/// The cookies of production. Dev mode names its own, one for each issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieName {
    /// Who is signed in.
    Session,
    /// Which browser forms were given to.
    Browser,
    /// Under which names this browser signed in before.
    KnownBrowser,
    /// Where the sign-in goes on that a person left to make an account.
    Detour,
    /// Which language the person chose. Dev mode has it under the same name: it belongs to no issuer.
    Language,
}

impl CookieName {
    /// The name. A trial on this machine without HTTPS cannot have the prefix.
    pub(crate) fn of(self, issuer_url: &str) -> &'static str {
        match (self, is_secure(issuer_url)) {
            (Self::Session, true) => "__Host-hp_s",
            (Self::Session, false) => "hp_s",
            (Self::Browser, true) => "__Host-hp_b",
            (Self::Browser, false) => "hp_b",
            (Self::KnownBrowser, true) => "__Host-hp_k",
            (Self::KnownBrowser, false) => "hp_k",
            (Self::Detour, true) => "__Host-hp_d",
            (Self::Detour, false) => "hp_d",
            (Self::Language, true) => "__Host-hp_l",
            (Self::Language, false) => "hp_l",
        }
    }
}

/// A `Set-Cookie` value of production. `max_age` is in seconds; without one the cookie ends with the
/// browser.
pub(crate) fn set_cookie(
    name: CookieName,
    issuer_url: &str,
    value: &str,
    max_age: Option<u32>,
) -> String {
    let age = max_age.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    let secure = if is_secure(issuer_url) {
        "; Secure"
    } else {
        ""
    };
    let name = name.of(issuer_url);
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

/// Whether browsers reach us by HTTPS, also when a proxy speaks it for us.
fn is_secure(issuer_url: &str) -> bool {
    issuer_url.starts_with("https://")
}

/// Adds a `Set-Cookie` header.
pub(crate) fn add_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
