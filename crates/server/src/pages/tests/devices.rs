//! The pages of the device flow.

use std::time::Duration;

use askama::Template as _;

use super::hostile::{Hostile, Rendered, moment};
use crate::languages::Language;
use crate::pages::device::{Device, Entry, Step as DeviceStep};
use crate::pages::device_confirm::{DeviceConfirm, Network};
use crate::pages::device_done::{DeviceDone, Outcome};
use crate::pages::layout::{Client, Publisher};
use crate::pages::problem::Problem;
use crate::pages::scope_line::Lifetime;

pub(super) fn confirmation(t: &mut Hostile) -> DeviceConfirm {
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
        own_place: Some(t.text()),
        network: Network::Different,
        asked: moment(200),
        scopes: t.scopes(),
        lifetime: Lifetime::Days(90),
    }
}

pub(super) fn device(all: &mut Rendered) {
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

pub(super) fn device_confirm(all: &mut Rendered) {
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

pub(super) fn device_done(all: &mut Rendered) {
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
