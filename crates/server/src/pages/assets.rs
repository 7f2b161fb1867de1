//! The files that pages load: named by their content, so that browsers may keep them for good.
//!
//! `immutable`, RFC 8246: <https://www.rfc-editor.org/rfc/rfc8246>

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use http::{HeaderValue, Response, header};

use crate::Body;

/// A file inside the binary.
#[derive(Debug)]
pub struct Asset {
    /// Its path on this server, for example `/static/hallpass-4b1d….css`.
    pub path: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: &'static [u8],
}

/// The stylesheet of all pages.
pub static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "hallpass",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/style.css"),
    )
});

/// The mark, which is the favicon too.
pub static MARK: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "mark",
        "svg",
        "image/svg+xml",
        include_bytes!("../../assets/mark.svg"),
    )
});

/// The script that presses the button of the `form_post` page.
pub static FORM_POST_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "form-post",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/form_post.js"),
    )
});

/// The script that hands challenges to passkeys.
pub static PASSKEY_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "passkey",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/passkey.js"),
    )
});

/// Finds the file at a path, `/favicon.ico` included.
pub fn find(path: &str) -> Option<&'static Asset> {
    if path == FAVICON {
        return Some(&MARK);
    }
    [&*STYLESHEET, &*MARK, &*FORM_POST_SCRIPT, &*PASSKEY_SCRIPT]
        .into_iter()
        .find(|asset| asset.path == path)
}

impl Asset {
    /// Answers a GET of `path`, where [`find`] found this file.
    pub fn response(&self, path: &str) -> Response<Body> {
        let cache = if path == self.path {
            CACHE_FOR_GOOD
        } else {
            CACHE_FOR_AN_HOUR
        };
        let mut response = Response::new(Body::from(self.body));
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
        // A picture opened as a page of its own runs nothing either.
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
        response
    }
}

fn asset(name: &str, extension: &str, content_type: &'static str, body: &'static [u8]) -> Asset {
    let hash = digest::digest(&digest::SHA256, body);
    let mut path = format!("/static/{name}-");
    for byte in hash.as_ref().iter().take(8) {
        // Writing to a `String` cannot fail.
        let _ = write!(path, "{byte:02x}");
    }
    path.push('.');
    path.push_str(extension);
    Asset {
        path,
        content_type,
        body,
    }
}

const FAVICON: &str = "/favicon.ico";
const CACHE_FOR_GOOD: &str = "public, max-age=31536000, immutable";
const CACHE_FOR_AN_HOUR: &str = "public, max-age=3600";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_content() {
        let found = find(&STYLESHEET.path).expect("the stylesheet");
        assert_eq!(found.content_type, "text/css; charset=utf-8");
        let hash = found
            .path
            .strip_prefix("/static/hallpass-")
            .and_then(|p| p.strip_suffix(".css"));
        assert_eq!(hash.map(str::len), Some(16));
        assert!(find("/static/hallpass.css").is_none());
        assert!(find("/static/../Cargo.toml").is_none());
    }

    #[test]
    fn only_hashed_paths_are_kept_for_good() {
        let cache = |path: &str| {
            let response = find(path).expect("an asset").response(path);
            response.headers()[header::CACHE_CONTROL]
                .to_str()
                .expect("ASCII")
                .to_owned()
        };
        assert_eq!(cache(&MARK.path), CACHE_FOR_GOOD);
        assert_eq!(cache("/favicon.ico"), CACHE_FOR_AN_HOUR);
    }

    #[test]
    fn the_stylesheet_loads_nothing() {
        let css = str::from_utf8(STYLESHEET.body).expect("UTF-8");
        assert!(!css.contains("url(") && !css.contains("@import"));
    }
}
