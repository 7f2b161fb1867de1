//! Client assertions: a client proves itself with a signed JWT (`private_key_jwt`), made and
//! checked here.
//!
//! RFC 7523 §2.2, §3: <https://www.rfc-editor.org/rfc/rfc7523#section-3>, OIDC Core §9.
//!
//! The check is pure. That a `jti` is used once stays with the caller, who has the state for it.

use std::time::Duration;

use serde::Serialize;

use crate::jose::jwt::{Audience, Leeway, RegisteredClaims, TimeError};
use crate::jose::{
    Algorithm, JwkSet, JwsError, SignError, SigningKey, TypRule, Unverified, base64url,
    numeric_date, sign_jwt, typ,
};
use crate::random::{self, Random};
use crate::time::Timestamp;
use crate::{ClientId, Secret};

/// The one value of `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion may live this long from the moment it is shown (row S-187).
pub const LONGEST_LIFE: Duration = Duration::from_mins(5);
/// Longer ids are refused, so that nobody fills the memory of used ones.
pub const LONGEST_JTI: usize = 256;
/// The algorithms that a client may sign with; never a keyed hash (RFC 8725 §3.1).
pub const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::Es256,
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::EdDsa,
];
/// The kinds of JWT that may be an assertion. A DPoP proof or an access token says another.
const TYPES: TypRule<'_> = TypRule::AbsentOr(&[typ::JWT, typ::CLIENT_AUTHENTICATION]);

/// What a server demands of an assertion.
#[derive(Clone, Copy, Debug)]
pub struct AssertionPolicy<'a> {
    /// The client that the assertion has to speak of.
    pub client_id: &'a ClientId,
    /// The names that `aud` may hold: the issuer, and the endpoints that take the assertion.
    pub audiences: &'a [&'a str],
    /// The time of the check.
    pub now: Timestamp,
}

/// An assertion that passed every check of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedAssertion {
    /// Its id, to be accepted once; at most [`LONGEST_JTI`] bytes.
    pub jti: String,
    /// When nobody accepts it any more.
    pub expires_at: Timestamp,
}

/// Why an assertion was refused: `invalid_client` to the caller (RFC 7523 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// It is no acceptable JWT of one of the client's keys.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// `iss` or `sub` is not the client.
    #[error("the client assertion's `{0}` is not the client")]
    NotTheClient(&'static str),
    /// `aud` is absent or names another server.
    #[error("the client assertion is for another audience")]
    Audience,
    /// `exp`, `nbf` or `iat` forbid it.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// `exp` is further ahead than [`LONGEST_LIFE`].
    #[error("the client assertion lives longer than five minutes")]
    TooLong,
    /// `jti` is absent, empty or longer than [`LONGEST_JTI`].
    #[error("the client assertion's `jti` must have 1 to 256 bytes")]
    Jti,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    iss: &'a ClientId,
    sub: &'a ClientId,
    aud: &'a str,
    jti: String,
    #[serde(with = "numeric_date")]
    iat: Timestamp,
    #[serde(with = "numeric_date")]
    exp: Timestamp,
}

/// Makes an assertion for one request: for the issuer, with a new `jti`, a minute long (row C-57).
pub fn assert(
    key: &SigningKey,
    client_id: &ClientId,
    issuer: &str,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Secret<String>, SignError> {
    let claims = NewClaims {
        iss: client_id,
        sub: client_id,
        aud: issuer,
        jti: base64url::encode(random::bytes::<16>(random)),
        iat: now,
        exp: now + Duration::from_mins(1),
    };
    sign_jwt(key, typ::JWT, &claims).map(Secret::new)
}

/// The client that an assertion names, **before** anything is checked: it only tells whose keys to
/// check it with.
pub fn named_client(assertion: &str) -> Option<ClientId> {
    let claims: RegisteredClaims = Unverified::parse(assertion).ok()?.peek().ok()?;
    claims.sub.map(ClientId::new)
}

/// Checks an assertion with the registered keys of its client; the numbers are those of RFC 7523 §3.
pub fn check(
    assertion: &str,
    keys: &JwkSet,
    policy: &AssertionPolicy<'_>,
) -> Result<CheckedAssertion, AssertionError> {
    // 9. "digitally signed or have a MAC applied by the issuer": by a key of the client's.
    let verified = Unverified::parse(assertion)?.verify(keys, &ALGORITHMS, TYPES)?;
    check_claims(verified.claims()?, policy)
}

/// Checks everything but the signature: for a client whose keys nobody registered (dev mode).
pub fn check_unsigned(
    assertion: &str,
    policy: &AssertionPolicy<'_>,
) -> Result<CheckedAssertion, AssertionError> {
    let unverified = Unverified::parse(assertion)?;
    if !TYPES.accepts(unverified.typ()) {
        return Err(JwsError::WrongType.into());
    }
    check_claims(unverified.peek()?, policy)
}

fn check_claims(
    claims: RegisteredClaims,
    policy: &AssertionPolicy<'_>,
) -> Result<CheckedAssertion, AssertionError> {
    let client = Some(policy.client_id.as_str());
    // 1. and 2. b: "iss" and "sub" "MUST be the client_id".
    if claims.iss.as_deref() != client {
        return Err(AssertionError::NotTheClient("iss"));
    }
    if claims.sub.as_deref() != client {
        return Err(AssertionError::NotTheClient("sub"));
    }
    // 3. "an "aud" claim containing a value that identifies the authorization server".
    let is_meant = |audience: &Audience| policy.audiences.iter().any(|us| audience.contains(us));
    if !claims.aud.as_ref().is_some_and(is_meant) {
        return Err(AssertionError::Audience);
    }
    // 4. to 6. The three points in time; a life beyond five minutes is a stolen key's best friend.
    let leeway = Leeway::default();
    claims.check_times(policy.now, leeway)?;
    let expires_at = claims.exp.ok_or(TimeError::ExpMissing)?;
    if expires_at > policy.now + LONGEST_LIFE {
        return Err(AssertionError::TooLong);
    }
    // 7. `jti` is optional there and required by OIDC Core §9.
    let fits = |jti: &String| !jti.is_empty() && jti.len() <= LONGEST_JTI;
    let jti = claims.jti.filter(fits).ok_or(AssertionError::Jti)?;
    Ok(CheckedAssertion {
        jti,
        expires_at: expires_at + leeway.duration(),
    })
}

#[cfg(test)]
#[path = "client_assertion_tests.rs"]
mod tests;
