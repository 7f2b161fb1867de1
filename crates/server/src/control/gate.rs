//! Who may use the control API: programs on this machine, and no page of a browser.
//!
//! A page that is open in the developer's browser reaches loopback too (rows ). It always
//! sends `Origin` or `Sec-Fetch-Site` with what could do harm, cannot send JSON to another origin
//! without asking first, and gets no CORS header here. A name that an attacker's resolver points at
//! this machine gives itself away by `Host`.

use std::net::SocketAddr;

use http::{HeaderMap, Method, StatusCode, header};

use super::error::ControlError;
use crate::dev_mode::{Authority, forwarded_text, is_loopback_peer, is_ours};
use crate::settings::{ControlAccess, Settings};

/// Refuses whoever may not ask. Nothing of the body was read yet.
pub(super) fn check(
    settings: &Settings,
    method: &Method,
    headers: &HeaderMap,
    peer: SocketAddr,
) -> Result<(), ControlError> {
    let forbidden = |message: &str| ControlError::new(StatusCode::FORBIDDEN, "forbidden", message);
    if settings.control == ControlAccess::Loopback {
        if !is_loopback_peer(peer.ip(), forwarded_text(headers).as_deref()) {
            return Err(
                forbidden("the control API serves only programs on this machine")
                    .hint("start with `--dev-control-public` to serve others too"),
            );
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let is_ours = host
            .and_then(Authority::parse)
            .is_some_and(|authority| is_ours(settings, authority.host));
        if !is_ours {
            return Err(
                forbidden("the control API answers only to names of this server").hint(
                    "ask `localhost`, set SERVER_HOSTNAME or --issuer-url, or start with \
                     `--dev-control-public`",
                ),
            );
        }
    }
    if headers.contains_key(header::ORIGIN) {
        return Err(forbidden(
            "the control API takes no requests of web pages: leave `Origin` away",
        ));
    }
    // RFC 9110 §5.3: two lines are one list, and a list is none of the two values.
    let mut site = headers.get_all("sec-fetch-site").iter();
    let is_own = site.all(|site| matches!(site.as_bytes(), b"none" | b"same-origin"));
    if !is_own {
        return Err(forbidden(
            "the control API takes no requests that other sites make: `Sec-Fetch-Site` is neither \
             `none` nor `same-origin`",
        ));
    }
    check_content_type(method, headers)
}

/// A form or plain text is what a page may send without asking; so only JSON is taken.
fn check_content_type(method: &Method, headers: &HeaderMap) -> Result<(), ControlError> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = |value: &http::HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        let media_type = text.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/json")
    };
    let is_acceptable = match (types.next(), types.next()) {
        (None, _) => *method != Method::POST,
        (Some(only), None) => is_json(only),
        (Some(_), Some(_)) => false,
    };
    if is_acceptable {
        return Ok(());
    }
    Err(ControlError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "the control API takes only JSON",
    )
    .hint("send `Content-Type: application/json`"))
}
