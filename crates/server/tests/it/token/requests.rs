//! Requests that everybody sends, and how refusals look.

use hallpass_testing::{Answer, TestServer};

pub(super) const GRANT: (&str, &str) = ("grant_type", "client_credentials");

pub(super) const SERVICE: (&str, &str) = ("svc", "s3cret");

pub(super) fn refusal(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

/// `J400` and `J401` of the matrix.
pub(crate) fn assert_json_refusal(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.refusal(), refusal(status, error), "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let description = answer.member("error_description");
    let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    assert!(
        !description.is_empty() && description.chars().all(allowed),
        "{description}"
    );
}

pub(super) async fn post_body(
    server: &TestServer,
    content_type: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let post = server.http().post(server.url("/default/token")).body(body);
    server.send(post.header("content-type", content_type)).await
}
