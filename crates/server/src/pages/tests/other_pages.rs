//! Errors, the page that posts an answer, and the pages of dev mode.

use askama::Template as _;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_issuer::refusal::PageReason;

use super::hostile::{Hostile, Rendered, moment};
use crate::languages::Language;
use crate::pages::debugger::{Answer, Debugger, Fields};
use crate::pages::error::{ErrorPage, Why};
use crate::pages::form_post::FormPost;
use crate::pages::home::{Command, Endpoint, Home};

pub(super) fn error(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = ErrorPage {
        layout: t.layout(),
        why: Why::Forged,
        command: Some("hallpass <script>".into()),
        details: t.pairs(),
        reference: t.text(),
        at: moment(0),
    };
    t.check(all, "error", &page);
}

pub(super) fn form_post(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = FormPost {
        layout: t.layout(),
        client: t.text(),
        action: t.text(),
        fields: t.pairs(),
    };
    t.check(all, "form_post", &page);
}

pub(super) fn home(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Home {
        layout: t.layout(),
        commands: vec![Command {
            purpose: t.text(),
            command: "curl '<script>'".into(),
        }],
        endpoints: vec![Endpoint {
            name: t.text(),
            url: t.text(),
            opens_in_browser: true,
        }],
        version: t.text(),
    };
    t.check(all, "home", &page);
}

pub(super) fn debugger(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Debugger {
        layout: t.layout(),
        form: t.form(),
        fields: Fields {
            client_id: t.text(),
            client_secret: t.text(),
            scope: t.text(),
            redirect_uri: t.text(),
        },
        answers: vec![Answer {
            title: t.text(),
            text: t.text(),
        }],
    };
    t.check(all, "debugger", &page);
}

pub(super) fn every_error(all: &mut Rendered) {
    let whys = [
        PageReason::NoClient,
        PageReason::UnknownClient,
        PageReason::NoRedirectUri,
        PageReason::ForeignRedirectUri,
        PageReason::UnknownResponseMode,
        PageReason::Unverified,
        PageReason::UnknownRequestUri,
        PageReason::Malformed,
    ]
    .map(Why::Request)
    .into_iter()
    .chain(
        [
            NotApprovable::SecondFactor,
            NotApprovable::OtherNetwork,
            NotApprovable::Off,
        ]
        .map(Why::NotApprovable),
    )
    .chain([
        Why::Unreadable,
        Why::NothingChosen,
        Why::Method,
        Why::NotFound,
        Why::Busy,
        Why::Broken,
    ]);
    for why in whys {
        let mut t = Hostile::new(all.language);
        let page = ErrorPage {
            layout: t.layout(),
            why,
            command: None,
            details: Vec::new(),
            reference: t.text(),
            at: moment(0),
        };
        t.check(all, &format!("error, {why:?}"), &page);
    }
}

#[test]
fn a_command_can_be_copied_unchanged() {
    let mut t = Hostile::new(Language::English);
    let page = Home {
        layout: t.layout(),
        commands: vec![Command {
            purpose: t.text(),
            command: "a  --b c".into(),
        }],
        endpoints: Vec::new(),
        version: t.text(),
    };
    let html = page.render().unwrap();
    assert!(
        html.contains("<pre><span>a</span> <span></span> <span>--b</span> <span>c</span></pre>")
    );
}
