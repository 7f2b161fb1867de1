//! `/static/*`: files of the developer's own, for a custom sign-in page (`staticAssetsPath` of
//! `docs/dev-mode.md`).
//!
//! RFC 3986 §3.3 (paths): <https://www.rfc-editor.org/rfc/rfc3986#section-3.3>

use std::path::{Path, PathBuf};

use hallpass_protocol::form;
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::Bytes;

use crate::Body;
use crate::error::page::PageError;
use crate::pages::custom_login::read_limited;
use crate::request::Request;

/// Larger files belong elsewhere.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Where the files lie.
pub(crate) const PREFIX: &str = "/static/";

/// `GET /static/*`.
pub(crate) async fn get(folder: &Path, request: &Request) -> Result<Response<Body>, PageError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(PageError::Method);
    }
    let name = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let relative = relative_path(name).ok_or(PageError::NotFound)?;
    let content_type = content_type(&relative);
    let folder = folder.to_owned();
    let read = tokio::task::spawn_blocking(move || read_inside(&folder, &relative));
    // What cannot be read is as good as absent; the log of the operator says nothing about guesses.
    let body = read.await.ok().flatten().ok_or(PageError::NotFound)?;
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The path below the folder; `None` for one that leads elsewhere or to what is hidden.
fn relative_path(name: &str) -> Option<PathBuf> {
    // A `+` is a plus in a path: only the form's decoder would make it a space.
    let name = form::decode(&name.replace('+', "%2B")).ok()?;
    let is_plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0'])
    };
    name.split('/')
        .all(is_plain)
        .then(|| name.split('/').collect())
}

/// Reads a file; a link that leaves the folder is not followed.
fn read_inside(folder: &Path, relative: &Path) -> Option<Vec<u8>> {
    let folder = folder.canonicalize().ok()?;
    let file = folder.join(relative).canonicalize().ok()?;
    if !file.starts_with(&folder) || !file.is_file() {
        return None;
    }
    read_limited(&file, LARGEST).ok()
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_paths() {
        for (name, path) in [
            ("style.css", "style.css"),
            ("a/b%20c/d+e.png", "a/b c/d+e.png"),
        ] {
            assert_eq!(relative_path(name).as_deref(), Some(Path::new(path)));
        }
        for name in [
            "",
            "..",
            "../x",
            "a/../../x",
            "%2e%2e/x",
            "a/%2e%2e/%2e%2e/x",
            "..%2fx",
            "/etc/passwd",
            "%2fetc/passwd",
            "a//b",
            ".env",
            "a/.git/config",
            "a\\..\\x",
            "%5c..%5cx",
            "c:/x",
            "x%00.css",
        ] {
            assert_eq!(relative_path(name), None, "{name}");
        }
    }
}
