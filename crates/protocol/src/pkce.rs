//! Proof key for code exchange.
//!
//! RFC 7636: <https://www.rfc-editor.org/rfc/rfc7636>. Only `S256`: `plain` proves nothing to
//! somebody who saw the request (RFC 9700 §2.1.1).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::Secret;
use crate::random::{self, Random};

/// The only challenge method that is accepted or sent (RFC 7636 §4.2).
pub const METHOD: &str = "S256";

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Clone, Debug)]
pub struct CodeVerifier(Secret<String>);

/// An `S256` code challenge: 43 base64url characters (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

/// A verifier or challenge of the wrong length or alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// RFC 7636 §4.1: 43 to 128 unreserved characters.
    #[error("the code verifier must be 43 to 128 unreserved characters")]
    Verifier,
    /// RFC 7636 §4.2: exactly 43 base64url characters for `S256`.
    #[error("the code challenge must be 43 base64url characters")]
    Challenge,
}

impl CodeVerifier {
    /// Makes a new verifier of 32 random octets, as RFC 7636 §4.1 recommends.
    pub fn generate(random: &dyn Random) -> Self {
        Self(Secret::new(
            URL_SAFE_NO_PAD.encode(random::bytes::<32>(random)),
        ))
    }

    /// Reads what a client sent.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let unreserved =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(Secret::from(text)))
        } else {
            Err(PkceError::Verifier)
        }
    }

    /// The challenge that belongs to this verifier.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(URL_SAFE_NO_PAD.encode(digest(&SHA256, self.0.expose().as_bytes())))
    }

    /// The verifier as it goes into the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl CodeChallenge {
    /// Reads what stood in an authorization request.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if text.len() == 43 && text.bytes().all(base64url) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PkceError::Challenge)
        }
    }

    /// The challenge as it travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the verifier belongs to this challenge (RFC 7636 §4.6), in constant time.
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        self.0
            .as_bytes()
            .ct_eq(verifier.challenge().0.as_bytes())
            .into()
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    /// RFC 7636 appendix B.
    #[test]
    fn the_vector_of_appendix_b() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(
            verifier.challenge().as_str(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn s_32_lengths_and_alphabet_are_exact() {
        for text in [
            "a".repeat(42),
            "a".repeat(129),
            "é".repeat(43),
            format!("{}\n", "a".repeat(43)),
        ] {
            assert_eq!(
                CodeVerifier::parse(&text).err(),
                Some(PkceError::Verifier),
                "{text:?}"
            );
        }
        for text in [
            "a".repeat(42),
            "a".repeat(44),
            format!("{}=", "a".repeat(43)),
            "~".repeat(43),
        ] {
            assert_eq!(
                CodeChallenge::parse(&text),
                Err(PkceError::Challenge),
                "{text:?}"
            );
        }
    }

    #[test]
    fn c_16_every_verifier_is_new_and_43_characters_long() {
        let (a, b) = (
            CodeVerifier::generate(&SystemRandom),
            CodeVerifier::generate(&SystemRandom),
        );
        assert_eq!(a.expose().len(), 43);
        assert_ne!(a.expose(), b.expose());
        assert!(a.challenge().is_met_by(&a));
        assert!(!a.challenge().is_met_by(&b));
    }
}
