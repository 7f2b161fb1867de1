//! What every page tells the browser beside itself.

use http::{StatusCode, header};

use super::hostile::Hostile;
use crate::languages::Language;
use crate::pages::consent::Consent;
use crate::pages::continue_as::ContinueAs;
use crate::pages::device_done::{DeviceDone, Outcome};
use crate::pages::form_post::FormPost;
use crate::pages::html::{Forms, Page as _, html};
use crate::pages::login::Login;
use crate::pages::signed_out::SignedOut;

#[test]
fn s_51_every_page_carries_the_headers() {
    let mut t = Hostile::new(Language::English);
    let page = DeviceDone {
        layout: t.layout(),
        outcome: Outcome::Denied,
    };
    let response = html(StatusCode::OK, &page);
    let value = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(value("content-type"), "text/html; charset=utf-8");
    assert_eq!(value("cache-control"), "no-store");
    assert_eq!(value("content-language"), "en");
    assert_eq!(value("vary"), "Accept-Language, Cookie");
    assert_eq!(value("x-frame-options"), "DENY");
    assert_eq!(value("x-content-type-options"), "nosniff");
    assert_eq!(value("referrer-policy"), "no-referrer");
    assert_eq!(value("cross-origin-opener-policy"), "same-origin");
    assert!(value("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(value("content-security-policy").contains("form-action 'self'"));
}

#[test]
fn s_51_pages_that_lead_to_a_client_have_no_form_action() {
    let mut t = Hostile::new(Language::English);
    let page = FormPost {
        layout: t.layout(),
        client: t.text(),
        action: t.text(),
        fields: t.pairs(),
    };
    let response = html(StatusCode::OK, &page);
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(!policy.contains("form-action") && policy.contains("script-src 'self'"));
    assert_eq!(Login::FORMS, Forms::ReachClient);
    assert_eq!(ContinueAs::FORMS, Forms::ReachClient);
    assert_eq!(Consent::FORMS, Forms::ReachClient);
    assert_eq!(SignedOut::FORMS, Forms::ReachClient);
}
