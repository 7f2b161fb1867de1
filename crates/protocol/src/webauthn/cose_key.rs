//! The public key of a passkey, as a `COSE_Key`.
//!
//! RFC 9052 §7: <https://www.rfc-editor.org/rfc/rfc9052#section-7>,
//! RFC 9053 §7 (curves) and RFC 8230 §4 (RSA),
//! WebAuthn §5.8.5: <https://www.w3.org/TR/webauthn-3/#sctn-alg-identifier>

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{self, ParsedPublicKey};

use super::cbor::{self, CborError, Key, Map, Value};
use crate::jose::rs256_verifier;

/// The algorithms that a passkey may sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoseAlgorithm {
    /// ECDSA on P-256 with SHA-256; the signature is DER.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

/// A public key with the one algorithm that it is for. Cheap to clone.
#[derive(Clone)]
pub struct CosePublicKey {
    encoded: Arc<[u8]>,
    algorithm: CoseAlgorithm,
    verifier: Arc<ParsedPublicKey>,
}

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoseKeyError {
    /// It is no CBOR of the kind that CTAP2 has.
    #[error("the key is not CBOR: {0}")]
    Cbor(#[from] CborError),
    /// It is no map.
    #[error("the key is not a map")]
    NotAMap,
    /// `alg` is absent or none of [`CoseAlgorithm::ALL`].
    #[error("the key's algorithm was not offered")]
    UnsupportedAlgorithm,
    /// `kty` or `crv` is not what `alg` is used with (WebAuthn §5.8.5).
    #[error("the key's type or curve does not fit its algorithm")]
    AlgorithmMismatch,
    /// A parameter is absent, of the wrong type or length, or a compressed point.
    #[error("a parameter of the key is absent or malformed")]
    Malformed,
    /// The key has a parameter besides those that its type needs, such as its private part.
    #[error("the key has a parameter that does not belong there")]
    UnexpectedParameter,
    /// The numbers are no key, such as a point that is not on its curve or an RSA key below 2048 bits.
    #[error("the key's numbers are not a valid key")]
    NotAKey,
}

/// A signature that is not this key's over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

impl CoseAlgorithm {
    /// Every algorithm, the preferred one first: what `pubKeyCredParams` offers.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The number in the registry of COSE algorithms.
    pub const fn identifier(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }

    fn from_identifier(number: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.identifier() == number)
    }
}

impl CosePublicKey {
    /// Reads a key that is all of the input.
    pub fn read(bytes: &[u8]) -> Result<Self, CoseKeyError> {
        match Self::read_first(bytes)? {
            (key, []) => Ok(key),
            (_, [_, ..]) => Err(CborError::TrailingBytes.into()),
        }
    }

    /// Reads the key that the input begins with, and returns what follows it.
    pub fn read_first(bytes: &[u8]) -> Result<(Self, &[u8]), CoseKeyError> {
        let (value, rest) = cbor::read_first(bytes)?;
        let Value::Map(mut members) = value else {
            return Err(CoseKeyError::NotAMap);
        };
        // WebAuthn §6.5.1: it "MUST contain the alg parameter".
        let algorithm = match members.remove(&Key::Integer(ALG)) {
            Some(Value::Integer(number)) => CoseAlgorithm::from_identifier(number),
            _ => None,
        };
        let algorithm = algorithm.ok_or(CoseKeyError::UnsupportedAlgorithm)?;
        let verifier = verifier(algorithm, &mut members)?;
        // WebAuthn §6.5.1: it "MUST NOT contain any other OPTIONAL parameters".
        if !members.is_empty() {
            return Err(CoseKeyError::UnexpectedParameter);
        }
        let length = bytes.len() - rest.len();
        let encoded = bytes.get(..length).unwrap_or_default().into();
        let key = Self {
            encoded,
            algorithm,
            verifier: Arc::new(verifier),
        };
        Ok((key, rest))
    }

    /// The key as it was read.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The one algorithm that the key is for.
    pub fn algorithm(&self) -> CoseAlgorithm {
        self.algorithm
    }

    /// Checks a signature over a message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let checked = self.verifier.verify_sig(message, signature);
        checked.map_err(|_| BadSignature)
    }
}

impl PartialEq for CosePublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for CosePublicKey {}

impl fmt::Debug for CosePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosePublicKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Takes the parameters of the algorithm's key type out of the map.
fn verifier(
    algorithm: CoseAlgorithm,
    members: &mut Map<'_>,
) -> Result<ParsedPublicKey, CoseKeyError> {
    let (kty, crv) = match algorithm {
        CoseAlgorithm::Es256 => (KTY_EC2, Some(CRV_P256)),
        CoseAlgorithm::EdDsa => (KTY_OKP, Some(CRV_ED25519)),
        CoseAlgorithm::Rs256 => (KTY_RSA, None),
    };
    let mut is =
        |label, number| members.remove(&Key::Integer(label)) == Some(Value::Integer(number));
    if !is(KTY, kty) || crv.is_some_and(|crv| !is(CRV, crv)) {
        return Err(CoseKeyError::AlgorithmMismatch);
    }
    match algorithm {
        CoseAlgorithm::Es256 => {
            let x = octets(members, X, Some(32))?;
            // WebAuthn §5.8.5: "MUST NOT use the compressed point form", whose `y` is a boolean.
            let y = octets(members, Y, Some(32))?;
            let point = [&[4], x, y].concat();
            ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point)
                .map_err(|_| CoseKeyError::NotAKey)
        }
        CoseAlgorithm::EdDsa => {
            let x = octets(members, X, Some(32))?;
            ParsedPublicKey::new(&signature::ED25519, x).map_err(|_| CoseKeyError::NotAKey)
        }
        CoseAlgorithm::Rs256 => {
            let n = octets(members, N, None)?;
            let e = octets(members, E, None)?;
            rs256_verifier(n, e).map_err(|_| CoseKeyError::NotAKey)
        }
    }
}

fn octets<'a>(
    members: &mut Map<'a>,
    label: i64,
    size: Option<usize>,
) -> Result<&'a [u8], CoseKeyError> {
    match members.remove(&Key::Integer(label)) {
        Some(Value::Bytes(bytes)) if size.is_none_or(|size| size == bytes.len()) => Ok(bytes),
        _ => Err(CoseKeyError::Malformed),
    }
}

/// RFC 9052 §7.1.
const KTY: i64 = 1;
const ALG: i64 = 3;
/// RFC 9053 §7: the type `OKP`, the type `EC2`, and their parameters.
const KTY_OKP: i64 = 1;
const KTY_EC2: i64 = 2;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const CRV_P256: i64 = 1;
const CRV_ED25519: i64 = 6;
/// RFC 8230 §4: the type `RSA` and its parameters.
const KTY_RSA: i64 = 3;
const N: i64 = -1;
const E: i64 = -2;
