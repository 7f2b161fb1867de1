//! Every page, filled with hostile text: it renders, escapes it, and loads nothing from elsewhere.
//!
//! Conformance rows S-12 to S-14 and S-51, as far as a page alone can show them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use askama::Template;
use hallpass_issuer::factors::password::BadPassword;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_issuer::refusal::PageReason;
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::account::{PasskeyPage, PasskeyRow, PasskeysPage, SecurityPage};
use super::choose_password::{Choose, ChoosePassword, Step as ChooseStep};
use super::consent::Consent;
use super::continue_as::ContinueAs;
use super::debugger::{Answer, Debugger, Fields};
use super::device::{Device, Entry, Step as DeviceStep};
use super::device_confirm::{DeviceConfirm, Network};
use super::device_done::{DeviceDone, Outcome};
use super::error::{ErrorPage, Why};
use super::form_post::FormPost;
use super::home::{Command, Endpoint, Home};
use super::html::{Forms, Page, html};
use super::layout::{Client, FormTarget, Layout, Link, Pair, Publisher};
use super::login::{Login, Purpose};
use super::other_network::OtherNetwork;
use super::passkey::Ask;
use super::problem::Problem;
use super::recover::{Recover, Step as RecoverStep};
use super::scope_line::{Lifetime, ScopeLine};
use super::second_factor::{Codes, QrCode, RecoveryCodesPage, SecondFactorPage, SetUpPage, Way};
use super::signed_out::{Confirm, SignedOut, Step as SignedOutStep};
use crate::languages::{Language, Moment};

/// Hands out a different hostile text for every field, and remembers how many there were.
struct Hostile {
    fields: usize,
    language: Language,
}

/// Every page in one language, by its name.
struct Rendered {
    language: Language,
    pages: Vec<(String, String)>,
}

impl Hostile {
    fn new(language: Language) -> Self {
        Self {
            fields: 0,
            language,
        }
    }

    fn text(&mut self) -> String {
        self.fields += 1;
        format!("<script>field{}</script>\"' onload=x ", self.fields)
    }

    fn check(self, all: &mut Rendered, name: &str, page: &impl Template) {
        let html = page.render().unwrap();
        let pieces = scriptless(&html);
        for field in 1..=self.fields {
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
        let tag = format!("<html lang=\"{}\"", self.language.tag());
        assert!(html.contains(&tag), "{name}: the language");
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
        all.pages.push((name.to_owned(), html));
    }

    fn layout(&mut self) -> Layout {
        Layout {
            issuer_name: self.text(),
            dev_banner: true,
            words: self.language.words(),
            has_switch: true,
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
                scope: "api:read".to_owned(),
                described: Some(self.text()),
                optional: false,
            },
            ScopeLine {
                scope: self.text(),
                described: None,
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
    let mut text = html.to_owned();
    for script in [
        &*super::assets::FORM_POST_SCRIPT,
        &*super::assets::PASSKEY_SCRIPT,
    ] {
        let tag = format!("<script src=\"{}\" defer></script>", script.path);
        text = text.replace(&tag, "");
    }
    text
}

fn moment(seconds_ago: i64) -> Moment {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000);
    Moment {
        at: now - SignedDuration::from_secs(seconds_ago),
        now,
    }
}

fn confirmation(t: &mut Hostile) -> DeviceConfirm {
    DeviceConfirm {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        user_code: t.text(),
        prefilled: true,
        client: t.client(|host| Publisher::Unverified(Some(host))),
        host_label: Some(t.text()),
        system: Some(t.text()),
        address: Some(t.text()),
        place: Some(t.text()),
        network: Network::Different,
        asked: moment(200),
        scopes: t.scopes(),
        lifetime: Lifetime::Days(90),
    }
}

fn login(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Login {
        layout: t.layout(),
        form: t.form(),
        purpose: Purpose::Continue(t.text()),
        username: t.text(),
        claims: t.text(),
        recover_url: Some(t.text()),
        refusal: Some(Problem::WrongPassword),
        passkey: Some(ask(&mut t)),
        username_error: Some(Problem::BadUsername),
        claims_error: Some(t.text()),
        recent_users: vec![t.text()],
        parameters: t.pairs(),
    };
    t.check(all, "login", &page);
}

fn recover(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Recover {
        layout: t.layout(),
        login_url: t.text(),
        support: Some(t.text()),
        step: RecoverStep::Ask {
            form: t.form(),
            error: Some(Problem::TooManyLinks(Duration::from_mins(5))),
        },
    };
    t.check(all, "recover", &page);
}

fn choose_password(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = ChoosePassword {
        layout: t.layout(),
        login_url: String::new(),
        recover_url: String::new(),
        step: ChooseStep::Choose(Choose {
            form: t.form(),
            link: t.text(),
            username: t.text(),
            is_first: false,
            error: Some(Problem::BadPassword(BadPassword::TooShort)),
        }),
    };
    t.check(all, "choose_password", &page);
}

fn device(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let entry = Entry {
        form: t.form(),
        user_code: t.text(),
        error: Some(Problem::CodeNotValid),
    };
    let page = Device {
        layout: t.layout(),
        step: DeviceStep::Entry(entry),
    };
    t.check(all, "device", &page);

    let mut t = Hostile::new(all.language);
    let step = DeviceStep::SignInFirst {
        sign_in_url: t.text(),
    };
    let page = Device {
        layout: t.layout(),
        step,
    };
    t.check(all, "device, sign in first", &page);

    let mut t = Hostile::new(all.language);
    let page = Device {
        layout: t.layout(),
        step: DeviceStep::Locked {
            wait: Duration::from_secs(1),
        },
    };
    t.check(all, "device, locked", &page);
}

fn device_confirm(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = confirmation(&mut t);
    t.check(all, "device_confirm", &page);

    let mut t = Hostile::new(all.language);
    let page = DeviceConfirm {
        prefilled: false,
        network: Network::Unknown,
        client: Client {
            name: String::new(),
            publisher: Publisher::Verified(String::new()),
        },
        ..confirmation(&mut t)
    };
    let html = page.render().unwrap();
    assert!(!html.contains("Does this match your terminal?"));
    assert!(html.contains("code-small"));
}

fn device_done(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let outcome = Outcome::Approved {
        client: t.text(),
        user: t.text(),
        undo: Some(t.form()),
    };
    let page = DeviceDone {
        layout: t.layout(),
        outcome,
    };
    t.check(all, "device_done", &page);

    for outcome in [
        Outcome::Denied,
        Outcome::Reported,
        Outcome::Expired,
        Outcome::Revoked,
    ] {
        let mut t = Hostile::new(all.language);
        let name = format!("{outcome:?}");
        let page = DeviceDone {
            layout: t.layout(),
            outcome,
        };
        t.check(all, &name, &page);
    }
}

fn continue_as(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = ContinueAs {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        client: t.client(Publisher::Verified),
        redirect_host: t.text(),
        scopes: t.scopes(),
        lifetime: Lifetime::Days(90),
    };
    t.check(all, "continue_as", &page);
}

fn other_network(all: &mut Rendered) {
    for may_go_on in [true, false] {
        let mut t = Hostile::new(all.language);
        let page = OtherNetwork {
            layout: t.layout(),
            form: t.form(),
            client: t.text(),
            user: t.text(),
            browser: t.text(),
            program: t.text(),
            may_go_on,
            is_unticked: may_go_on,
        };
        let name = format!("other_network, may go on: {may_go_on}");
        t.check(all, &name, &page);
    }
}

fn consent(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Consent {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        client: t.client(Publisher::Verified),
        redirect_host: t.text(),
        scopes: t.scopes(),
        lifetime: Lifetime::Days(90),
        account_url: Some(t.text()),
        is_nothing_left: true,
    };
    t.check(all, "consent", &page);
}

fn signed_out(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let confirm = Confirm {
        form: t.form(),
        client: Some(t.text()),
        user: Some(t.text()),
    };
    let page = SignedOut {
        layout: t.layout(),
        step: SignedOutStep::Confirm(confirm),
    };
    t.check(all, "signed_out, confirm", &page);

    let mut t = Hostile::new(all.language);
    let back = Link {
        name: t.text(),
        url: t.text(),
    };
    let page = SignedOut {
        layout: t.layout(),
        step: SignedOutStep::Done { back: Some(back) },
    };
    t.check(all, "signed_out, done", &page);
}

fn error(all: &mut Rendered) {
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

fn form_post(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = FormPost {
        layout: t.layout(),
        client: t.text(),
        action: t.text(),
        fields: t.pairs(),
    };
    t.check(all, "form_post", &page);
}

fn home(all: &mut Rendered) {
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

fn debugger(all: &mut Rendered) {
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

fn second_factors(all: &mut Rendered) {
    for (way, error) in [
        (Way::Totp, None),
        (Way::Totp, Some(Problem::WrongTotp)),
        (Way::RecoveryCode, Some(Problem::WrongRecoveryCode)),
    ] {
        let mut t = Hostile::new(all.language);
        let page = SecondFactorPage {
            layout: t.layout(),
            form: t.form(),
            pending: Some(t.text()),
            user: t.text(),
            way,
            others: vec![Way::Passkey, Way::RecoveryCode],
            passkey: None,
            error,
        };
        t.check(all, &format!("second_factor_{}", way.as_str()), &page);
    }
    let mut t = Hostile::new(all.language);
    let page = SetUpPage {
        layout: t.layout(),
        form: t.form(),
        pending: Some(t.text()),
        user: t.text(),
        qr_code: QrCode::of("otpauth://totp/a:b?secret=A"),
        key: t.text(),
        error: Some(Problem::WrongTotp),
        back_url: Some(t.text()),
    };
    t.check(all, "second_factor_setup", &page);
    let mut t = Hostile::new(all.language);
    let page = RecoveryCodesPage {
        layout: t.layout(),
        user: t.text(),
        codes: vec![t.text(), t.text()],
        next: Codes::Finish {
            form: t.form(),
            pending: t.text(),
        },
    };
    t.check(all, "recovery_codes", &page);
    let mut t = Hostile::new(all.language);
    let page = SecurityPage {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        notice: None,
        error: Some(Problem::LastFactor),
        takes_totp: true,
        totp: None,
        totp_url: t.text(),
        passkeys_url: Some(t.text()),
        has_factor: true,
        recovery_codes: 3,
        account_url: t.text(),
    };
    t.check(all, "account_security", &page);
}

fn ask(t: &mut Hostile) -> Ask {
    Ask {
        function: "get",
        options: t.text(),
        challenge: t.text(),
        is_conditional: true,
    }
}

fn passkeys(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let row = |t: &mut Hostile, used| PasskeyRow {
        id: t.text(),
        name: t.text(),
        is_synced: used,
        created: moment(90),
        used: used.then(|| moment(30)),
    };
    let page = PasskeysPage {
        layout: t.layout(),
        form: t.form(),
        account_url: t.text(),
        notice: Some(all.language.words().done_passkey_works),
        problem: Some(Problem::PasskeyNotMade),
        passkeys: vec![row(&mut t, true), row(&mut t, false)],
        ask: Some(ask(&mut t)),
    };
    t.check(all, "account_passkeys", &page);
    let mut t = Hostile::new(all.language);
    let page = PasskeyPage {
        layout: t.layout(),
        form: t.form(),
        problem: Some(Problem::PasskeyNotAccepted),
        id: t.text(),
        name: t.text(),
        ask: ask(&mut t),
    };
    t.check(all, "account_passkey", &page);
}

fn every_error(all: &mut Rendered) {
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

fn every_page(language: Language) -> Rendered {
    let mut all = Rendered {
        language,
        pages: Vec::new(),
    };
    for page in [
        login,
        recover,
        choose_password,
        device,
        device_confirm,
        device_done,
        continue_as,
        other_network,
        consent,
        signed_out,
        error,
        form_post,
        home,
        debugger,
        second_factors,
        passkeys,
        every_error,
    ] {
        page(&mut all);
    }
    all
}

/// What people read: the texts between the tags, and the attributes that are read out.
fn texts(html: &str) -> Vec<String> {
    let body = html.split_once("<body>").unwrap().1;
    let mut found = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        found.push(text.to_owned());
        for attribute in ["aria-label", "title", "alt", "placeholder"] {
            let value = tag.split_once(&format!("{attribute}=\""));
            found.extend(value.map(|(_, rest)| rest.split('"').next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_page_escapes_everything_in_every_language() {
    for language in Language::ALL {
        assert!(every_page(language).pages.len() > 30, "{language:?}");
    }
}

#[test]
fn no_page_has_english_left_in_another_language() {
    // Words of the wire, names, and what is written alike in the language.
    let alike: &[&str] = &[
        "English",
        "Deutsch",
        "Français",
        "Español",
        "api:read",
        "client_id",
        "redirect_uri",
        "response_mode",
        "hallpass",
        "curl",
        "require",
        "code",
        "UTC",
        "UserInfo",
        "Scope",
        "Token",
        "Passkeys",
        "Code",
        "System",
        "Name",
        "Passkeys",
        "{&#34;groups&#34;: [&#34;admins&#34;]}",
        "{&#34;email&#34;: &#34;ada@example.com&#34;}",
    ];
    let english = every_page(Language::English);
    for language in [Language::German, Language::French, Language::Spanish] {
        let other = every_page(language);
        for ((name, english), (_, html)) in english.pages.iter().zip(&other.pages) {
            let english = texts(english);
            for text in texts(html) {
                // One letter is the badge of a person.
                let is_said = text.chars().filter(|c| c.is_alphabetic()).count() > 1
                    && !text.contains("field")
                    && !text.contains("script");
                let is_time = text.contains(" UTC");
                if is_said && !is_time && english.contains(&text) {
                    assert!(alike.contains(&text.trim()), "{language:?}, {name}: {text}");
                }
            }
        }
    }
}

#[test]
fn the_choice_of_a_language_is_a_form_without_an_address() {
    let mut t = Hostile::new(Language::French);
    let page = DeviceDone {
        layout: t.layout(),
        outcome: Outcome::Denied,
    };
    let html = page.render().unwrap();
    assert!(html.contains("<form class=\"languages\" method=\"post\" aria-label=\"Langue\">"));
    for language in Language::ALL {
        let tag = language.tag();
        let button = format!("name=\"language\" value=\"{tag}\" lang=\"{tag}\"");
        assert_eq!(html.matches(&button).count(), 1, "{tag}");
    }
    assert_eq!(html.matches("aria-current=\"true\">Français<").count(), 1);
    let without = DeviceDone {
        layout: t.layout().without_switch(),
        outcome: Outcome::Denied,
    };
    assert!(!without.render().unwrap().contains("name=\"language\""));
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

#[test]
fn s_13_denying_is_as_easy_as_approving_and_comes_first() {
    let html = confirmation(&mut Hostile::new(Language::English))
        .render()
        .unwrap();
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
    let mut t = Hostile::new(Language::English);
    let old = DeviceConfirm {
        network: Network::Same,
        asked: moment(181),
        ..confirmation(&mut t)
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
    let mut t = Hostile::new(Language::English);
    let page = DeviceDone {
        layout: t.layout(),
        outcome: Outcome::Expired,
    };
    let sentence = Language::English.words().code_not_valid;
    let sentence = sentence.replace('\'', "&#39;");
    assert!(page.render().unwrap().contains(&sentence));
}

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
