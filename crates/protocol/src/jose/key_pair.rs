//! The pairs of keys of each kind, how an algorithm signs with one, and why it cannot.

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding,
};

use super::material::{Curve, Material};
use super::{Algorithm, JwkError};

/// A pair of one kind.
pub(super) enum Pair {
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// Why a key pair could not be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The cryptographic library could not make a key.
    #[error("no key could be generated")]
    Generate,
    /// The PKCS #8 document is malformed, or is a key for another algorithm, or too small.
    #[error("the PKCS #8 document is not a usable key for this algorithm")]
    Pkcs8,
    /// The text holds no private key in PEM.
    #[error("no private key in PEM")]
    Pem,
    /// The private key can only be read with its passphrase.
    #[error("the private key is encrypted")]
    Encrypted,
    /// The cryptographic library could not write the key.
    #[error("the key could not be encoded")]
    Encode,
    /// The text is not a JWK, or has a member twice.
    #[error("not a private JSON Web Key")]
    NotAJwk,
    /// A private JWK lacks a member; RSA keys need the CRT members too.
    #[error("the private key has no `{0}`")]
    Missing(&'static str),
    /// A member is not base64url or has the wrong length.
    #[error("the private key's `{0}` is malformed")]
    Malformed(&'static str),
    /// The private part does not belong to the public part.
    #[error("the private key does not fit its public part")]
    Inconsistent,
    /// The public part cannot be used.
    #[error(transparent)]
    Public(#[from] JwkError),
    /// The cryptographic library could not sign.
    #[error("the key could not sign")]
    Sign,
}

/// How an algorithm signs.
pub(super) enum Scheme {
    Ec(&'static EcdsaSigningAlgorithm),
    Ed25519,
    Rsa(&'static dyn RsaEncoding),
}

impl Scheme {
    pub(super) fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::Ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => Self::Ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDsa => Self::Ed25519,
            Algorithm::Rs256 => Self::Rsa(&signature::RSA_PKCS1_SHA256),
            Algorithm::Ps256 => Self::Rsa(&signature::RSA_PSS_SHA256),
        }
    }
}

impl Pair {
    /// The public numbers.
    pub(super) fn public(&self, algorithm: Algorithm) -> Result<Material, KeyError> {
        match self {
            Self::Ec(pair) => {
                let curve = if algorithm == Algorithm::Es384 {
                    Curve::P384
                } else {
                    Curve::P256
                };
                let [4, coordinates @ ..] = pair.public_key().as_ref() else {
                    return Err(KeyError::Encode);
                };
                let (x, y) = coordinates
                    .split_at_checked(curve.size())
                    .ok_or(KeyError::Encode)?;
                Ok(Material::Ec {
                    curve,
                    x: x.to_vec(),
                    y: y.to_vec(),
                })
            }
            Self::Ed25519(pair) => Ok(Material::Okp {
                x: pair.public_key().as_ref().to_vec(),
            }),
            Self::Rsa(pair) => rsa_numbers(pair.public_key().as_ref()).ok_or(KeyError::Encode),
        }
    }
}

/// Reads `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<Material> {
    let (0x30, sequence, []) = der_element(der)? else {
        return None;
    };
    let (0x02, n, rest) = der_element(sequence)? else {
        return None;
    };
    let (0x02, e, []) = der_element(rest)? else {
        return None;
    };
    // DER puts a zero before a number whose first bit is set; a JWK does not.
    let unsigned = |number: &[u8]| number.strip_prefix(&[0]).unwrap_or(number).to_vec();
    Some(Material::Rsa {
        n: unsigned(n),
        e: unsigned(e),
    })
}

/// Splits off one DER element: its tag, its content, and what follows.
fn der_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        let length = digits
            .iter()
            .fold(0, |sum, &digit| (sum << 8) | usize::from(digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
