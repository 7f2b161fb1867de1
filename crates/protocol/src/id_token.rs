//! ID tokens: their claims, and the thirteen steps by which a client checks one.
//!
//! OIDC Core §2, §3.1.3.6, §3.1.3.7, §3.1.3.8, §12.2:
//! <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::jose::jwt::{self, Audience, Leeway, TimeError, Times};
use crate::jose::{Algorithm, JwkSet, JwsError, TypRule, Unverified, base64url, numeric_date, typ};
use crate::time::Timestamp;
use crate::userinfo::UserInfo;

/// The claims of an ID token, OIDC Core §2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer's identifier.
    pub iss: String,
    /// The user at that issuer, at most 255 ASCII characters.
    pub sub: String,
    /// The clients that the token is for.
    pub aud: Audience,
    /// Expiration time.
    #[serde(with = "numeric_date")]
    pub exp: Timestamp,
    /// Issued at.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// When the user signed in.
    #[serde(
        default,
        with = "numeric_date::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub auth_time: Option<Timestamp>,
    /// The nonce of the authorization request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How strong the sign-in was, as one name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How the user signed in (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The client that the token was issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// The hash of the access token that came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session id; ours is the authorization's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Every other claim. A claim that has a field above is not written from here.
    #[serde(flatten, serialize_with = "serialize_extra")]
    pub extra: Map<String, Value>,
}

/// What a client demands of an ID token.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenPolicy<'a> {
    /// The issuer that the client asked, exactly as its metadata spells it.
    pub issuer: &'a str,
    /// Our own client id.
    pub client_id: &'a str,
    /// Other audiences that may stand beside us; normally none.
    pub trusted_audiences: &'a [&'a str],
    /// The nonce that was sent.
    pub nonce: Expect<'a>,
    /// The algorithms that are allowed: what is registered, or what the metadata offers.
    pub algorithms: &'a [Algorithm],
    /// The `max_age` that was sent.
    pub max_age: Option<Duration>,
    /// The `acr` values of which one was demanded; empty when none was.
    pub acr: &'a [&'a str],
    /// The access token that came along.
    pub access_token: Option<&'a str>,
    /// The time of the check.
    pub now: Timestamp,
    /// How far the issuer's clock may differ.
    pub leeway: Leeway,
}

/// What the `nonce` claim must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect<'a> {
    /// The request sent this one: it must come back.
    Exactly(&'a str),
    /// The request had no place for one (device grant): a token with a nonce is of another flow.
    Absent,
    /// The token is from a refresh: [`VerifiedIdToken::continues`] compares it with the first.
    FromRefresh,
}

/// An ID token that passed every check of its policy.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedIdToken {
    claims: IdTokenClaims,
    algorithm: Algorithm,
}

/// Why an ID token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no acceptable signed token of this issuer.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// `iss` is another issuer.
    #[error("the ID token is from another issuer")]
    Issuer,
    /// `sub` is empty, longer than 255 characters, or not ASCII.
    #[error("the ID token's `sub` is malformed")]
    Subject,
    /// `aud` does not name the client.
    #[error("the ID token is for another client")]
    Audience,
    /// `aud` names somebody whom the client does not trust.
    #[error("the ID token is for an untrusted audience too")]
    UntrustedAudience,
    /// `azp` is another client, or is absent although there are several audiences.
    #[error("the ID token was issued to another client")]
    AuthorizedParty,
    /// `exp` or `iat` forbid it.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A nonce was sent and none came back.
    #[error("the ID token has no `nonce`")]
    NonceMissing,
    /// Another nonce came back than was sent.
    #[error("the ID token's `nonce` is not the one that was sent")]
    NonceMismatch,
    /// None was sent and one came back.
    #[error("the ID token has a `nonce` although none was sent")]
    NonceUnexpected,
    /// `acr` is none of the demanded values.
    #[error("the ID token's `acr` is none that was asked for")]
    Acr,
    /// `max_age` was sent and `auth_time` is absent.
    #[error("the ID token has no `auth_time`")]
    AuthTimeMissing,
    /// The user signed in longer ago than `max_age`.
    #[error("the user's sign-in is older than was asked for")]
    AuthTimeTooOld,
    /// `auth_time` is ahead.
    #[error("the user's sign-in is in the future: the clocks differ")]
    AuthTimeInFuture,
    /// `at_hash` is of another access token.
    #[error("the ID token belongs to another access token")]
    AccessTokenHash,
    /// A refresh brought a token of another issuer, user, audience, client or nonce.
    #[error("the refreshed ID token changed its `{0}`")]
    Changed(&'static str),
    /// The `UserInfo` response is about another user.
    #[error("the UserInfo response is about another user than the ID token")]
    UserInfoSubject,
}

/// What `id_token_signed_response_alg` may be when nothing is configured: what hallpass offers.
pub const DEFAULT_ALGORITHMS: [Algorithm; 4] = [
    Algorithm::Rs256,
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Ps256,
];

impl<'a> IdTokenPolicy<'a> {
    /// The checks that are always made; set the other fields for what the request asked.
    pub fn new(issuer: &'a str, client_id: &'a str, nonce: Expect<'a>, now: Timestamp) -> Self {
        Self {
            issuer,
            client_id,
            trusted_audiences: &[],
            nonce,
            algorithms: &DEFAULT_ALGORITHMS,
            max_age: None,
            acr: &[],
            access_token: None,
            now,
            leeway: Leeway::default(),
        }
    }
}

/// Checks an ID token that came from the token endpoint.
///
/// The numbers are those of OIDC Core §3.1.3.7. The signature comes first: nothing is read from
/// claims that anybody could have written.
pub fn verify(
    compact: &str,
    keys: &JwkSet,
    policy: &IdTokenPolicy<'_>,
) -> Result<VerifiedIdToken, IdTokenError> {
    // 1. An encrypted token has five parts and is refused: we never register for encryption.
    let unverified = Unverified::parse(compact)?;

    // 6. Stricter than §3.1.3.7: the signature is checked although TLS "MAY be used" instead.
    // 7. `alg` is one that is registered or offered, and the key's. 8. HMAC is never allowed.
    // RFC 8725 §3.11: a token of a kind with its own `typ` is no ID token.
    let jws = unverified.verify(keys, policy.algorithms, TypRule::AbsentOr(&[typ::JWT]))?;
    let claims: IdTokenClaims = jws.claims()?;

    // 2. "MUST exactly match the value of the iss (issuer) Claim".
    if claims.iss != policy.issuer {
        return Err(IdTokenError::Issuer);
    }
    // §2: `sub` "MUST NOT exceed 255 ASCII [RFC20] characters in length".
    if claims.sub.is_empty() || claims.sub.len() > 255 || !claims.sub.is_ascii() {
        return Err(IdTokenError::Subject);
    }
    check_audience(&claims, policy)?;

    // 9. and 10. `exp` is ahead, `iat` is not.
    Times {
        exp: Some(claims.exp),
        nbf: None,
        iat: Some(claims.iat),
    }
    .check(policy.now, policy.leeway)?;

    check_nonce(claims.nonce.as_deref(), policy.nonce)?;

    // 12. "If the acr Claim was requested, the Client SHOULD check".
    let acr = claims.acr.as_deref();
    if !policy.acr.is_empty() && !acr.is_some_and(|acr| policy.acr.contains(&acr)) {
        return Err(IdTokenError::Acr);
    }
    check_auth_time(claims.auth_time, policy)?;

    // §3.1.3.8: `at_hash`, when both it and an access token are there.
    if let (Some(found), Some(token)) = (&claims.at_hash, policy.access_token) {
        let wanted = at_hash(jws.algorithm(), token);
        if !bool::from(found.as_bytes().ct_eq(wanted.as_bytes())) {
            return Err(IdTokenError::AccessTokenHash);
        }
    }
    Ok(VerifiedIdToken {
        claims,
        algorithm: jws.algorithm(),
    })
}

/// Computes `at_hash`: the left half of the access token's hash (OIDC Core §3.1.3.6).
pub fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let hash = digest::digest(algorithm.digest(), access_token.as_bytes());
    let half = hash.as_ref().len() / 2;
    base64url::encode(hash.as_ref().get(..half).unwrap_or_default())
}

impl VerifiedIdToken {
    /// The claims.
    pub fn claims(&self) -> &IdTokenClaims {
        &self.claims
    }

    /// The claims, to keep.
    pub fn into_claims(self) -> IdTokenClaims {
        self.claims
    }

    /// The algorithm of the key that signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Checks that a token from a refresh is about the same sign-in as the first one.
    ///
    /// OIDC Core §12.2. `auth_time` is not compared: a user may have signed in again in the same
    /// session, and issuers then move it.
    pub fn continues(&self, first: &IdTokenClaims) -> Result<(), IdTokenError> {
        let new = &self.claims;
        // "its iss Claim Value MUST be the same", and likewise for `sub` and `aud`.
        if new.iss != first.iss {
            return Err(IdTokenError::Changed("iss"));
        }
        if new.sub != first.sub {
            return Err(IdTokenError::Changed("sub"));
        }
        if !new.aud.is_same_as(&first.aud) {
            return Err(IdTokenError::Changed("aud"));
        }
        // "its azp Claim Value MUST be the same […]; if no azp Claim was present in the original ID
        // Token, one MUST NOT be present in the new ID Token". Issuers that name it only at the first
        // sign-in are seen in the field: without it `aud`, which is the same, still names one client.
        if new.azp.is_some() && new.azp != first.azp {
            return Err(IdTokenError::Changed("azp"));
        }
        // "it SHOULD NOT have a nonce Claim […]; however, if it is present, its value MUST be the
        // same".
        if new.nonce.is_some() && new.nonce != first.nonce {
            return Err(IdTokenError::Changed("nonce"));
        }
        Ok(())
    }

    /// Checks that a `UserInfo` response is about the user of this token.
    ///
    /// OIDC Core §5.3.2: "if they do not match", its values "MUST NOT be used".
    pub fn check_userinfo(&self, userinfo: &UserInfo) -> Result<(), IdTokenError> {
        if userinfo.sub.as_str() == self.claims.sub {
            Ok(())
        } else {
            Err(IdTokenError::UserInfoSubject)
        }
    }
}

/// Steps 3 to 5.
fn check_audience(claims: &IdTokenClaims, policy: &IdTokenPolicy<'_>) -> Result<(), IdTokenError> {
    // 3. "MUST be rejected if the ID Token does not list the Client as a valid audience, or if it
    // contains additional audiences not trusted by the Client".
    if !claims.aud.contains(policy.client_id) {
        return Err(IdTokenError::Audience);
    }
    if claims
        .aud
        .iter()
        .any(|name| name != policy.client_id && !policy.trusted_audiences.contains(&name))
    {
        return Err(IdTokenError::UntrustedAudience);
    }
    // 4. and 5. `azp`, when it is there, is the client. Stricter: with several audiences it must
    // be there, or nobody says to whom the token was given.
    match &claims.azp {
        Some(azp) if azp != policy.client_id => Err(IdTokenError::AuthorizedParty),
        None if claims.aud.len() > 1 => Err(IdTokenError::AuthorizedParty),
        Some(_) | None => Ok(()),
    }
}

/// Step 11: "a nonce Claim MUST be present and its value checked".
fn check_nonce(found: Option<&str>, expected: Expect<'_>) -> Result<(), IdTokenError> {
    match (expected, found) {
        (Expect::Exactly(_), None) => Err(IdTokenError::NonceMissing),
        (Expect::Exactly(sent), Some(found))
            if !bool::from(sent.as_bytes().ct_eq(found.as_bytes())) =>
        {
            Err(IdTokenError::NonceMismatch)
        }
        // Stricter than §3.1.3.7: it cannot be an answer to our request.
        (Expect::Absent, Some(_)) => Err(IdTokenError::NonceUnexpected),
        (Expect::Exactly(_) | Expect::FromRefresh, Some(_))
        | (Expect::Absent | Expect::FromRefresh, None) => Ok(()),
    }
}

/// Step 13: `auth_time` against `max_age`.
fn check_auth_time(
    auth_time: Option<Timestamp>,
    policy: &IdTokenPolicy<'_>,
) -> Result<(), IdTokenError> {
    let leeway = policy.leeway.duration();
    if auth_time.is_some_and(|at| at > policy.now + leeway) {
        return Err(IdTokenError::AuthTimeInFuture);
    }
    let Some(max_age) = policy.max_age else {
        return Ok(());
    };
    // §2: "When a max_age request is made […] its inclusion is REQUIRED".
    let auth_time = auth_time.ok_or(IdTokenError::AuthTimeMissing)?;
    if policy.now > auth_time + max_age + leeway {
        return Err(IdTokenError::AuthTimeTooOld);
    }
    Ok(())
}

fn serialize_extra<S: Serializer>(
    extra: &Map<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    jwt::serialize_extra(extra, &OWN_CLAIMS, serializer)
}

const OWN_CLAIMS: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "sid",
];

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
