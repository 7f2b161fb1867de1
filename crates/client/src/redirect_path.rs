//! The path of the redirect URI, which tells answers apart that do not name their issuer.
//!
//! RFC 9700 §4.4.2.2: <https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2.2>, RFC 8252 §8.10; row C-34.

use crate::fingerprint::sha256_hex;

/// The path where nobody says another one.
pub(crate) const USUAL: &str = "/callback";

/// Below it each issuer has a path of its own.
const OF_ISSUERS: &str = "/cb/";

/// In hexadecimal digits: 128 bits, so that no issuer can be found that has the path of another.
const LENGTH: usize = 32;

/// The path of this issuer alone.
pub(crate) fn of_issuer(issuer: &str) -> String {
    let mut hash = sha256_hex(issuer.as_bytes());
    hash.truncate(LENGTH);
    format!("{OF_ISSUERS}{hash}")
}

/// Whether one of two different paths belongs to one issuer alone: then an answer for the one at the
/// other is of another server.
pub(crate) fn tells_issuers_apart(one: &str, other: &str) -> bool {
    one != other && [one, other].iter().any(|path| path.starts_with(OF_ISSUERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_34_two_issuers_have_two_paths_and_one_issuer_always_the_same() {
        let issuers = [
            "https://as.test",
            "https://as.test/",
            "https://as.test/t",
            "https://AS.test",
            "https://other.test",
        ];
        for (at, issuer) in issuers.iter().enumerate() {
            let path = of_issuer(issuer);
            assert_eq!(path.len(), OF_ISSUERS.len() + LENGTH);
            assert_eq!(path, of_issuer(issuer));
            for other in issuers.iter().skip(at + 1) {
                assert_ne!(path, of_issuer(other), "{issuer} {other}");
            }
        }
        // Whoever has registered it must find it again with the next version.
        assert_eq!(
            of_issuer("https://as.test"),
            "/cb/cd290c3c02b821a977b746348cd06dd8"
        );
    }

    #[test]
    fn c_34_only_paths_of_issuers_tell_them_apart() {
        for (one, other, apart) in [
            ("/callback", "/callback", false),
            ("/callback", "/favicon.ico", false),
            ("/cb/a", "/cb/a", false),
            ("/cb/a", "/cb/b", true),
            ("/callback", "/cb/a", true),
            ("/cb/a", "/callback", true),
        ] {
            assert_eq!(tells_issuers_apart(one, other), apart, "{one} {other}");
        }
    }
}
