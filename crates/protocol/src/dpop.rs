//! DPoP proofs: how a client makes one, and how a server checks one.
//!
//! RFC 9449 §4.2, §4.3, §7.1, §11.1: <https://www.rfc-editor.org/rfc/rfc9449#section-4.3>
//!
//! The check is pure. Two things stay with the caller, who has the state for them: that a `jti` is
//! used once ([`CheckedProof::replay_key`]), and that a `nonce` is one of ours.

use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::jose::jwt::Leeway;
use crate::jose::{
    Algorithm, EncodedHeader, Jwk, JwkError, JwsError, SignError, SigningKey, TypRule, Unverified,
    base64url, numeric_date, sign_with, typ,
};
use crate::random::{self, Random};
use crate::time::Timestamp;

/// The request that a new proof is for.
#[derive(Clone, Copy, Debug)]
pub struct ProofRequest<'a> {
    /// The method, as it stands in the request line.
    pub htm: &'a str,
    /// The target URI; query and fragment are left out of the proof.
    pub htu: &'a Url,
    /// The access token that the request carries, at a resource.
    pub access_token: Option<&'a str>,
    /// The newest `DPoP-Nonce` of this server.
    pub nonce: Option<&'a str>,
    /// The time of the request.
    pub now: Timestamp,
}

/// What a server demands of a proof.
#[derive(Clone, Copy, Debug)]
pub struct ProofPolicy<'a> {
    /// The method of the request.
    pub htm: &'a str,
    /// The public URI of the request, as the client sees it (behind a proxy too).
    pub htu: &'a Url,
    /// The hash of the access token that the request carries ([`access_token_hash`]).
    pub ath: Option<&'a str>,
    /// The algorithms that are allowed.
    pub algorithms: &'a [Algorithm],
    /// How old a proof may be.
    pub window: Duration,
    /// How far ahead a proof's clock may be.
    pub leeway: Leeway,
    /// The time of the check.
    pub now: Timestamp,
}

/// A proof that passed every check of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedProof {
    /// The proof's id; at most [`LONGEST_JTI`] bytes.
    pub jti: String,
    /// When the client made it.
    pub iat: Timestamp,
    /// The nonce that it carries, for the caller to check.
    pub nonce: Option<String>,
    /// The thumbprint of the key: what `cnf.jkt` and `dpop_jkt` are compared with.
    pub thumbprint: String,
    /// The normalised URI.
    htu: String,
}

/// Why a proof was refused: `invalid_dpop_proof` to the caller (RFC 9449 §5, §7.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// It is no acceptable signed proof.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The header carries no key.
    #[error("the DPoP proof's header has no `jwk`")]
    KeyMissing,
    /// The header's key cannot be used, or carries its private part.
    #[error(transparent)]
    Key(#[from] JwkError),
    /// A required claim is absent.
    #[error("the DPoP proof has no `{0}`")]
    Missing(&'static str),
    /// `jti` is empty or longer than [`LONGEST_JTI`].
    #[error("the DPoP proof's `jti` must have 1 to 256 bytes")]
    JtiLength,
    /// `htm` is another method.
    #[error("the DPoP proof is for another method")]
    Method,
    /// `htu` is another URI, or none.
    #[error("the DPoP proof is for another URI")]
    Uri,
    /// `iat` is further back than the window.
    #[error("the DPoP proof is too old")]
    TooOld,
    /// `iat` is further ahead than the leeway.
    #[error("the DPoP proof is from the future: the clocks differ")]
    FromTheFuture,
    /// The request carries an access token and the proof no `ath`.
    #[error("the DPoP proof has no `ath` for the access token")]
    HashMissing,
    /// `ath` is of another access token.
    #[error("the DPoP proof is for another access token")]
    HashMismatch,
}

/// The algorithms that hallpass offers for proofs (row S-110).
pub const DEFAULT_ALGORITHMS: [Algorithm; 3] =
    [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256];
/// How old a proof may be unless configured otherwise (row S-96).
pub const DEFAULT_WINDOW: Duration = Duration::from_mins(1);
/// Longer ids are refused, so that nobody fills the replay store (row S-97).
pub const LONGEST_JTI: usize = 256;

#[derive(Serialize)]
struct NewClaims<'a> {
    jti: String,
    htm: &'a str,
    htu: String,
    #[serde(with = "numeric_date")]
    iat: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

#[derive(Deserialize)]
struct Claims {
    jti: Option<String>,
    htm: Option<String>,
    htu: Option<String>,
    #[serde(default, with = "numeric_date::option")]
    iat: Option<Timestamp>,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Makes a proof for one request. Every request needs its own, a retry too (row C-35).
pub fn prove(
    key: &SigningKey,
    request: &ProofRequest<'_>,
    random: &dyn Random,
) -> Result<String, SignError> {
    let mut htu = request.htu.clone();
    htu.set_query(None);
    htu.set_fragment(None);
    let claims = NewClaims {
        // §4.2: "at least 96 bits of pseudorandom data"; these are 128.
        jti: base64url::encode(random::bytes::<16>(random)),
        htm: request.htm,
        htu: htu.into(),
        iat: request.now,
        ath: request.access_token.map(access_token_hash),
        nonce: request.nonce,
    };
    let header = EncodedHeader::with_key(key, typ::DPOP)?;
    sign_with(&header, key, &serde_json::to_vec(&claims)?)
}

/// Computes `ath`: the SHA-256 of the access token, base64url (§4.2).
pub fn access_token_hash(access_token: &str) -> String {
    base64url::encode(digest::digest(&digest::SHA256, access_token.as_bytes()))
}

impl<'a> ProofPolicy<'a> {
    /// The usual algorithms, window and leeway, for a request without access token.
    pub fn new(htm: &'a str, htu: &'a Url, now: Timestamp) -> Self {
        Self {
            htm,
            htu,
            ath: None,
            algorithms: &DEFAULT_ALGORITHMS,
            window: DEFAULT_WINDOW,
            leeway: Leeway::default(),
            now,
        }
    }
}

/// Checks the value of a `DPoP` header; the numbers are those of §4.3.
///
/// Steps 1 (there is one header), 10 (the nonce) and the second half of 12 (the key is the token's)
/// are the caller's. The cheap checks come before the signature, which costs the most.
pub fn check(proof: &str, policy: &ProofPolicy<'_>) -> Result<CheckedProof, DpopError> {
    // 2. "a single and well-formed JWT".
    let unverified = Unverified::parse(proof)?;
    let key = header_key(&unverified, policy)?;

    // 3. "all required claims are contained in the JWT".
    let claims: Claims = unverified.peek()?;
    let jti = claims.jti.ok_or(DpopError::Missing("jti"))?;
    if jti.is_empty() || jti.len() > LONGEST_JTI {
        return Err(DpopError::JtiLength);
    }

    // 8. "the htm claim matches the HTTP method"; methods have case.
    if claims.htm.ok_or(DpopError::Missing("htm"))? != policy.htm {
        return Err(DpopError::Method);
    }
    // 9. "the htu claim matches the HTTP URI value […], ignoring any query and fragment parts".
    let wanted = normalise(policy.htu.as_str()).ok_or(DpopError::Uri)?;
    let htu = normalise(&claims.htu.ok_or(DpopError::Missing("htu"))?);
    if htu.as_ref() != Some(&wanted) {
        return Err(DpopError::Uri);
    }
    let iat = claims.iat.ok_or(DpopError::Missing("iat"))?;
    check_age(iat, policy)?;
    check_hash(claims.ath.as_deref(), policy.ath)?;

    // 4. `typ`, 5. `alg`, 6. "the JWT signature verifies with the public key contained in the jwk".
    unverified.verify_with(&key, policy.algorithms, TypRule::Exactly(typ::DPOP))?;

    let thumbprint = key.thumbprint();
    Ok(CheckedProof {
        jti,
        iat,
        nonce: claims.nonce,
        thumbprint,
        htu: wanted,
    })
}

impl CheckedProof {
    /// The name under which the replay store keeps the proof: a hash of `htu` and `jti`, because a
    /// `jti` is unique in the context of its target URI (§11.1).
    pub fn replay_key(&self) -> [u8; 32] {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in [&self.htu, &self.jti] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(hash.finish().as_ref());
        key
    }

    /// Whether the proof is by the key that a token is bound to.
    pub fn is_by(&self, thumbprint: &str) -> bool {
        self.thumbprint
            .as_bytes()
            .ct_eq(thumbprint.as_bytes())
            .into()
    }
}

/// 7. "the jwk JOSE Header Parameter does not contain a private key".
fn header_key(proof: &Unverified<'_>, policy: &ProofPolicy<'_>) -> Result<Jwk, DpopError> {
    let jwk = proof.jwk().ok_or(DpopError::KeyMissing)?;
    // An RSA key rarely says its algorithm; the policy does, not the proof.
    let rsa = policy
        .algorithms
        .iter()
        .find(|algorithm| algorithm.is_rsa());
    Ok(match rsa {
        Some(rsa) => Jwk::from_json_assuming(jwk, *rsa)?,
        None => Jwk::from_json(jwk)?,
    })
}

/// 11. "within an acceptable time frame" (§11.1).
fn check_age(iat: Timestamp, policy: &ProofPolicy<'_>) -> Result<(), DpopError> {
    if iat > policy.now + policy.leeway.duration() {
        return Err(DpopError::FromTheFuture);
    }
    if iat + policy.window < policy.now {
        return Err(DpopError::TooOld);
    }
    Ok(())
}

/// 12. "the value of the ath claim equals the hash of that access token".
fn check_hash(found: Option<&str>, wanted: Option<&str>) -> Result<(), DpopError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let found = found.ok_or(DpopError::HashMissing)?;
    if found.as_bytes().ct_eq(wanted.as_bytes()).into() {
        Ok(())
    } else {
        Err(DpopError::HashMismatch)
    }
}

/// Normalises a URI by syntax and scheme (RFC 3986 §6.2.2, §6.2.3), without query and fragment.
///
/// `None` when it is not an `http(s)` URI.
fn normalise(uri: &str) -> Option<String> {
    // The `url` crate repairs what browsers repair; a proof has to be right to begin with.
    if !uri
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    {
        return None;
    }
    let mut url = Url::parse(uri).ok()?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() {
        return None;
    }
    if url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = normalise_escapes(url.path())?;
    url.set_path(&path);
    Some(url.into())
}

/// Writes `%7e` as `~` and `%2f` as `%2F` (RFC 3986 §6.2.2.1, §6.2.2.2).
///
/// `None` when a `%` is not followed by two hexadecimal digits.
fn normalise_escapes(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        let value = digits
            .chars()
            .try_fold(0, |sum, digit| Some(sum * 16 + digit.to_digit(16)?))?;
        match char::from_u32(value)? {
            byte if byte.is_ascii_alphanumeric() || "-._~".contains(byte) => out.push(byte),
            _ => out.extend(["%", &digits.to_ascii_uppercase()]),
        }
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
#[path = "dpop_tests.rs"]
mod tests;
