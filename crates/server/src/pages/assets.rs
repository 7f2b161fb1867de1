//! The files that pages load: named by their content, so that browsers may keep them for good.
//!
//! `immutable`, RFC 8246: <https://www.rfc-editor.org/rfc/rfc8246>

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use http::{HeaderValue, Response, header};
use hyper::body::Bytes;

use crate::Body;

/// A file that pages load: most of them are inside the binary.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its path on this server, for example `/static/hallpass-4b1d….css`.
    pub path: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Bytes,
    /// What it may do where a browser opens it as a page of its own.
    pub policy: &'static str,
}

/// Nothing, and nobody frames it.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// A picture with styles inside, which may come from anywhere: its scripts run nowhere, and what it
/// is opened as has no origin, so that it reads nothing of ours.
const PICTURE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// The stylesheet of all pages.
pub static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    built_in(
        ("hallpass", "css"),
        "text/css; charset=utf-8",
        include_bytes!("../../assets/style.css"),
    )
});

/// The mark, which is the favicon too.
pub static MARK: LazyLock<Asset> = LazyLock::new(|| {
    built_in(
        ("mark", "svg"),
        "image/svg+xml",
        include_bytes!("../../assets/mark.svg"),
    )
});

/// The script that presses the button of the `form_post` page.
pub static FORM_POST_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    built_in(
        ("form-post", "js"),
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/form_post.js"),
    )
});

/// The script that hands challenges to passkeys.
pub static PASSKEY_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    built_in(
        ("passkey", "js"),
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/passkey.js"),
    )
});

impl Asset {
    /// A picture, whoever drew it.
    pub(crate) fn picture(
        (name, extension): (&str, &str),
        content_type: &'static str,
        body: Bytes,
    ) -> Self {
        let file = Self::new((name, extension), content_type, body);
        Self {
            policy: PICTURE_POLICY,
            ..file
        }
    }

    /// A file under the name of its content.
    pub(crate) fn new(
        (name, extension): (&str, &str),
        content_type: &'static str,
        body: Bytes,
    ) -> Self {
        let hash = digest::digest(&digest::SHA256, &body);
        let mut path = format!("/static/{name}-");
        for byte in hash.as_ref().iter().take(8) {
            // Writing to a `String` cannot fail.
            let _ = write!(path, "{byte:02x}");
        }
        path.push('.');
        path.push_str(extension);
        Self {
            path,
            content_type,
            body,
            policy: POLICY,
        }
    }

    /// Answers a GET of `path`, which led to this file.
    pub fn response(&self, path: &str) -> Response<Body> {
        let cache = if path == self.path {
            CACHE_FOR_GOOD
        } else if path == FAVICON {
            CACHE_FOR_AN_HOUR
        } else {
            // The content of another name: see `Look::find`.
            "no-store"
        };
        let mut response = Response::new(Body::from(self.body.clone()));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(self.policy),
        );
        response
    }
}

fn built_in(name: (&str, &str), content_type: &'static str, body: &'static [u8]) -> Asset {
    Asset::new(name, content_type, Bytes::from_static(body))
}

/// What browsers ask for by themselves.
pub(crate) const FAVICON: &str = "/favicon.ico";
const CACHE_FOR_GOOD: &str = "public, max-age=31536000, immutable";
const CACHE_FOR_AN_HOUR: &str = "public, max-age=3600";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_loads_nothing() {
        let css = str::from_utf8(&STYLESHEET.body).expect("UTF-8");
        assert!(!css.contains("url(") && !css.contains("@import"));
    }
}
