//! Makes text from a server harmless for a terminal, a log or a file of events.
//!
//! Row C-83: every string that a server chose passes through here before a person sees it.

use std::time::Duration;

/// Longer texts are cut here.
const LONGEST: usize = 400;

/// Replaces control characters, line breaks and whatever turns the reading direction or is
/// invisible, and cuts what is very long.
///
/// ```
/// assert_eq!(hallpass_client::clean::text("a\u{1b}[31mb\u{202e}c"), "a\u{fffd}[31mb\u{fffd}c");
/// ```
pub fn text(said: &str) -> String {
    let mut clean: String = said
        .chars()
        .take(LONGEST)
        .map(|c| {
            if is_harmless(c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect();
    if said.chars().nth(LONGEST).is_some() {
        clean.push('…');
    }
    clean
}

/// JSON that is safe on a terminal: what is invisible or turns the reading direction, and can stand only
/// inside of strings, is escaped there. The value stays the same.
///
/// ```
/// assert_eq!(hallpass_client::clean::json("[\"a\u{202e}b\"]"), "[\"a\\u202eb\"]");
/// ```
pub fn json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_harmless(c) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.extend([format!("\\u{unit:04x}")]);
            }
        }
    }
    text
}

/// A span of time in its largest unit, as in `4 min` or `3 days`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Whether a text needs no cleaning.
pub fn is_clean(said: &str) -> bool {
    said.chars().all(is_harmless)
}

fn is_harmless(c: char) -> bool {
    let is_invisible = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}');
    !c.is_control() && !is_invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_83_escapes_bidi_and_invisible_characters_are_replaced() {
        for bad in [
            "\u{1b}]8;;x\u{7}",
            "\r\n",
            "\u{9b}31m",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{e0041}",
        ] {
            assert!(!is_clean(bad), "{bad:?}");
            assert!(is_clean(&text(bad)), "{bad:?}");
        }
    }

    #[test]
    fn c_83_a_very_long_text_is_cut() {
        assert_eq!(text(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn ordinary_words_of_every_script_stay() {
        for good in ["Grüße, 你好, שלום", "https://x.test/a?b=c&d=%20"] {
            assert_eq!(text(good), good);
        }
    }
}
