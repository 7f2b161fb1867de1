//! Codes, device codes and sign-ins that only the owner of one DPoP key may use.
//!
//! RFC 9449 §5, §10: <https://www.rfc-editor.org/rfc/rfc9449#section-10>

use subtle::ConstantTimeEq as _;

use crate::refusal::{GrantReason, ProofReason, Refusal};

/// Refuses whoever does not show the key; both are thumbprints (RFC 7638).
pub fn check(bound: Option<&str>, shown: Option<&str>) -> Result<(), Refusal> {
    match (bound, shown) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Refusal::InvalidDpopProof(ProofReason::Absent)),
        (Some(bound), Some(shown)) if is_same(bound, shown) => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::InvalidGrant(GrantReason::OtherKey)),
    }
}

/// Whether two thumbprints are those of one key.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Reads a `dpop_jkt` parameter: a SHA-256 in base64url.
pub fn read_thumbprint(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let fits = |text: &str| {
        hallpass_protocol::jose::base64url::decode(text).is_some_and(|hash| hash.len() == 32)
    };
    match text {
        None => Ok(None),
        Some(text) if fits(text) => Ok(Some(text.to_owned())),
        Some(_) => Err(Refusal::invalid_request(
            "`dpop_jkt` is not the SHA-256 thumbprint of a key",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_106_s_108_what_is_bound_needs_its_key() {
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(None, Some("a")), Ok(()));
        assert_eq!(check(Some("a"), Some("a")), Ok(()));
        assert_eq!(
            check(Some("a"), Some("b")),
            Err(Refusal::InvalidGrant(GrantReason::OtherKey))
        );
        assert_eq!(
            check(Some("a"), None),
            Err(Refusal::InvalidDpopProof(ProofReason::Absent))
        );
    }

    #[test]
    fn s_108_a_thumbprint_is_a_sha_256() {
        // RFC 9449 §10.
        let good = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(read_thumbprint(Some(good)).unwrap().as_deref(), Some(good));
        for bad in [
            "x",
            "",
            good.trim_start_matches('N'),
            &format!("{good}A"),
            &good.replace('-', "+"),
        ] {
            assert!(read_thumbprint(Some(bad)).is_err(), "{bad}");
        }
    }
}
