//! A value that must not be printed, logged, serialized or left in memory.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A secret: prints `[redacted]`, is wiped on drop and compares in constant time.
///
/// It does not implement `Serialize`; a message that must carry it calls [`Secret::expose`], a
/// word that is easy to search for.
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes a value into custody.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value to code that has to send, hash or store it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl Secret<String> {
    /// Compares with bytes from outside without telling by time where they differ.
    pub fn matches(&self, candidate: &str) -> bool {
        self.0.as_bytes().ct_eq(candidate.as_bytes()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

/// Shortens a secret for people who follow a trace: enough to recognise it, too little to use it.
pub fn shorten(secret: &str) -> String {
    let shown: String = secret.chars().take(8).collect();
    if secret.chars().count() > 24 {
        format!("{shown}…")
    } else {
        "…".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::from("canary");
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(format!("{:?}", Some(secret)), "Some([redacted])");
    }

    #[test]
    fn equality_is_by_value() {
        assert_eq!(Secret::from("a"), Secret::from("a"));
        assert!(!Secret::from("a").matches("b"));
        assert!(!Secret::from("a").matches("aa"));
        assert!(Secret::from("a").matches("a"));
    }

    #[test]
    fn a_short_secret_is_not_shown_at_all() {
        assert_eq!(shorten("hunter2"), "…");
        assert_eq!(
            shorten("hpr_0123456789012345678901234567890123456789"),
            "hpr_0123…"
        );
    }
}
