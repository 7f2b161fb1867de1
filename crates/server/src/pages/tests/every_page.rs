//! Every page, filled with hostile text: it renders, escapes it, and loads nothing from elsewhere.

use askama::Template as _;

use super::devices::{device, device_confirm, device_done};
use super::factors::{passkeys, second_factors};
use super::hostile::{Hostile, Rendered};
use super::other_pages::{debugger, error, every_error, form_post, home};
use super::signing_in::{
    choose_password, consent, continue_as, create_account, login, other_network, recover, sign_up,
    signed_out,
};
use crate::languages::Language;
use crate::pages::device_done::{DeviceDone, Outcome};

pub(super) fn every_page(language: Language) -> Rendered {
    let mut all = Rendered {
        language,
        pages: Vec::new(),
    };
    for page in [
        login,
        recover,
        sign_up,
        create_account,
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
pub(super) fn texts(html: &str) -> Vec<String> {
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
