//! A sign-in page of the developer's own, in place of ours (`loginPagePath` of `docs/dev-mode.md`).
//!
//! Its form posts `username`, and `claims` if it likes, to the URL that shows it.

use std::path::Path;

use http::{HeaderValue, Response, header};
use hyper::body::Bytes;

use crate::Body;
use crate::error::Fault;

/// Larger is no sign-in page.
const LARGEST: u64 = 1024 * 1024;

/// The page, read anew each time: a developer edits it and reloads.
pub(crate) async fn page(path: &Path) -> Result<Response<Body>, Fault> {
    let file = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_limited(&file, LARGEST));
    let body = read
        .await
        .map_err(|_| Fault::new("reading the sign-in page panicked"))?
        .map_err(|error| {
            let name = path.display();
            Fault::new(&format!(
                "`loginPagePath` (`{name}`) cannot be read: {error}"
            ))
        })?;
    let mut response = Response::new(Body::from(Bytes::from(body)));
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Reads a file that is not too large.
pub(crate) fn read_limited(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.len() > most {
        return Err(std::io::Error::other("the file is too large"));
    }
    std::fs::read(path)
}

/// The page may load what it likes; nobody may frame it. A browser that is told `no-referrer` posts
/// the form with `Origin: null`, which is nobody's.
const HEADERS: [(header::HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
];
