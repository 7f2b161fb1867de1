//! A JSON answer that everybody may keep for five minutes, and then ask whether it still holds
//! (row S-169).
//!
//! RFC 9110 §8.8.3, §13.1.2: <https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2>

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_protocol::hex;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;

use crate::Body;
use crate::error::Fault;

/// A document with its tag.
#[derive(Clone, Debug)]
pub(crate) struct PublicJson {
    body: Bytes,
    tag: HeaderValue,
}

impl PublicJson {
    /// Takes a document and computes its tag.
    pub(crate) fn new(body: Bytes) -> Result<Self, Fault> {
        let tag = format!("\"{}\"", hex::encode(digest(&SHA256, &body).as_ref()));
        let tag =
            HeaderValue::from_str(&tag).map_err(|_| Fault::new("an ETag is a header value"))?;
        Ok(Self { body, tag })
    }

    /// The length of the document in bytes.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// Answers with the document, or that the one which the asker has still holds.
    pub(crate) fn response(&self, asked: &HeaderMap) -> Response<Body> {
        let known = asked.get_all(header::IF_NONE_MATCH).iter();
        let is_known = known
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .any(|known| {
                let known = known.trim();
                // RFC 9110 §13.1.2: the weak comparison.
                known == "*" || known.strip_prefix("W/").unwrap_or(known) == self.tag
            });
        let mut response = if is_known {
            Response::default()
        } else {
            Response::new(Body::from(self.body.clone()))
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=300"),
        );
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        response
    }
}
