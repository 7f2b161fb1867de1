//! The numbers of a public key: read from a JWK's members, written back, made into a verifier.
//!
//! RFC 7518 §6: <https://www.rfc-editor.org/rfc/rfc7518#section-6>,
//! RFC 8037 §2: <https://www.rfc-editor.org/rfc/rfc8037#section-2>

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use serde_json::{Map, Value, json};

use super::{Algorithm, JwkError, base64url};

/// The numbers of a public key, as the JWK members carry them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Okp {
        x: Vec<u8>,
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// The curves of RFC 7518 §6.2.1.1 that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Material {
    pub(super) fn from_members(members: &Map<String, Value>) -> Result<Self, JwkError> {
        let kty = text(members, "kty")?.ok_or(JwkError::Missing("kty"))?;
        let crv = || text(members, "crv")?.ok_or(JwkError::Missing("crv"));
        match kty {
            "EC" => {
                let curve = Curve::from_name(crv()?).ok_or(JwkError::UnsupportedCurve)?;
                // RFC 7518 §6.2.1.2: "MUST be the full size of a coordinate".
                let x = octets(members, "x", Some(curve.size()))?;
                Ok(Self::Ec {
                    curve,
                    x,
                    y: octets(members, "y", Some(curve.size()))?,
                })
            }
            "OKP" if crv()? == "Ed25519" => Ok(Self::Okp {
                x: octets(members, "x", Some(32))?,
            }),
            "OKP" => Err(JwkError::UnsupportedCurve),
            "RSA" => Ok(Self::Rsa {
                n: octets(members, "n", None)?,
                e: octets(members, "e", None)?,
            }),
            _ => Err(JwkError::UnsupportedKeyType),
        }
    }

    pub(super) fn to_members(&self) -> Map<String, Value> {
        let b64 = |bytes: &Vec<u8>| json!(base64url::encode(bytes));
        let pairs = match self {
            Self::Ec { curve, x, y } => vec![
                ("kty", json!("EC")),
                ("crv", json!(curve.name())),
                ("x", b64(x)),
                ("y", b64(y)),
            ],
            Self::Okp { x } => vec![
                ("kty", json!("OKP")),
                ("crv", json!("Ed25519")),
                ("x", b64(x)),
            ],
            Self::Rsa { n, e } => vec![("kty", json!("RSA")), ("n", b64(n)), ("e", b64(e))],
        };
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The algorithm that the key type alone decides; RSA does not.
    pub(super) fn only_algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Ec {
                curve: Curve::P256, ..
            } => Some(Algorithm::Es256),
            Self::Ec {
                curve: Curve::P384, ..
            } => Some(Algorithm::Es384),
            Self::Okp { .. } => Some(Algorithm::EdDsa),
            Self::Rsa { .. } => None,
        }
    }

    pub(super) fn verifier(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, JwkError> {
        let parsed = match (self, algorithm) {
            (
                Self::Ec {
                    curve: Curve::P256,
                    x,
                    y,
                },
                Algorithm::Es256,
            ) => ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point(x, y)),
            (
                Self::Ec {
                    curve: Curve::P384,
                    x,
                    y,
                },
                Algorithm::Es384,
            ) => ParsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point(x, y)),
            (Self::Okp { x }, Algorithm::EdDsa) => ParsedPublicKey::new(&signature::ED25519, x),
            (Self::Rsa { n, e }, Algorithm::Rs256) => return rs256_verifier(n, e),
            (Self::Rsa { n, e }, Algorithm::Ps256) => {
                check_rsa(n, e)?;
                RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(&signature::RSA_PSS_2048_8192_SHA256)
            }
            (Self::Ec { .. } | Self::Okp { .. } | Self::Rsa { .. }, _) => {
                return Err(JwkError::AlgorithmMismatch);
            }
        };
        parsed.map_err(|_| JwkError::NotAKey)
    }
}

impl Curve {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    /// The length of a coordinate in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// A verifier of `RS256` for numbers from outside, whatever they were wrapped in.
pub(crate) fn rs256_verifier(n: &[u8], e: &[u8]) -> Result<ParsedPublicKey, JwkError> {
    check_rsa(n, e)?;
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| JwkError::NotAKey)
}

/// The uncompressed point of SEC 1 §2.3.3.
pub(super) fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), JwkError> {
    // RFC 7518 §2, Base64urlUInt: "MUST utilize the minimum number of octets".
    let (Some(first), Some(1..)) = (n.first(), e.first()) else {
        return Err(JwkError::Malformed(if n.is_empty() { "n" } else { "e" }));
    };
    if *first == 0 {
        return Err(JwkError::Malformed("n"));
    }
    // An even exponent, 1, or one past 33 bits is never honest and only slows the check down.
    if e.len() > 5 || e == [1] || e.last().is_none_or(|last| last % 2 == 0) {
        return Err(JwkError::Malformed("e"));
    }
    // RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used".
    let bits = (n.len() * 8).saturating_sub(first.leading_zeros() as usize);
    if (2048..=8192).contains(&bits) {
        Ok(())
    } else {
        Err(JwkError::RsaSize)
    }
}

/// Reads a member that must be a string when it is there.
pub(super) fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, JwkError> {
    members
        .get(name)
        .map(|value| value.as_str().ok_or(JwkError::Malformed(name)))
        .transpose()
}

fn octets(
    members: &Map<String, Value>,
    name: &'static str,
    size: Option<usize>,
) -> Result<Vec<u8>, JwkError> {
    let text = text(members, name)?.ok_or(JwkError::Missing(name))?;
    let bytes = base64url::decode(text).ok_or(JwkError::Malformed(name))?;
    if size.is_some_and(|size| size != bytes.len()) {
        return Err(JwkError::Malformed(name));
    }
    Ok(bytes)
}
