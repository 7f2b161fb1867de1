//! A message with places for values, filled in as plain text or as a piece of a page.
//!
//! `{client}` is a place. `{account|your account}` leads where the value says. `*you*` is stressed,
//! and what stands between backticks is code. Text that is not ours stays apart from the sentence
//! around it, whatever its direction: <https://www.w3.org/TR/WCAG22/#meaningful-sequence>,
//! <https://html.spec.whatwg.org/multipage/text-level-semantics.html#the-bdi-element>.

use std::borrow::Cow;
use std::fmt;

use askama::filters::{Escaper, Html, HtmlSafeOutput};

/// What stands in a place.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// Somebody else's text, such as a name. Pages isolate it.
    Name(Cow<'a, str>),
    /// A number, or words of our own.
    Words(Cow<'a, str>),
    /// Words of our own that pages show as an element.
    Element {
        /// The words alone.
        text: String,
        /// The element, escaped.
        html: String,
    },
    /// Where the words of the place lead.
    Address(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Words of our own.
    pub(crate) fn words(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Words(text.into())
    }

    /// Where the words of the place lead.
    pub(crate) fn address(url: impl Into<Cow<'a, str>>) -> Self {
        Self::Address(url.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name.into())
    }
}

impl From<String> for Value<'_> {
    fn from(name: String) -> Self {
        Self::Name(name.into())
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(name: &'a String) -> Self {
        Self::Name(name.into())
    }
}

impl<'a> From<&&'a str> for Value<'a> {
    fn from(name: &&'a str) -> Self {
        Self::Name((*name).into())
    }
}

impl<'a> From<&&'a String> for Value<'a> {
    fn from(name: &&'a String) -> Self {
        Self::Name((*name).into())
    }
}

impl<'a> From<&Value<'a>> for Value<'a> {
    fn from(value: &Value<'a>) -> Self {
        value.clone()
    }
}

/// A message whose places have values.
#[derive(Clone, Debug)]
pub(crate) struct Filled<'a> {
    pub(super) pattern: &'static str,
    pub(super) values: Vec<(&'static str, Value<'a>)>,
}

/// As plain text, for titles, attributes and mails.
impl fmt::Display for Filled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in pieces(self.pattern) {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Place(name, words) => match self.value(name) {
                    Some(Value::Name(text) | Value::Words(text)) => f.write_str(text)?,
                    Some(Value::Element { text, .. }) => f.write_str(text)?,
                    Some(Value::Address(_)) | None => f.write_str(words)?,
                },
                // A mail shows code as people write it.
                Piece::Code => f.write_str("`")?,
                Piece::Stress => {}
            }
        }
        Ok(())
    }
}

impl Filled<'_> {
    /// Words without places.
    pub(crate) fn plain(words: &'static str) -> Self {
        Self {
            pattern: words,
            values: Vec::new(),
        }
    }

    /// A value alone.
    pub(crate) fn of(value: Value<'_>) -> Filled<'_> {
        Filled {
            pattern: "{value}",
            values: vec![("value", value)],
        }
    }

    /// As a value of a larger message.
    pub(crate) fn element(&self) -> Value<'static> {
        Value::Element {
            text: self.to_string(),
            html: self.html().0,
        }
    }

    /// As a piece of a page, escaped.
    pub(crate) fn html(&self) -> HtmlSafeOutput<String> {
        let mut html = String::new();
        // A string takes everything.
        let _ = self.write_html(&mut html);
        HtmlSafeOutput(html)
    }

    fn write_html(&self, html: &mut String) -> fmt::Result {
        let (mut in_code, mut is_stressed) = (false, false);
        for piece in pieces(self.pattern) {
            match piece {
                Piece::Text(text) => Html.write_escaped_str(&mut *html, text)?,
                Piece::Place(name, words) => match self.value(name) {
                    Some(Value::Name(text)) => {
                        html.push_str("<bdi>");
                        Html.write_escaped_str(&mut *html, text)?;
                        html.push_str("</bdi>");
                    }
                    Some(Value::Words(text)) => Html.write_escaped_str(&mut *html, text)?,
                    Some(Value::Element { html: element, .. }) => html.push_str(element),
                    Some(Value::Address(url)) => {
                        html.push_str("<a href=\"");
                        Html.write_escaped_str(&mut *html, url)?;
                        html.push_str("\">");
                        Html.write_escaped_str(&mut *html, words)?;
                        html.push_str("</a>");
                    }
                    None => {}
                },
                Piece::Code => {
                    html.push_str(if in_code { "</code>" } else { "<code>" });
                    in_code = !in_code;
                }
                Piece::Stress => {
                    html.push_str(if is_stressed { "</b>" } else { "<b>" });
                    is_stressed = !is_stressed;
                }
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&Value<'_>> {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    /// Its name, and the words that lead somewhere.
    Place(&'static str, &'static str),
    /// Code begins or ends.
    Code,
    /// Stress begins or ends.
    Stress,
}

fn pieces(pattern: &'static str) -> impl Iterator<Item = Piece> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let (piece, left) = if let Some(left) = rest.strip_prefix('*') {
            (Piece::Stress, left)
        } else if let Some(left) = rest.strip_prefix('`') {
            (Piece::Code, left)
        } else if let Some((place, left)) = rest.strip_prefix('{').and_then(|r| r.split_once('}')) {
            let (name, words) = place.split_once('|').unwrap_or((place, ""));
            (Piece::Place(name, words), left)
        } else if rest.is_empty() {
            return None;
        } else {
            let end = rest.find(['*', '`', '{']).unwrap_or(rest.len());
            let (text, left) = rest.split_at_checked(end.max(1))?;
            (Piece::Text(text), left)
        };
        rest = left;
        Some(piece)
    })
}

/// Whether a pattern has a place for each of these names and for nothing else, and whether its marks
/// come in pairs. `n` may be left out of a singular: "in a minute".
pub(super) const fn is_whole(pattern: &str, names: &[&str]) -> bool {
    let mut rest = pattern.as_bytes();
    let mut found = 0_u32;
    let (mut marks, mut codes) = (0_u32, 0_u32);
    while let [byte, left @ ..] = rest {
        rest = left;
        match byte {
            b'*' => marks += 1,
            b'`' => codes += 1,
            b'}' => return false,
            b'{' => {
                let Some(place) = place_of(rest, names) else {
                    return false;
                };
                found |= 1 << place;
                while let [byte, left @ ..] = rest {
                    rest = left;
                    if *byte == b'}' {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    found == (1 << names.len()) - 1 && marks % 2 == 0 && codes % 2 == 0
}

/// Which of the names a place begins with.
const fn place_of(place: &[u8], names: &[&str]) -> Option<u32> {
    let (mut names, mut index) = (names, 0);
    while let [name, others @ ..] = names {
        if begins_with(place, name.as_bytes()) {
            return Some(index);
        }
        (names, index) = (others, index + 1);
    }
    None
}

const fn begins_with(place: &[u8], name: &[u8]) -> bool {
    let (mut place, mut name) = (place, name);
    while let [expected, name_left @ ..] = name {
        let [byte, left @ ..] = place else {
            return false;
        };
        if *byte != *expected {
            return false;
        }
        (place, name) = (left, name_left);
    }
    matches!(place, [b'}' | b'|', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled<'a>(pattern: &'static str, values: &[(&'static str, Value<'a>)]) -> Filled<'a> {
        Filled {
            pattern,
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_page_escapes_isolates_and_marks() {
        let message = filled(
            "*Hi {who}*, <b> is `{what}`; see {url|your & mine}.",
            &[
                ("who", Value::from("<script>\"'")),
                ("what", Value::words("1 < 2")),
                ("url", Value::address("/a?b=\"&c")),
            ],
        );
        assert_eq!(
            message.html().to_string(),
            "<b>Hi <bdi>&#60;script&#62;&#34;&#39;</bdi></b>, &#60;b&#62; is <code>1 &#60; 2</code>; \
             see <a href=\"/a?b=&#34;&#38;c\">your &#38; mine</a>."
        );
        assert_eq!(
            message.to_string(),
            "Hi <script>\"', <b> is `1 < 2`; see your & mine."
        );
    }

    #[test]
    fn what_a_value_holds_is_never_read_as_a_pattern() {
        let message = filled(
            "{a} and {b}",
            &[("a", Value::from("{b} *x* `y`")), ("b", Value::from("z"))],
        );
        assert_eq!(message.to_string(), "{b} *x* `y` and z");
        assert_eq!(
            message.html().to_string(),
            "<bdi>{b} *x* `y`</bdi> and <bdi>z</bdi>"
        );
    }

    #[test]
    fn a_pattern_is_whole_with_its_own_places_alone() {
        for (pattern, names, whole) in [
            ("", &[][..], true),
            ("a {b} c", &["b"], true),
            ("a {b|c}", &["b"], true),
            ("{a}{b}{a}", &["a", "b"], true),
            ("{ab}", &["a"], false),
            ("{a}", &["ab"], false),
            ("{a}", &[], false),
            ("a", &["a"], false),
            ("{a", &["a"], false),
            ("a}", &[], false),
            ("*a", &[], false),
            ("`a", &[], false),
            ("*a* `b`", &[], true),
        ] {
            assert_eq!(is_whole(pattern, names), whole, "{pattern}");
        }
    }
}
