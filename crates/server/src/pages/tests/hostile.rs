//! Hostile text for every field of a page, and what a page must be like whatever it is filled with.

use std::sync::Arc;

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use crate::languages::{Language, Moment};
use crate::pages::layout::{Client, FormTarget, Layout, Pair, Publisher};
use crate::pages::scope_line::ScopeLine;

/// Hands out a different hostile text for every field, and remembers how many there were.
pub(super) struct Hostile {
    fields: usize,
    language: Language,
}

/// Every page in one language, by its name.
pub(super) struct Rendered {
    pub(super) language: Language,
    pub(super) pages: Vec<(String, String)>,
}

impl Hostile {
    pub(super) fn new(language: Language) -> Self {
        Self {
            fields: 0,
            language,
        }
    }

    pub(super) fn text(&mut self) -> String {
        self.fields += 1;
        format!("<script>field{}</script>\"' onload=x ", self.fields)
    }

    pub(super) fn check(self, all: &mut Rendered, name: &str, page: &impl Template) {
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

    pub(super) fn layout(&mut self) -> Layout {
        Layout {
            issuer_name: self.text(),
            dev_banner: true,
            words: self.language.words(),
            has_switch: true,
            look: Arc::default(),
        }
    }

    pub(super) fn form(&mut self) -> FormTarget {
        FormTarget {
            action: self.text(),
            csrf: self.text(),
            interaction: Some(self.text()),
        }
    }

    pub(super) fn pairs(&mut self) -> Vec<Pair> {
        vec![Pair {
            name: self.text(),
            value: self.text(),
        }]
    }

    pub(super) fn scopes(&mut self) -> Vec<ScopeLine> {
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

    pub(super) fn client(&mut self, publisher: fn(String) -> Publisher) -> Client {
        Client {
            name: self.text(),
            publisher: publisher(self.text()),
        }
    }
}

/// Cuts out the one script that a page may have: ours, by path, without text.
pub(super) fn scriptless(html: &str) -> String {
    let mut text = html.to_owned();
    for script in [
        &*crate::pages::assets::FORM_POST_SCRIPT,
        &*crate::pages::assets::PASSKEY_SCRIPT,
    ] {
        let tag = format!("<script src=\"{}\" defer></script>", script.path);
        text = text.replace(&tag, "");
    }
    text
}

pub(super) fn moment(seconds_ago: i64) -> Moment {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000);
    Moment {
        at: now - SignedDuration::from_secs(seconds_ago),
        now,
    }
}
