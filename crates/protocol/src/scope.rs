//! Scope values.
//!
//! RFC 6749 §3.3: <https://www.rfc-editor.org/rfc/rfc6749#section-3.3>

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of scope tokens, kept in the order in which they were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// A scope string that RFC 6749 §3.3 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope may hold only printable ASCII without space, quote and backslash")]
pub struct BadScope;

impl Scopes {
    /// Reads a space-delimited list; repeated tokens count once.
    pub fn parse(text: &str) -> Result<Self, BadScope> {
        let mut tokens: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !token.bytes().all(is_scope_byte) {
                return Err(BadScope);
            }
            if !tokens.iter().any(|known| known == token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }

    /// Whether no scope is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one token is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    /// Whether every token of `self` is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|token| other.contains(token))
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The tokens of `self` that `keep` accepts.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }
}

/// `%x21 / %x23-5B / %x5D-7E`, the `NQCHAR` of RFC 6749 appendix A.
fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    /// Collects tokens that are known to be well formed; a malformed one is dropped.
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let mut scopes = Self::default();
        for token in tokens {
            if !token.is_empty() && token.bytes().all(is_scope_byte) && !scopes.contains(token) {
                scopes.0.push(token.to_owned());
            }
        }
        scopes
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_repeats_count_once() {
        let scopes = Scopes::parse("openid  api:read openid").unwrap();
        assert_eq!(scopes.to_string(), "openid api:read");
    }

    #[test]
    fn quotes_backslashes_and_foreign_bytes_are_refused() {
        for text in ["a\"b", "a\\b", "é", "a\tb", "a\r\nb"] {
            assert_eq!(Scopes::parse(text), Err(BadScope), "{text:?}");
        }
    }

    #[test]
    fn subset_ignores_order() {
        let all = Scopes::parse("a b c").unwrap();
        assert!(Scopes::parse("c a").unwrap().is_subset(&all));
        assert!(!Scopes::parse("d").unwrap().is_subset(&all));
    }
}
