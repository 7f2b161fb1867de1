//! What all languages have in common, and what none may share with English.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::Language;

/// Messages that are the same in another language than English, because the word is.
const SAME: [(Language, &[&str]); 3] = [
    (
        Language::German,
        &[
            "clock_time",
            "code",
            "system",
            "name",
            "passkeys",
            "endpoint_token",
            "endpoint_userinfo",
            "scope",
        ],
    ),
    (
        Language::French,
        &[
            "exact_time",
            "clock_time",
            "code",
            "endpoint_userinfo",
            "scope",
        ],
    ),
    (
        Language::Spanish,
        &[
            "error_title",
            "exact_time",
            "clock_time",
            "endpoint_token",
            "endpoint_userinfo",
            "scope",
        ],
    ),
];

#[test]
fn no_english_is_left_in_the_other_languages() {
    let english = Language::English.words().all();
    for (language, same) in SAME {
        let mut found = Vec::new();
        for ((name, english), (_, texts)) in english.iter().zip(language.words().all()) {
            if texts.iter().any(|text| english.contains(text)) {
                found.push(*name);
            }
        }
        // The list is exact: what is translated one day leaves it.
        assert_eq!(found, same, "{language:?}");
    }
}

#[test]
fn every_message_ends_as_the_english_one() {
    let end = |text: &str| text.chars().last().filter(|last| ".?!".contains(*last));
    let english = Language::English.words().all();
    for language in Language::ALL {
        for ((name, english), (_, texts)) in english.iter().zip(language.words().all()) {
            for (english, text) in english.iter().zip(&texts) {
                assert_eq!(end(english), end(text), "{language:?}: {name}: {text}");
                assert_eq!(text.trim(), *text, "{language:?}: {name}");
                assert!(!text.contains("  "), "{language:?}: {name}");
            }
        }
    }
}

#[test]
fn every_language_is_written_as_it_should_be() {
    for (name, texts) in Language::French.words().all() {
        for text in texts {
            // Tied to the word before, so that no line begins with it.
            for sign in [" :", " ;", " ?", " !", " »", "« "] {
                assert!(!text.contains(sign), "{name}: {text}");
            }
            assert!(!text.contains('\''), "{name}: {text}");
        }
    }
    for (name, texts) in Language::Spanish.words().all() {
        for text in texts {
            assert_eq!(
                text.matches('?').count(),
                text.matches('¿').count(),
                "{name}"
            );
        }
    }
    // One way to speak to people.
    let familiar: [(Language, &[&str]); 3] = [
        (
            Language::German,
            &["du", "dich", "dein", "deine", "deinem", "deinen", "ihr"],
        ),
        (Language::French, &["tu", "toi", "ton", "ta", "tes", "te"]),
        (
            Language::Spanish,
            &["tú", "tu", "tus", "te", "ti", "vos", "vosotros"],
        ),
    ];
    for (language, familiar) in familiar {
        for (name, texts) in language.words().all() {
            for text in texts {
                let mut words = text.split(|letter: char| !letter.is_alphabetic());
                let found = words.find(|word| familiar.contains(word));
                assert_eq!(found, None, "{language:?}: {name}: {text}");
            }
        }
    }
}

#[test]
fn a_tag_is_known_in_every_spelling_that_people_send() {
    for language in Language::ALL {
        assert_eq!(Language::of_tag(language.tag()), Some(language));
        let upper = language.tag().to_uppercase();
        assert_eq!(Language::of_tag(&upper), None);
        for range in [
            upper.clone(),
            format!("{upper}-Latn-XX"),
            format!("{upper}_XX"),
        ] {
            assert_eq!(Language::for_range(&range), Some(language), "{range}");
        }
    }
    for foreign in ["", "-", "zh-Hant", "deu", "english", "*", "e"] {
        assert_eq!(Language::for_range(foreign), None, "{foreign}");
    }
}
