//! Which language a page comes in: the client's `ui_locales`, then what the person chose, then what
//! their browser asks for, then the server's own.
//!
//! `ui_locales`, OIDC Core §3.1.2.1:
//! <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest>
//! `Accept-Language`, RFC 9110 §12.5.4: <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4>

use std::sync::OnceLock;

use http::{HeaderMap, header};

use super::language::Language;

/// More of a list is not read, whoever sends it.
const MOST_BYTES: usize = 1024;
/// Nor are more tags.
const MOST_TAGS: usize = 32;

/// The language of the pages of one request: found out when the first of them is made, so that
/// programs never wait for it.
#[derive(Clone, Debug)]
pub(crate) struct PageLanguage {
    default: Language,
    found: OnceLock<Language>,
}

impl PageLanguage {
    /// Not known yet; `default` is the language of the server.
    pub(crate) fn unknown(default: Language) -> Self {
        Self {
            default,
            found: OnceLock::new(),
        }
    }

    /// The language of the server.
    pub(crate) fn default(&self) -> Language {
        self.default
    }

    /// The language; `find` is asked once.
    pub(crate) fn get(&self, find: impl FnOnce() -> Language) -> Language {
        *self.found.get_or_init(find)
    }

    /// Makes it known before a page is made; later it is too late.
    pub(crate) fn settle(&self, language: Language) {
        self.found.get_or_init(|| language);
    }
}

/// What is known of the wishes of whoever asks for a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes<'a> {
    /// `ui_locales`: tags with spaces between, the best first.
    pub(crate) ui_locales: Option<&'a str>,
    /// What the person chose on a page: one of our own tags.
    pub(crate) chosen: Option<&'a str>,
    /// Where `Accept-Language` stands.
    pub(crate) headers: &'a HeaderMap,
    /// The language of the server.
    pub(crate) default: Language,
}

impl Wishes<'_> {
    /// The language. Nothing is copied, and what cannot be read counts as not sent.
    pub(crate) fn language(self) -> Language {
        self.ui_locales
            .and_then(of_tags)
            .or_else(|| self.chosen.and_then(Language::of_tag))
            .or_else(|| accepted(self.headers, self.default))
            .unwrap_or(self.default)
    }
}

/// The first of these tags that we know.
pub(crate) fn of_tags(tags: &str) -> Option<Language> {
    let tags = beginning(tags).split(' ').filter(|tag| !tag.is_empty());
    tags.take(MOST_TAGS).find_map(Language::for_range)
}

/// The language with the greatest weight; of equals, the first.
fn accepted(headers: &HeaderMap, default: Language) -> Option<Language> {
    let mut left = MOST_BYTES;
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| {
        let line = line.get(..line.len().min(left)).unwrap_or_default();
        left -= line.len();
        line.split(',')
    });
    let mut weights: [Option<u16>; Language::ALL.len()] = [None; Language::ALL.len()];
    let mut of_others: Option<u16> = None;
    let mut order = [usize::MAX; Language::ALL.len()];
    for (place, range) in ranges.take(MOST_TAGS).enumerate() {
        let Some((range, weight)) = read(range) else {
            continue;
        };
        if range == "*" {
            of_others = of_others.max(Some(weight));
            continue;
        }
        let Some(language) = Language::for_range(range) else {
            continue;
        };
        for ((known, kept), first) in Language::ALL.iter().zip(&mut weights).zip(&mut order) {
            if *known == language && kept.is_none_or(|kept| kept < weight) {
                (*kept, *first) = (Some(weight), place);
            }
        }
    }
    // `*` stands for whatever is not named: the server's own language before the others.
    let weighed = |(index, language): (usize, Language)| {
        let named = weights.get(index).copied().flatten();
        let weight = named.or(of_others).filter(|weight| *weight > 0)?;
        let place = order.get(index).copied().unwrap_or(usize::MAX);
        Some((weight, place, language))
    };
    let found = Language::ALL.into_iter().enumerate().filter_map(weighed);
    found
        .min_by_key(|(weight, place, language)| {
            (std::cmp::Reverse(*weight), *place, *language != default)
        })
        .map(|(_, _, language)| language)
}

/// A range and its weight in thousandths; `None` for what is neither (RFC 9110 §12.4.2).
fn read(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';');
    let range = parts.next()?.trim();
    if range.is_empty() {
        return None;
    }
    let Some(parameter) = parts.next() else {
        return Some((range, 1000));
    };
    let (name, value) = parameter.trim().split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") || parts.next().is_some() {
        return None;
    }
    Some((range, weight(value.trim())?))
}

/// `0`, `0.5`, `1.000`: one digit, then at most three more, and never above one.
fn weight(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = [1000, 100, 10, 1].get(rest.len()).copied()?;
    let thousandths = if rest.is_empty() {
        0
    } else {
        rest.parse::<u16>().ok()? * scale
    };
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// As much of a text as is read.
fn beginning(text: &str) -> &str {
    if text.len() <= MOST_BYTES {
        return text;
    }
    let end = (0..=MOST_BYTES).rev().find(|at| text.is_char_boundary(*at));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(lines: &[&str]) -> Language {
        asked_of(Language::English, lines)
    }

    fn asked_of(default: Language, lines: &[&str]) -> Language {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(header::ACCEPT_LANGUAGE, value);
        }
        let wishes = Wishes {
            ui_locales: None,
            chosen: None,
            headers: &headers,
            default,
        };
        wishes.language()
    }

    #[test]
    fn the_browsers_list_is_read_by_weight() {
        use Language::{English, French, German, Spanish};
        for (header, expected) in [
            ("de", German),
            ("de-CH, en;q=0.8", German),
            ("DE-at", German),
            ("en;q=0.3, es;q=0.7, fr;q=0.5", Spanish),
            ("fr;q=0.5, es;q=0.5", French),
            ("en-US,de;q=0.9", English),
            ("zh-Hant, zh;q=0.9, fr;q=0.1", French),
            ("zh-Hant", English),
            ("zh-Hant, de;q=0", English),
            ("es;q=1.000", Spanish),
            (" fr ; q = 0.4 ", French),
            ("fr;q=0.1, fr-CA;q=0.9, de;q=0.5", French),
            ("", English),
            (",,,", English),
        ] {
            assert_eq!(asked(&[header]), expected, "{header:?}");
        }
        assert_eq!(asked(&["zh", "de;q=0.2"]), German, "two lines are one list");
    }

    #[test]
    fn a_star_means_the_servers_own_language_unless_it_is_refused() {
        use Language::{English, French, German};
        assert_eq!(asked_of(German, &["*"]), German);
        assert_eq!(asked_of(German, &["fr;q=0.9, *;q=0.5"]), French);
        assert_eq!(asked_of(German, &["fr;q=0.2, *;q=0.5"]), German);
        assert_eq!(asked_of(German, &["de;q=0, *"]), English);
        assert_eq!(asked_of(German, &["*;q=0"]), German);
    }

    #[test]
    fn what_is_no_weight_makes_its_range_unread() {
        for bad in [
            "nan", "inf", "-1", "1.5", "2", "0.0001", "1.0001", ".5", "0,5", "", "0.5.5", "+0.5",
            "1e-1", "0x1",
        ] {
            let header = format!("de;q={bad}, fr;q=0.1");
            assert_eq!(asked(&[&header]), Language::French, "{bad:?}");
        }
        for bad in ["de;level=1", "de;q=1;q=1", "de;q", ";q=1", "de;;"] {
            let header = format!("{bad}, fr;q=0.1");
            assert_eq!(asked(&[&header]), Language::French, "{bad:?}");
        }
    }

    #[test]
    fn s_140_a_huge_list_is_read_no_further_than_its_beginning() {
        let garbage = "x-a,".repeat(256 * 1024);
        assert_eq!(asked(&[&format!("{garbage}de")]), Language::English);
        assert_eq!(asked(&[&format!("de,{garbage}")]), Language::German);
        let long = "d".repeat(1024 * 1024);
        assert_eq!(asked(&[&long]), Language::English);
        assert_eq!(of_tags(&format!("{} de", "é".repeat(600))), None);
        assert_eq!(of_tags(&format!("de {long}")), Some(Language::German));
    }

    #[test]
    fn what_is_not_ascii_is_not_read() {
        assert_eq!(asked(&["dé, fr;q=0.1"]), Language::English);
        assert_eq!(asked(&["dé", "fr;q=0.1"]), Language::French);
    }

    #[test]
    fn ui_locales_come_before_a_choice_and_that_before_the_browser() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("es"));
        let wished = |ui_locales, chosen| {
            let wishes = Wishes {
                ui_locales,
                chosen,
                headers: &headers,
                default: Language::English,
            };
            wishes.language()
        };
        assert_eq!(wished(Some("fr-CA fr en"), Some("de")), Language::French);
        assert_eq!(wished(Some("tlh x-y  fr"), Some("de")), Language::French);
        assert_eq!(wished(Some("tlh zh-Hant"), Some("de")), Language::German);
        assert_eq!(wished(Some(""), Some("de")), Language::German);
        // A cookie is one of our tags or nothing.
        for foreign in ["de-DE", "DE", "xx", "", "<script>", "de fr"] {
            assert_eq!(wished(None, Some(foreign)), Language::Spanish, "{foreign}");
        }
    }
}
