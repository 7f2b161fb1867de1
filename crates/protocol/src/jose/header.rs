//! The header of a signed message: the few members that we write, and the few that we read.
//!
//! RFC 7515 §4: <https://www.rfc-editor.org/rfc/rfc7515#section-4>,
//! RFC 8725 §3: <https://www.rfc-editor.org/rfc/rfc8725#section-3>

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::json::{self, JsonError, ObjectError};
use super::{Algorithm, Jwk, JwsError, SignError, SigningKey, base64url};

/// A protected header that is encoded once for many messages of one key and one type.
#[derive(Clone, Debug)]
pub struct EncodedHeader {
    pub(super) key: Jwk,
    pub(super) encoded: String,
}

/// What a header says, as far as we listen: `jku`, `x5u` and `x5c` are not even kept (RFC 8725
/// §3.10), and `jwk` only for DPoP.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) jwk: Option<Value>,
}

/// The header that we write; the order of the members is the order on the wire.
#[derive(Serialize)]
struct HeaderMembers<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    typ: &'a str,
    alg: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<Value>,
}

impl EncodedHeader {
    /// Encodes `{"kid":…,"typ":…,"alg":…}`.
    pub fn new(key: &SigningKey, typ: &str) -> Result<Self, SignError> {
        Self::encode(key, typ, Some(key.kid()), None)
    }

    /// Encodes a header that carries the public key itself, as DPoP proofs do (RFC 9449 §4.2).
    pub fn with_key(key: &SigningKey, typ: &str) -> Result<Self, SignError> {
        Self::encode(key, typ, None, Some(key.public().to_bare_json()))
    }

    fn encode(
        key: &SigningKey,
        typ: &str,
        kid: Option<&str>,
        jwk: Option<Value>,
    ) -> Result<Self, SignError> {
        let header = HeaderMembers {
            kid,
            typ,
            alg: key.algorithm(),
            jwk,
        };
        let encoded = base64url::encode(serde_json::to_vec(&header)?);
        Ok(Self {
            key: key.public_jwk(),
            encoded,
        })
    }
}

/// The members that we read, whatever their type; `Some(Value::Null)` is there and null.
#[derive(Deserialize)]
struct ReadMembers {
    #[serde(default, deserialize_with = "present")]
    alg: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    typ: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    jwk: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    zip: Option<Value>,
}

fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(reader).map(Some)
}

impl Header {
    /// Reads the protected header; what is not asked for here is ignored.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, JwsError> {
        let members: ReadMembers = json::read_object(bytes).map_err(|error| match error {
            ObjectError::Json(error) => JwsError::Header(error),
            ObjectError::Members(_) => JwsError::Header(JsonError::Malformed),
        })?;
        let algorithm = match text(members.alg, "alg")? {
            None => return Err(JwsError::AlgorithmMissing),
            Some(name) if name.eq_ignore_ascii_case("none") => return Err(JwsError::AlgorithmNone),
            Some(name) => name.parse().map_err(|_| JwsError::AlgorithmUnsupported)?,
        };
        // RFC 7515 §4.1.11: "If any of the listed extension Header Parameters are not understood
        // and supported by the recipient, then the JWS is invalid", and we support none.
        if members.crit.is_some() {
            return Err(JwsError::Critical);
        }
        // RFC 8725 §3.6: "Compression of data SHOULD NOT be done before encryption"; a JWS has no
        // use for it at all.
        if members.zip.is_some() {
            return Err(JwsError::Compressed);
        }
        let kid = text(members.kid, "kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > Jwk::LONGEST_KID) {
            return Err(JwsError::KidTooLong);
        }
        let typ = text(members.typ, "typ")?;
        Ok(Self {
            algorithm,
            kid,
            typ,
            jwk: members.jwk,
        })
    }
}

fn text(value: Option<Value>, name: &'static str) -> Result<Option<String>, JwsError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::HeaderMember(name)),
    }
}
