//! Every page, filled with hostile text: it renders, escapes it, and loads nothing from elsewhere.
//!
//! Conformance rows S-12 to S-14 and S-51, as far as a page alone can show them.

#![allow(clippy::unwrap_used, reason = "tests")]

use askama::Template;
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::choose_password::{Choose, ChoosePassword, Step as ChooseStep};
use super::consent::Consent;
use super::continue_as::ContinueAs;
use super::debugger::{Answer, Debugger, Fields};
use super::device::{CODE_NOT_VALID, Device, Entry, Step as DeviceStep};
use super::device_confirm::{DeviceConfirm, Network};
use super::device_done::{DeviceDone, Outcome};
use super::error::ErrorPage;
use super::form_post::FormPost;
use super::home::{Command, Endpoint, Home};
use super::html::{Forms, Page, html};
use super::layout::{Client, FormTarget, Layout, Link, Pair, Publisher};
use super::login::{Login, Purpose};
use super::moment::Moment;
use super::recover::{Recover, Step as RecoverStep};
use super::scope_line::ScopeLine;
use super::signed_out::{Confirm, SignedOut, Step as SignedOutStep};

/// Hands out a different hostile text for every field, and remembers how many there were.
#[derive(Default)]
struct Hostile(usize);

impl Hostile {
    fn text(&mut self) -> String {
        self.0 += 1;
        format!("<script>field{}</script>\"' onload=x ", self.0)
    }

    fn check(self, name: &str, page: &impl Template) {
        let html = page.render().unwrap();
        let pieces = scriptless(&html);
        for field in 1..=self.0 {
            assert!(
                html.contains(&format!(
                    "&#60;script&#62;field{field}&#60;/script&#62;&#34;&#39;"
                )),
                "{name}: field {field} is missing or not escaped"
            );
        }
        assert!(!pieces.contains("<script"), "{name}: a script of its own");
        for forbidden in [
            "<style",
            " style=",
            " onload=\"",
            " onclick=",
            "javascript:",
            "<iframe",
        ] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        for outside in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
            assert!(!html.contains(outside), "{name}: {outside}");
        }
        assert!(html.contains("<html lang=\"&#60;"), "{name}: the language");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one heading");
        assert_eq!(
            html.matches("<main").count(),
            1,
            "{name}: one main landmark"
        );
        assert!(
            html.matches(" autofocus").count() <= 1,
            "{name}: one first thing to do"
        );
    }

    fn layout(&mut self) -> Layout {
        Layout {
            issuer_name: self.text(),
            dev_banner: true,
            lang: self.text(),
        }
    }

    fn form(&mut self) -> FormTarget {
        FormTarget {
            action: self.text(),
            csrf: self.text(),
            interaction: Some(self.text()),
        }
    }

    fn pairs(&mut self) -> Vec<Pair> {
        vec![Pair {
            name: self.text(),
            value: self.text(),
        }]
    }

    fn scopes(&mut self) -> Vec<ScopeLine> {
        vec![
            ScopeLine {
                scope: String::new(),
                meaning: Some(self.text()),
                optional: false,
            },
            ScopeLine {
                scope: self.text(),
                meaning: None,
                optional: true,
            },
        ]
    }

    fn client(&mut self, publisher: fn(String) -> Publisher) -> Client {
        Client {
            name: self.text(),
            publisher: publisher(self.text()),
        }
    }
}

/// Cuts out the one script that a page may have: ours, by path, without text.
fn scriptless(html: &str) -> String {
    let path = &super::assets::FORM_POST_SCRIPT.path;
    html.replace(&format!("<script src=\"{path}\" defer></script>"), "")
}

fn moment(seconds_ago: i64) -> Moment {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000);
    Moment {
        at: now - SignedDuration::from_secs(seconds_ago),
        now,
    }
}

fn device_confirm(t: &mut Hostile) -> DeviceConfirm {
    DeviceConfirm {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        user_code: t.text(),
        prefilled: true,
        client: t.client(|host| Publisher::Unverified(Some(host))),
        host_label: Some(t.text()),
        system: Some(t.text()),
        address: t.text(),
        place: Some(t.text()),
        network: Network::Different,
        asked: moment(200),
        scopes: t.scopes(),
        lifetime: t.text(),
    }
}

#[test]
fn login_escapes_everything() {
    let mut t = Hostile::default();
    let page = Login {
        layout: t.layout(),
        form: t.form(),
        purpose: Purpose::Continue(t.text()),
        username: t.text(),
        claims: t.text(),
        recover_url: Some(t.text()),
        refusal: Some(t.text()),
        username_error: Some(t.text()),
        claims_error: Some(t.text()),
        recent_users: vec![t.text()],
        parameters: t.pairs(),
    };
    t.check("login", &page);
}

#[test]
fn recover_escapes_everything() {
    let mut t = Hostile::default();
    let page = Recover {
        layout: t.layout(),
        login_url: t.text(),
        support: Some(t.text()),
        step: RecoverStep::Ask {
            form: t.form(),
            error: Some(t.text()),
        },
    };
    t.check("recover", &page);
}

#[test]
fn choose_password_escapes_everything() {
    let mut t = Hostile::default();
    let page = ChoosePassword {
        layout: t.layout(),
        login_url: String::new(),
        recover_url: String::new(),
        step: ChooseStep::Choose(Choose {
            form: t.form(),
            link: t.text(),
            username: t.text(),
            is_first: false,
            error: Some(t.text()),
            shortest: 12,
        }),
    };
    t.check("choose_password", &page);
}

#[test]
fn device_escapes_everything() {
    let mut t = Hostile::default();
    let entry = Entry {
        form: t.form(),
        user_code: t.text(),
        error: Some(t.text()),
    };
    let page = Device {
        layout: t.layout(),
        step: DeviceStep::Entry(entry),
    };
    t.check("device", &page);

    let mut t = Hostile::default();
    let step = DeviceStep::SignInFirst {
        sign_in_url: t.text(),
    };
    let page = Device {
        layout: t.layout(),
        step,
    };
    t.check("device, sign in first", &page);

    let mut t = Hostile::default();
    let page = Device {
        layout: t.layout(),
        step: DeviceStep::Locked {
            retry_after_minutes: 1,
        },
    };
    assert!(page.render().unwrap().contains("Wait 1 minute,"));
    t.check("device, locked", &page);
}

#[test]
fn device_confirm_escapes_everything() {
    let mut t = Hostile::default();
    let page = device_confirm(&mut t);
    t.check("device_confirm", &page);

    let mut t = Hostile::default();
    let page = DeviceConfirm {
        prefilled: false,
        network: Network::Unknown,
        client: Client {
            name: String::new(),
            publisher: Publisher::Verified(String::new()),
        },
        ..device_confirm(&mut t)
    };
    let html = page.render().unwrap();
    assert!(!html.contains("Does this match your terminal?"));
    assert!(html.contains("code-small"));
}

#[test]
fn device_done_escapes_everything() {
    let mut t = Hostile::default();
    let outcome = Outcome::Approved {
        client: t.text(),
        user: t.text(),
        undo: Some(t.form()),
    };
    let page = DeviceDone {
        layout: t.layout(),
        outcome,
    };
    t.check("device_done", &page);

    for outcome in [
        Outcome::Denied,
        Outcome::Reported,
        Outcome::Expired,
        Outcome::Revoked,
    ] {
        let mut t = Hostile::default();
        let name = format!("{outcome:?}");
        let page = DeviceDone {
            layout: t.layout(),
            outcome,
        };
        t.check(&name, &page);
    }
}

#[test]
fn continue_as_escapes_everything() {
    let mut t = Hostile::default();
    let page = ContinueAs {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        client: t.client(Publisher::Verified),
        redirect_host: t.text(),
        scopes: t.scopes(),
        lifetime: t.text(),
    };
    t.check("continue_as", &page);
}

#[test]
fn consent_escapes_everything() {
    let mut t = Hostile::default();
    let page = Consent {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        client: t.client(Publisher::Verified),
        redirect_host: t.text(),
        scopes: t.scopes(),
        lifetime: t.text(),
        problem: Some(t.text()),
    };
    t.check("consent", &page);
}

#[test]
fn signed_out_escapes_everything() {
    let mut t = Hostile::default();
    let confirm = Confirm {
        form: t.form(),
        client: Some(t.text()),
        user: Some(t.text()),
    };
    let page = SignedOut {
        layout: t.layout(),
        step: SignedOutStep::Confirm(confirm),
    };
    t.check("signed_out, confirm", &page);

    let mut t = Hostile::default();
    let back = Link {
        name: t.text(),
        url: t.text(),
    };
    let page = SignedOut {
        layout: t.layout(),
        step: SignedOutStep::Done { back: Some(back) },
    };
    t.check("signed_out, done", &page);
}

#[test]
fn error_escapes_everything() {
    let mut t = Hostile::default();
    let page = ErrorPage {
        layout: t.layout(),
        title: t.text(),
        cause: t.text(),
        next_step: t.text(),
        command: Some("hallpass <script>".into()),
        details: t.pairs(),
        reference: t.text(),
        at: moment(0),
    };
    t.check("error", &page);
}

#[test]
fn form_post_escapes_everything() {
    let mut t = Hostile::default();
    let page = FormPost {
        layout: t.layout(),
        client: t.text(),
        action: t.text(),
        fields: t.pairs(),
    };
    t.check("form_post", &page);
}

#[test]
fn home_escapes_everything() {
    let mut t = Hostile::default();
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
    t.check("home", &page);
}

#[test]
fn debugger_escapes_everything() {
    let mut t = Hostile::default();
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
    t.check("debugger", &page);
}

#[test]
fn a_command_can_be_copied_unchanged() {
    let mut t = Hostile::default();
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

#[test]
fn s_13_denying_is_as_easy_as_approving_and_comes_first() {
    let html = device_confirm(&mut Hostile::default()).render().unwrap();
    let deny = html
        .find("value=\"deny\" formnovalidate autofocus")
        .unwrap();
    let approve = html.find("value=\"approve\"").unwrap();
    assert!(deny < approve);
    // Enter in the checkbox presses the form's first button.
    let first = html.find("<button name=\"action\"").unwrap();
    assert!(
        html.get(first..)
            .unwrap()
            .starts_with("<button name=\"action\" value=\"deny\"")
    );
    assert!(html.contains("command-line program in a terminal"));
    assert!(html.contains("Refuse if you did not start it."));
    assert!(html.contains("name=\"confirm\" value=\"on\" required"));
}

#[test]
fn s_14_a_prefilled_code_is_compared_and_an_old_one_is_questioned() {
    let mut t = Hostile::default();
    let old = DeviceConfirm {
        network: Network::Same,
        asked: moment(181),
        ..device_confirm(&mut t)
    };
    let html = old.render().unwrap();
    assert!(html.contains("Does this match your terminal?"));
    assert!(html.contains("It was started 3 minutes ago."));
    let fresh = DeviceConfirm {
        asked: moment(180),
        ..old
    };
    assert!(!fresh.render().unwrap().contains("Stop and check."));
}

#[test]
fn s_12_an_expired_decision_tells_no_more_than_a_wrong_code() {
    let mut t = Hostile::default();
    let page = DeviceDone {
        layout: t.layout(),
        outcome: Outcome::Expired,
    };
    let sentence = CODE_NOT_VALID.replace('\'', "&#39;");
    assert!(page.render().unwrap().contains(&sentence));
}

#[test]
fn s_51_every_page_carries_the_headers() {
    let mut t = Hostile::default();
    let page = DeviceDone {
        layout: t.layout(),
        outcome: Outcome::Denied,
    };
    let response = html(StatusCode::OK, &page);
    let value = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(value("content-type"), "text/html; charset=utf-8");
    assert_eq!(value("cache-control"), "no-store");
    assert_eq!(value("x-frame-options"), "DENY");
    assert_eq!(value("x-content-type-options"), "nosniff");
    assert_eq!(value("referrer-policy"), "no-referrer");
    assert_eq!(value("cross-origin-opener-policy"), "same-origin");
    assert!(value("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(value("content-security-policy").contains("form-action 'self'"));
}

#[test]
fn s_51_pages_that_lead_to_a_client_have_no_form_action() {
    let mut t = Hostile::default();
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
