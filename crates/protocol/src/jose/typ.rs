//! The kinds of JWT, so that one kind never passes for another.
//!
//! RFC 8725 §3.11 (explicit typing): <https://www.rfc-editor.org/rfc/rfc8725#section-3.11>,
//! RFC 7515 §4.1.9 (`typ`): <https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9>

/// An access token, RFC 9068 §2.1.
pub const ACCESS_TOKEN: &str = "at+jwt";
/// A DPoP proof, RFC 9449 §4.2.
pub const DPOP: &str = "dpop+jwt";
/// A logout token, OIDC Back-Channel Logout §2.4.
pub const LOGOUT: &str = "logout+jwt";
/// A request object, RFC 9101 §10.8.
pub const REQUEST_OBJECT: &str = "oauth-authz-req+jwt";
/// An introspection response, RFC 9701 §5.
pub const INTROSPECTION: &str = "token-introspection+jwt";
/// A client assertion that says so (draft-ietf-oauth-rfc7523bis §4); most say [`JWT`].
pub const CLIENT_AUTHENTICATION: &str = "client-authentication+jwt";
/// Any other JWT: ID tokens and client assertions, which are told apart by their claims.
pub const JWT: &str = "JWT";

/// Which `typ` a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypRule<'a> {
    /// The header names exactly this type.
    Exactly(&'a str),
    /// The header names one of these types, or none: for kinds older than RFC 8725.
    AbsentOr(&'a [&'a str]),
}

impl TypRule<'_> {
    /// Whether a header with this `typ` may be read.
    pub fn accepts(self, typ: Option<&str>) -> bool {
        match (self, typ) {
            (Self::Exactly(wanted), Some(typ)) => is_same(wanted, typ),
            (Self::Exactly(_), None) => false,
            (Self::AbsentOr(wanted), Some(typ)) => wanted.iter().any(|wanted| is_same(wanted, typ)),
            (Self::AbsentOr(_), None) => true,
        }
    }
}

/// Compares media types: RFC 7515 §4.1.9 lets `application/` be left out, and they have no case.
fn is_same(wanted: &str, typ: &str) -> bool {
    let short = match typ.split_once('/') {
        Some((tree, rest)) if tree.eq_ignore_ascii_case("application") => rest,
        Some(_) | None => typ,
    };
    short.eq_ignore_ascii_case(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_116_a_type_is_a_media_type() {
        let rule = TypRule::Exactly(ACCESS_TOKEN);
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/At+Jwt",
        ] {
            assert!(rule.accepts(Some(typ)), "{typ}");
        }
        for typ in [
            "",
            "JWT",
            "jwt",
            "text/at+jwt",
            "application/application/at+jwt",
            "at+jwt ",
        ] {
            assert!(!rule.accepts(Some(typ)), "{typ}");
        }
        assert!(!rule.accepts(None));
    }

    #[test]
    fn s_116_each_kind_is_refused_in_every_other_place() {
        let kinds = [
            ACCESS_TOKEN,
            DPOP,
            LOGOUT,
            REQUEST_OBJECT,
            INTROSPECTION,
            JWT,
        ];
        for reader in kinds {
            for kind in kinds {
                assert_eq!(TypRule::Exactly(reader).accepts(Some(kind)), reader == kind);
                assert_eq!(
                    TypRule::AbsentOr(&[reader]).accepts(Some(kind)),
                    reader == kind
                );
            }
        }
        assert!(TypRule::AbsentOr(&[JWT]).accepts(None));
    }
}
