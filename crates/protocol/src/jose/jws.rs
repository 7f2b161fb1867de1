//! Signed messages in the compact serialization: written here, and read strictly here.
//!
//! RFC 7515 §7.1, §5.2: <https://www.rfc-editor.org/rfc/rfc7515#section-7.1>,
//! RFC 8725 §3: <https://www.rfc-editor.org/rfc/rfc8725#section-3>

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::header::{EncodedHeader, Header};
use super::json::{self, JsonError, ObjectError};
use super::{Algorithm, Jwk, JwkSet, KeyError, SigningKey, TypRule, base64url};

/// Why a message could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The header was encoded for another key.
    #[error("the header was encoded for another key")]
    OtherKey,
    /// The claims could not be written as JSON.
    #[error("the claims are not JSON")]
    Claims(#[from] serde_json::Error),
    /// The key could not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A message that was taken apart, and whose signature nobody has checked.
#[derive(Clone)]
pub struct Unverified<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A payload whose signature is good.
#[derive(Clone, Debug)]
pub struct Verified {
    payload: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// The text is longer than [`Unverified::LONGEST`].
    #[error("the token is longer than 16 kB")]
    TooLong,
    /// The text is not three parts: five would be an encrypted token.
    #[error("the token does not have three parts")]
    Parts,
    /// A part is not canonical base64url without padding.
    #[error("the token's {0} is not base64url")]
    Base64Url(&'static str),
    /// The header is not an acceptable JSON object.
    #[error("the token's header is {0}")]
    Header(JsonError),
    /// A header member has the wrong JSON type.
    #[error("the token's header member `{0}` is malformed")]
    HeaderMember(&'static str),
    /// There is no `alg`.
    #[error("the token's header has no `alg`")]
    AlgorithmMissing,
    /// `alg` is `none`, in any case.
    #[error("the token is not signed")]
    AlgorithmNone,
    /// `alg` is not one of [`Algorithm`]; every HMAC is among these.
    #[error("the token's algorithm is not supported")]
    AlgorithmUnsupported,
    /// `alg` is none that the caller allows.
    #[error("the token's algorithm {0} is not allowed here")]
    AlgorithmNotAllowed(Algorithm),
    /// The header has `crit`; no extension is understood.
    #[error("the token demands an extension that is not understood")]
    Critical,
    /// The header has `zip`.
    #[error("the token is compressed")]
    Compressed,
    /// `kid` is longer than [`Jwk::LONGEST_KID`].
    #[error("the token's key id is longer than 256 bytes")]
    KidTooLong,
    /// `typ` is of another kind than the caller reads.
    #[error("the token is of another kind")]
    WrongType,
    /// No key has the `kid` and the algorithm of the header.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature is not that of any key that it could be.
    #[error("the token's signature does not verify")]
    BadSignature,
    /// The payload is not an acceptable JSON object.
    #[error("the token's payload is {0}")]
    Payload(JsonError),
    /// The payload's members are absent, malformed or of the wrong type.
    #[error("the token's claims are malformed: {0}")]
    Claims(String),
}

/// Signs a payload with a header that was encoded before.
pub fn sign_with(
    header: &EncodedHeader,
    key: &SigningKey,
    payload: &[u8],
) -> Result<String, SignError> {
    if header.key != *key.public() {
        return Err(SignError::OtherKey);
    }
    let mut compact = String::with_capacity(header.encoded.len() + payload.len() * 4 / 3 + 400);
    compact.push_str(&header.encoded);
    compact.push('.');
    base64url::encode_onto(payload, &mut compact);
    let signature = key.sign(compact.as_bytes())?;
    compact.push('.');
    base64url::encode_onto(&signature, &mut compact);
    Ok(compact)
}

/// Signs a payload.
pub fn sign_compact(key: &SigningKey, typ: &str, payload: &[u8]) -> Result<String, SignError> {
    sign_with(&EncodedHeader::new(key, typ)?, key, payload)
}

/// Signs claims.
pub fn sign_jwt<T: Serialize>(
    key: &SigningKey,
    typ: &str,
    claims: &T,
) -> Result<String, SignError> {
    sign_compact(key, typ, &serde_json::to_vec(claims)?)
}

impl<'a> Unverified<'a> {
    /// Longer texts are refused unread (S-119).
    pub const LONGEST: usize = 16 * 1024;

    /// Takes a compact serialization apart.
    pub fn parse(compact: &'a str) -> Result<Self, JwsError> {
        if compact.len() > Self::LONGEST {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Parts)?;
        if payload.contains('.') {
            return Err(JwsError::Parts);
        }
        let header = base64url::decode(header).ok_or(JwsError::Base64Url("header"))?;
        let header = Header::read(&header)?;
        let payload = base64url::decode(payload).ok_or(JwsError::Base64Url("payload"))?;
        let signature = base64url::decode(signature).ok_or(JwsError::Base64Url("signature"))?;
        Ok(Self {
            signing_input,
            header,
            payload,
            signature,
        })
    }

    /// The algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The key id that the header names: data from outside, at most 256 bytes.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The type that the header names.
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// The key that the header carries. Only a DPoP proof may be checked with it.
    pub(crate) fn jwk(&self) -> Option<&Value> {
        self.header.jwk.as_ref()
    }

    /// Reads the claims **before** the signature is checked, to find out whose keys to check it
    /// with (`iss`, `client_id`). Nothing may be decided by them, unless this very text is known to
    /// be signed.
    pub fn peek<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        claims(&self.payload)
    }

    /// Checks the signature with the keys of one issuer.
    pub fn verify(
        self,
        keys: &JwkSet,
        allowed: &[Algorithm],
        typ: TypRule<'_>,
    ) -> Result<Verified, JwsError> {
        self.check_header(allowed, typ)?;
        // RFC 8725 §3.1: the algorithm is the key's; one of the header only picks the key.
        let mut refusal = Some(JwsError::UnknownKey);
        for key in keys.candidates(self.kid(), self.algorithm()) {
            if self.is_signed_by(key) {
                refusal = None;
                break;
            }
            refusal = Some(JwsError::BadSignature);
        }
        refusal.map_or_else(|| Ok(self.into_verified()), Err)
    }

    /// Checks the signature with one key, whatever `kid` says.
    pub fn verify_with(
        self,
        key: &Jwk,
        allowed: &[Algorithm],
        typ: TypRule<'_>,
    ) -> Result<Verified, JwsError> {
        self.check_header(allowed, typ)?;
        if key.algorithm() != self.algorithm() {
            return Err(JwsError::UnknownKey);
        }
        if self.is_signed_by(key) {
            Ok(self.into_verified())
        } else {
            Err(JwsError::BadSignature)
        }
    }

    fn check_header(&self, allowed: &[Algorithm], typ: TypRule<'_>) -> Result<(), JwsError> {
        if !allowed.contains(&self.algorithm()) {
            return Err(JwsError::AlgorithmNotAllowed(self.algorithm()));
        }
        if typ.accepts(self.typ()) {
            Ok(())
        } else {
            Err(JwsError::WrongType)
        }
    }

    fn is_signed_by(&self, key: &Jwk) -> bool {
        key.verify(
            self.algorithm(),
            self.signing_input.as_bytes(),
            &self.signature,
        )
        .is_ok()
    }

    fn into_verified(self) -> Verified {
        let Header {
            algorithm,
            kid,
            typ: _,
            jwk: _,
        } = self.header;
        Verified {
            payload: self.payload,
            algorithm,
            kid,
        }
    }
}

impl std::fmt::Debug for Unverified<'_> {
    /// Shows the header only: the rest may be a usable token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Verified {
    /// The payload's bytes. [`Self::claims`] reads them more strictly than `serde_json` does.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The algorithm of the key that signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id of the header.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Reads the payload as claims; duplicate members are refused at every level.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        claims(&self.payload)
    }
}

fn claims<T: DeserializeOwned>(payload: &[u8]) -> Result<T, JwsError> {
    json::read_object(payload).map_err(|error| match error {
        ObjectError::Json(error) => JwsError::Payload(error),
        ObjectError::Members(error) => JwsError::Claims(error.to_string()),
    })
}

#[cfg(test)]
#[path = "jws_tests.rs"]
mod tests;
