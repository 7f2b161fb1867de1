//! The newest `DPoP-Nonce` of each server.
//!
//! RFC 9449 §8: <https://www.rfc-editor.org/rfc/rfc9449#section-8>, §9; row C-36.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{HeaderMap, HeaderName};
use url::Url;

/// Longer ones are not kept.
const LONGEST_NONCE: usize = 4096;

/// In which role a server gave a nonce: one host may have both, and their nonces differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The token endpoint (§8).
    AuthorizationServer,
    /// An API (§9).
    Resource,
}

/// What servers want to see in the next proof.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<HashMap<(Role, String), String>>);

impl Nonces {
    /// The nonce for the next proof to the origin of this address.
    pub(crate) fn newest(&self, role: Role, url: &Url) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&place(role, url)).cloned()
    }

    /// Keeps what an answer brought; any answer may bring one (§8.2).
    pub(crate) fn learn(&self, role: Role, url: &Url, nonce: Option<String>) {
        if let Some(nonce) = nonce {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(place(role, url), nonce);
        }
    }
}

fn place(role: Role, url: &Url) -> (Role, String) {
    (role, url.origin().ascii_serialization())
}

/// The nonce of an answer: one, of the characters that a nonce may have (§8.1).
pub(crate) fn nonce_of(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(NONCE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let nonce = value.to_str().ok()?;
    // NQCHAR of RFC 6749 appendix A.
    let is_nqchar = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    let is_nonce =
        !nonce.is_empty() && nonce.len() <= LONGEST_NONCE && nonce.chars().all(is_nqchar);
    is_nonce.then(|| nonce.to_owned())
}

const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn c_36_nonces_are_kept_by_origin_and_role() {
        let url = |text: &str| Url::parse(text).unwrap();
        let nonces = Nonces::default();
        let role = Role::AuthorizationServer;
        nonces.learn(role, &url("https://as.test/token"), Some("a".to_owned()));
        nonces.learn(role, &url("https://as.test/token"), None);
        let newest = |role, at: &str| nonces.newest(role, &url(at));
        assert_eq!(
            newest(role, "https://as.test:443/par").as_deref(),
            Some("a")
        );
        assert_eq!(newest(Role::Resource, "https://as.test/token"), None);
        assert_eq!(newest(role, "https://as.test:8443/token"), None);
        assert_eq!(newest(role, "http://as.test/token"), None);
    }

    #[test]
    fn c_36_only_a_well_formed_nonce_is_kept() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(NONCE, HeaderValue::from_str(value).unwrap());
            }
            nonce_of(&headers)
        };
        assert_eq!(read(&["eyJ7.S_zG~"]).as_deref(), Some("eyJ7.S_zG~"));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["a", "b"]), None);
        assert_eq!(read(&["a b"]), None);
        assert_eq!(read(&["a\"b"]), None);
        assert_eq!(read(&[""]), None);
        assert_eq!(read(&["x".repeat(4097).as_str()]), None);
    }
}
