//! `application/x-www-form-urlencoded`, read strictly and written once for both ends.
//!
//! RFC 6749 appendix B: <https://www.rfc-editor.org/rfc/rfc6749#appendix-B>. "Parameters sent
//! without a value MUST be treated as if they were omitted" and "parameters MUST NOT be included
//! more than once" (§3.1, §3.2).

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// More parameters than this are refused (row S-140).
pub const MOST_PARAMETERS: usize = 100;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b' ');

/// The parameters of one request, in the order in which they came. Empty values are left out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Every name and value, decoded, one after the other: one buffer for all of them.
    text: String,
    /// Where each name and then its value end in the text.
    ends: Vec<(usize, usize)>,
}

/// Why a form could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A parameter stands more than once.
    #[error("the parameter `{0}` is repeated")]
    Repeated(String),
    /// A percent escape is not UTF-8.
    #[error("the parameters are not UTF-8")]
    NotUtf8,
    /// More than [`MOST_PARAMETERS`] parameters.
    #[error("more than 100 parameters")]
    TooMany,
}

impl Form {
    /// Reads a query or a body.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        let mut form = Self {
            text: String::with_capacity(text.len()),
            ends: Vec::with_capacity(8),
        };
        let pieces = text.split('&').filter(|piece| !piece.is_empty());
        for (count, piece) in pieces.enumerate() {
            if count == MOST_PARAMETERS {
                return Err(FormError::TooMany);
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let start = form.text.len();
            decode_onto(name, &mut form.text)?;
            let middle = form.text.len();
            decode_onto(value, &mut form.text)?;
            if form.text.len() == middle {
                form.text.truncate(start);
            } else {
                form.ends.push((middle, form.text.len()));
            }
        }
        Ok(form)
    }

    /// The value of a parameter that may stand once.
    pub fn one<'a>(&'a self, name: &str) -> Result<Option<&'a str>, FormError> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(FormError::Repeated(name.to_owned()));
        }
        Ok(first)
    }

    /// Every value of a parameter that may repeat (`resource`, `audience`).
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Refuses a repeated parameter, save those named.
    pub fn refuse_repeats(&self, but: &[&str]) -> Result<(), FormError> {
        for (index, (name, _)) in self.iter().enumerate() {
            let seen_before = self.iter().take(index).any(|(known, _)| known == name);
            if seen_before && !but.contains(&name) {
                return Err(FormError::Repeated(name.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether a parameter is present.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(middle, end)| {
            let part = |range| self.text.get(range).unwrap_or_default();
            let pair = (part(start..*middle), part(*middle..*end));
            start = *end;
            pair
        })
    }

    /// Adds a parameter to send.
    pub fn push(&mut self, name: &str, value: impl AsRef<str>) {
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(value.as_ref());
        self.ends.push((middle, self.text.len()));
    }

    /// Adds a parameter to send when there is a value.
    pub fn push_some(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// The form as it travels. Empty values are never sent.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        for (name, value) in self.iter().filter(|(_, value)| !value.is_empty()) {
            let separator = if out.is_empty() { "" } else { "&" };
            // Writing to a `String` cannot fail.
            let _: std::fmt::Result = write!(out, "{separator}{}={}", encode(name), encode(value));
        }
        out
    }
}

impl std::fmt::Debug for Form {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Form {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            form.push(name.as_ref(), value);
        }
        form
    }
}

/// Encodes one name or value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED)
        .to_string()
        .replace(' ', "+")
}

/// Decodes one name or value.
pub fn decode(text: &str) -> Result<String, FormError> {
    let mut decoded = String::with_capacity(text.len());
    decode_onto(text, &mut decoded)?;
    Ok(decoded)
}

/// Decodes behind what is there already.
fn decode_onto(text: &str, decoded: &mut String) -> Result<(), FormError> {
    // Most names and values are plain.
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        decoded.push_str(text);
        return Ok(());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, after @ ..]) => byte_of(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        // What is no escape stands for itself (URL Standard, percent-decode).
        let plain = if *first == b'+' { b' ' } else { *first };
        let (byte, after) = escaped.unwrap_or((plain, after));
        bytes.push(byte);
        rest = after;
    }
    decoded.push_str(std::str::from_utf8(&bytes).map_err(|_| FormError::NotUtf8)?);
    Ok(())
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(value(high)? << 4 | value(low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s_125_an_empty_value_counts_as_absent() {
        assert_eq!(Form::parse("code=&a=1").unwrap().one("code"), Ok(None));
    }

    #[test]
    fn s_125_a_repeated_parameter_is_refused() {
        let form = Form::parse("a=1&a=1&resource=x&resource=y").unwrap();
        assert_eq!(form.one("a"), Err(FormError::Repeated("a".to_owned())));
        assert_eq!(form.refuse_repeats(&["resource", "a"]), Ok(()));
        assert_eq!(
            form.refuse_repeats(&["resource"]),
            Err(FormError::Repeated("a".to_owned()))
        );
    }

    #[test]
    fn an_escape_is_decoded_once_and_what_is_none_stands_for_itself() {
        for (text, decoded) in [
            ("a%2Bb+c%20d", "a+b c d"),
            ("%c3%A9", "é"),
            ("%252B", "%2B"),
            ("100%", "100%"),
            ("%2", "%2"),
            ("%zz+%+1", "%zz % 1"),
            ("é+", "é "),
        ] {
            assert_eq!(decode(text).as_deref(), Ok(decoded), "{text}");
        }
        // One name's last byte and the next one's first make no letter.
        assert_eq!(Form::parse("a=%c3&%a9=b"), Err(FormError::NotUtf8));
    }

    #[test]
    fn invalid_utf8_is_refused() {
        assert_eq!(Form::parse("a=%ff"), Err(FormError::NotUtf8));
    }

    #[test]
    fn s_140_more_than_a_hundred_parameters_are_refused() {
        assert_eq!(Form::parse(&"a=1&".repeat(101)), Err(FormError::TooMany));
        assert!(Form::parse(&"a=1&".repeat(100)).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(pairs in proptest::collection::vec((".+", ".+"), 0..20)) {
            let form: Form = pairs.into_iter().collect();
            prop_assert_eq!(Form::parse(&form.encode()).unwrap(), form);
        }
    }
}
