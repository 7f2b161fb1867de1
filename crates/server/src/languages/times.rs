//! Times, lists and programs in the words of a language.
//!
//! Lists and relative times as in Unicode CLDR: <https://cldr.unicode.org/>.

use std::fmt::Write as _;

use askama::filters::{Escaper as _, Html, HtmlSafeOutput};

use super::language::Language;
use super::moment::Moment;
use super::pattern::{Filled, Value};
use super::words::Words;

impl Words {
    /// `12 seconds ago`.
    pub(crate) fn ago(&self, moment: Moment) -> String {
        let seconds = u64::try_from(moment.age().as_secs()).unwrap_or_default();
        let ago = match seconds {
            0..=4 => return self.just_now.to_owned(),
            5..=59 => self.seconds_ago(seconds),
            60..=3_599 => self.minutes_ago(seconds / 60),
            3_600..=86_399 => self.hours_ago(seconds / 3_600),
            _ => self.days_ago(seconds / 86_400),
        };
        ago.to_string()
    }

    /// `21 Nov 2026, 14:03:44 UTC`.
    pub(crate) fn exact(&self, moment: Moment) -> String {
        let date = moment.date();
        let month = usize::try_from(date.month() - 1).unwrap_or_default();
        let month = self.months.get(month).copied().unwrap_or_default();
        let (day, year) = (date.day().to_string(), date.year().to_string());
        let filled = self.exact_time(
            Value::words(day),
            Value::words(month),
            Value::words(year),
            Value::words(moment.clock()),
        );
        filled.to_string()
    }

    /// `14:03:44 UTC`, for what happened within the hour.
    pub(crate) fn clock(&self, moment: Moment) -> String {
        self.clock_time(Value::words(moment.clock())).to_string()
    }

    /// How long ago it was, with the exact time at hand.
    pub(crate) fn time(&self, moment: Moment) -> Value<'static> {
        let (ago, exact) = (self.ago(moment), self.exact(moment));
        let mut html = String::new();
        // A string takes everything.
        let _ = write!(html, "<time datetime=\"{}\" title=\"", moment.iso());
        let _ = Html.write_escaped_str(&mut html, &exact);
        html.push_str("\">");
        let _ = Html.write_escaped_str(&mut html, &ago);
        html.push_str("</time>");
        Value::Element { text: ago, html }
    }

    /// The same as a piece of a page.
    pub(crate) fn moment(&self, moment: Moment) -> HtmlSafeOutput<String> {
        Filled::of(self.time(moment)).html()
    }

    /// `a`, `a and b`, `a, b, and c`. Each comes as text and as a piece of a page.
    pub(crate) fn list(&self, things: Vec<Value<'_>>) -> Value<'static> {
        let pair = |thing: Value<'_>| {
            let shown = Filled::of(thing);
            (shown.to_string(), shown.html().to_string())
        };
        let mut pairs: Vec<(String, String)> = things.into_iter().map(pair).collect();
        let Some(last) = pairs.pop() else {
            return Value::words("");
        };
        let Some(first) = pairs.first() else {
            let (text, html) = last;
            return Value::Element { text, html };
        };
        let element = |(text, html): (String, String)| Value::Element { text, html };
        let has_more = pairs.len() > 1;
        let begins_with_i = self.language == Language::Spanish && sounds_like_i(&last.0);
        let joined = if has_more {
            let texts: Vec<_> = pairs.iter().map(|(text, _)| text.as_str()).collect();
            let pages: Vec<_> = pairs.iter().map(|(_, html)| html.as_str()).collect();
            (texts.join(", "), pages.join(", "))
        } else {
            first.clone()
        };
        let (first, last) = (element(joined), element(last));
        let whole = match (has_more, begins_with_i) {
            (false, false) => self.two(first, last),
            (false, true) => self.two_before_i(first, last),
            (true, false) => self.more_than_two(first, last),
            (true, true) => self.more_than_two_before_i(first, last),
        };
        whole.element()
    }

    /// What a browser or program called itself, as it is kept: `Firefox on Linux`.
    pub(crate) fn program(&self, kept: &str) -> String {
        match kept.split_once(" on ") {
            Some((browser, system)) => self.browser_on_system(browser, system).to_string(),
            None => kept.to_owned(),
        }
    }
}

/// Spanish says `e` for `y` before the sound of an i: "padre e hijo", but "agua y hielo".
fn sounds_like_i(text: &str) -> bool {
    let mut letters = text.chars().flat_map(char::to_lowercase);
    let first = letters.next();
    let (first, next) = match first {
        Some('h') => (letters.next(), letters.next()),
        other => (other, letters.next()),
    };
    matches!(first, Some('i' | 'í')) && !matches!(next, Some('a' | 'e' | 'o' | 'u'))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    fn after(seconds: i64) -> Moment {
        let at: Timestamp = "2026-03-01T14:03:44Z".parse().unwrap();
        Moment {
            at,
            now: at + SignedDuration::from_secs(seconds),
        }
    }

    #[test]
    fn a_time_is_said_with_one_unit_and_the_right_form() {
        let table = [
            (
                -90,
                ["just now", "gerade eben", "à l’instant", "ahora mismo"],
            ),
            (
                12,
                [
                    "12 seconds ago",
                    "vor 12 Sekunden",
                    "il y a 12 secondes",
                    "hace 12 segundos",
                ],
            ),
            (
                60,
                [
                    "1 minute ago",
                    "vor 1 Minute",
                    "il y a 1 minute",
                    "hace 1 minuto",
                ],
            ),
            (
                239,
                [
                    "3 minutes ago",
                    "vor 3 Minuten",
                    "il y a 3 minutes",
                    "hace 3 minutos",
                ],
            ),
            (
                3_600,
                [
                    "1 hour ago",
                    "vor 1 Stunde",
                    "il y a 1 heure",
                    "hace 1 hora",
                ],
            ),
            (
                86_400,
                ["1 day ago", "vor 1 Tag", "il y a 1 jour", "hace 1 día"],
            ),
            (
                200_000,
                ["2 days ago", "vor 2 Tagen", "il y a 2 jours", "hace 2 días"],
            ),
        ];
        for (seconds, expected) in table {
            for (language, expected) in Language::ALL.into_iter().zip(expected) {
                assert_eq!(language.words().ago(after(seconds)), expected);
            }
        }
    }

    #[test]
    fn the_exact_time_names_its_zone() {
        for (language, expected) in Language::ALL.into_iter().zip([
            "1 Mar 2026, 14:03:44 UTC",
            "1. März 2026, 14:03:44 UTC",
            "1 mars 2026, 14:03:44 UTC",
            "1 mar 2026, 14:03:44 UTC",
        ]) {
            assert_eq!(language.words().exact(after(0)), expected);
        }
        assert_eq!(Language::German.words().clock(after(0)), "14:03:44 UTC");
    }

    #[test]
    fn a_number_takes_the_form_of_its_language() {
        let [one, none] = [1, 0].map(|n| Language::French.words().days_ago(n).to_string());
        assert_eq!(
            [one.as_str(), none.as_str()],
            ["il y a 1 jour", "il y a 0 jour"]
        );
        let german = Language::German.words().too_many_tries(1).to_string();
        assert!(german.ends_with("in einer Minute noch einmal."), "{german}");
        assert_eq!(
            Language::Spanish.words().days_ago(0).to_string(),
            "hace 0 días"
        );
    }

    #[test]
    fn a_list_ends_as_its_language_ends_lists() {
        let list = |language: Language, things: &[&'static str]| {
            let things = things.iter().map(|thing| Value::from(*thing)).collect();
            match language.words().list(things) {
                Value::Element { text, .. } => text,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(list(Language::English, &["a"]), "a");
        assert_eq!(list(Language::English, &["a", "b"]), "a and b");
        assert_eq!(list(Language::English, &["a", "b", "c"]), "a, b, and c");
        assert_eq!(list(Language::German, &["a", "b", "c"]), "a, b und c");
        assert_eq!(list(Language::French, &["a", "b"]), "a et b");
        assert_eq!(list(Language::Spanish, &["a", "b", "c"]), "a, b y c");
        assert_eq!(list(Language::Spanish, &["a", "invitar"]), "a e invitar");
        assert_eq!(
            list(Language::Spanish, &["a", "b", "hijos"]),
            "a, b e hijos"
        );
        assert_eq!(list(Language::Spanish, &["agua", "hielo"]), "agua y hielo");
        assert_eq!(list(Language::English, &["a", "invite"]), "a and invite");
    }

    #[test]
    fn a_list_escapes_what_is_in_it() {
        let words = Language::English.words();
        let listed = words.list(vec![Value::from("<a>"), Value::from("b")]);
        let Value::Element { html, .. } = listed else {
            panic!("a list is an element");
        };
        assert_eq!(html, "<bdi>&#60;a&#62;</bdi> and <bdi>b</bdi>");
    }

    #[test]
    fn a_program_is_named_in_the_words_of_the_language() {
        let named = |language: Language| language.words().program("Firefox on Linux");
        assert_eq!(named(Language::German), "Firefox unter Linux");
        assert_eq!(named(Language::Spanish), "Firefox en Linux");
        assert_eq!(Language::German.words().program("curl"), "curl");
    }
}
