//! The JWT bearer grant: an assertion instead of a person.
//!
//! RFC 7523 §2.1 and §3: <https://www.rfc-editor.org/rfc/rfc7523#section-3>

use hallpass_protocol::Timestamp;
use hallpass_protocol::jose::jwt::{Leeway, RegisteredClaims};

use crate::refusal::{GrantReason, Refusal};

/// Checks the claims of an assertion whose signature is good: who it speaks of, for whom it is,
/// and until when (RFC 7523 §3).
pub fn subject(
    claims: &RegisteredClaims,
    audiences: &[&str],
    now: Timestamp,
) -> Result<String, Refusal> {
    let bad = || Refusal::InvalidGrant(GrantReason::BadAssertion);
    // §3 no. 3: the audience names this server.
    let audience = claims.aud.as_ref().ok_or_else(bad)?;
    if !audiences.iter().any(|known| audience.contains(known)) {
        return Err(bad());
    }
    // §3 no. 4 and 5: `exp` is required, `nbf` holds.
    claims
        .check_times(now, Leeway::default())
        .map_err(|_| bad())?;
    claims
        .sub
        .clone()
        .filter(|sub| !sub.is_empty())
        .ok_or_else(bad)
}
