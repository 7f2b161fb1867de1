//! A public key as a JSON Web Key: parsed once, then only used.
//!
//! RFC 7517 §4: <https://www.rfc-editor.org/rfc/rfc7517#section-4>

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value, json};

use super::material::{Material, text};
use super::{Algorithm, thumbprint};

/// A public key with the one algorithm that it may be used with. Cheap to clone.
#[derive(Clone)]
pub struct Jwk {
    kid: Option<String>,
    algorithm: Algorithm,
    key: Arc<ParsedKey>,
}

struct ParsedKey {
    material: Material,
    verifier: ParsedPublicKey,
}

/// Why a JWK cannot be used to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// The key is not a JSON object.
    #[error("a key must be a JSON object")]
    NotAnObject,
    /// The key has a private or symmetric member; whoever sent it has given the secret away.
    #[error("the key carries its private part: `{0}`")]
    PrivateMember(&'static str),
    /// A required member is absent.
    #[error("the key has no `{0}`")]
    Missing(&'static str),
    /// A member has the wrong JSON type, is not base64url, or has the wrong length.
    #[error("the key's `{0}` is malformed")]
    Malformed(&'static str),
    /// `kty` is not EC, OKP or RSA.
    #[error("the key type is not supported")]
    UnsupportedKeyType,
    /// `crv` is not P-256, P-384 or Ed25519.
    #[error("the curve is not supported")]
    UnsupportedCurve,
    /// `alg` is not one of [`Algorithm`].
    #[error("the key's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// `alg` does not fit `kty` and `crv`.
    #[error("the key's algorithm does not fit its type")]
    AlgorithmMismatch,
    /// An RSA key without `alg`, and no configuration says which.
    #[error("an RSA key needs an `alg`")]
    AlgorithmUndecided,
    /// `use` or `key_ops` says that the key is not for signatures.
    #[error("the key is not for signatures")]
    NotForSignatures,
    /// An RSA modulus of fewer than 2048 or more than 8192 bits (RFC 7518 §3.3).
    #[error("an RSA key must have 2048 to 8192 bits")]
    RsaSize,
    /// `kid` is longer than [`Jwk::LONGEST_KID`].
    #[error("the key id is longer than 256 bytes")]
    KidTooLong,
    /// The numbers are no key: for example a point that is not on its curve.
    #[error("the key's numbers are not a valid key")]
    NotAKey,
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The caller named another algorithm than the key's.
    #[error("the key is for another algorithm")]
    OtherAlgorithm,
    /// The signature is not this key's over this message.
    #[error("the signature does not verify")]
    Invalid,
}

impl Jwk {
    /// Longer key ids are refused: `kid` is data from outside.
    pub const LONGEST_KID: usize = 256;

    /// Reads a public key. An RSA key must say its `alg`.
    pub fn from_json(value: &Value) -> Result<Self, JwkError> {
        Self::read(value, None)
    }

    /// Reads a public key; `rsa` is the algorithm of an RSA key that does not say its own.
    ///
    /// It comes from configuration (metadata, registration), never from a token.
    pub fn from_json_assuming(value: &Value, rsa: Algorithm) -> Result<Self, JwkError> {
        Self::read(value, Some(rsa))
    }

    pub(super) fn read(value: &Value, rsa: Option<Algorithm>) -> Result<Self, JwkError> {
        let members = value.as_object().ok_or(JwkError::NotAnObject)?;
        for name in PRIVATE_MEMBERS {
            if members.contains_key(name) {
                return Err(JwkError::PrivateMember(name));
            }
        }
        check_use(members)?;
        let kid = text(members, "kid")?;
        if kid.is_some_and(|kid| kid.len() > Self::LONGEST_KID) {
            return Err(JwkError::KidTooLong);
        }
        let material = Material::from_members(members)?;
        let algorithm = match text(members, "alg")? {
            Some(name) => name.parse().map_err(|_| JwkError::UnsupportedAlgorithm)?,
            None => material
                .only_algorithm()
                .or(rsa)
                .ok_or(JwkError::AlgorithmUndecided)?,
        };
        Self::new(kid.map(str::to_owned), algorithm, material)
    }

    /// Parses the numbers into a key that can verify.
    pub(super) fn new(
        kid: Option<String>,
        algorithm: Algorithm,
        material: Material,
    ) -> Result<Self, JwkError> {
        let verifier = material.verifier(algorithm)?;
        Ok(Self {
            kid,
            algorithm,
            key: Arc::new(ParsedKey { material, verifier }),
        })
    }

    /// The key's id, when it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that the key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The SHA-256 thumbprint (RFC 7638), as `jkt` and `dpop_jkt` carry it.
    pub fn thumbprint(&self) -> String {
        thumbprint::thumbprint(&self.key.material)
    }

    /// Checks a signature over a message.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        // RFC 8725 §3.1: "each key MUST be used with exactly one algorithm".
        if algorithm != self.algorithm {
            return Err(SignatureError::OtherAlgorithm);
        }
        self.key
            .verifier
            .verify_sig(message, signature)
            .map_err(|_| SignatureError::Invalid)
    }

    /// The key as a JWKS carries it: with `alg`, `use` and, when it has one, `kid`.
    pub fn to_json(&self) -> Value {
        let mut members = self.key.material.to_members();
        members.insert("alg".to_owned(), json!(self.algorithm));
        members.insert("use".to_owned(), json!("sig"));
        if let Some(kid) = &self.kid {
            members.insert("kid".to_owned(), json!(kid));
        }
        Value::Object(members)
    }

    /// The key as a DPoP header carries it: the required members alone (RFC 9449 §4.2).
    pub fn to_bare_json(&self) -> Value {
        Value::Object(self.key.material.to_members())
    }
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.algorithm == other.algorithm
            && self.key.material == other.key.material
    }
}

impl Eq for Jwk {}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

/// RFC 7517 §4.2 and §4.3: a key that is marked for something else is not used.
fn check_use(members: &Map<String, Value>) -> Result<(), JwkError> {
    if text(members, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(JwkError::NotForSignatures);
    }
    let Some(operations) = members.get("key_ops") else {
        return Ok(());
    };
    let operations = operations
        .as_array()
        .ok_or(JwkError::Malformed("key_ops"))?;
    if operations.iter().any(|operation| operation == "verify") {
        Ok(())
    } else {
        Err(JwkError::NotForSignatures)
    }
}

/// RFC 7518 §6.2.2, §6.3.2 and §6.4, RFC 8037 §2: what only the owner of a key may know.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{SigningKey, base64url};

    fn es256() -> Value {
        SigningKey::generate(Algorithm::Es256, "k1")
            .unwrap()
            .public_jwk_json()
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
        let b64 = |bytes: &[u8]| base64url::encode(bytes);
        json!({ "kty": "RSA", "alg": "RS256", "n": b64(modulus), "e": b64(exponent) })
    }

    #[test]
    fn a_public_key_survives_its_json() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm, "k1").unwrap().public_jwk();
            assert_eq!(Jwk::from_json(&key.to_json()), Ok(key));
        }
    }

    #[test]
    fn s_112_each_key_has_one_algorithm() {
        let rs256 = SigningKey::generate(Algorithm::Rs256, "k1").unwrap();
        let (public, made) = (rs256.public_jwk(), rs256.sign(b"m").unwrap());
        assert_eq!(public.verify(Algorithm::Rs256, b"m", &made), Ok(()));
        for other in [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
            assert_eq!(
                public.verify(other, b"m", &made),
                Err(SignatureError::OtherAlgorithm)
            );
        }
        let mut undecided = public.to_json();
        undecided.as_object_mut().unwrap().remove("alg");
        assert_eq!(
            Jwk::from_json(&undecided),
            Err(JwkError::AlgorithmUndecided)
        );
        let decided = Jwk::from_json_assuming(&undecided, Algorithm::Ps256).unwrap();
        assert_eq!(decided.algorithm(), Algorithm::Ps256);
        assert_eq!(
            decided.verify(Algorithm::Ps256, b"m", &made),
            Err(SignatureError::Invalid)
        );
    }

    #[test]
    fn s_112_the_algorithm_must_fit_the_key_type() {
        for name in ["ES384", "EdDSA", "RS256", "PS256"] {
            let key = with(es256(), "alg", json!(name));
            assert_eq!(
                Jwk::from_json(&key),
                Err(JwkError::AlgorithmMismatch),
                "{name}"
            );
        }
        for name in ["none", "HS256", "ES256K", "ECDH-ES", "RSA1_5"] {
            let key = with(es256(), "alg", json!(name));
            assert_eq!(
                Jwk::from_json(&key),
                Err(JwkError::UnsupportedAlgorithm),
                "{name}"
            );
        }
    }

    #[test]
    fn s_114_only_the_fixed_form_of_an_ecdsa_signature_is_read() {
        let pair = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
        let (key, fixed) = (pair.public_jwk(), pair.sign(b"m").unwrap());
        assert_eq!(fixed.len(), 64);
        assert_eq!(key.verify(Algorithm::Es256, b"m", &fixed), Ok(()));
        let (r, s) = fixed.split_at(32);
        let zero = [0; 32];
        let refused: [Vec<u8>; 9] = [
            der(r, s),
            fixed[..63].to_vec(),
            [&fixed[..], &[0]].concat(),
            [&[0], &fixed[..]].concat(),
            [&zero, s].concat(),
            [r, &zero].concat(),
            vec![0; 64],
            vec![0xff; 64],
            Vec::new(),
        ];
        for signature in refused {
            let answer = key.verify(Algorithm::Es256, b"m", &signature);
            assert_eq!(answer, Err(SignatureError::Invalid), "{signature:02x?}");
        }
    }

    /// `Ecdsa-Sig-Value` of RFC 3279 §2.2.3.
    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let integer = |number: &[u8]| {
            let first = number.iter().position(|byte| *byte != 0).unwrap();
            let mut body = number[first..].to_vec();
            if body[0] >= 0x80 {
                body.insert(0, 0);
            }
            [&[2, u8::try_from(body.len()).unwrap()], &body[..]].concat()
        };
        let body = [integer(r), integer(s)].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
    }

    #[test]
    fn s_115_an_rsa_key_has_2048_bits_or_more() {
        let odd = |bytes: usize| {
            let mut modulus = vec![0xff; bytes];
            modulus[0] = 0x80;
            modulus
        };
        let f4 = [1, 0, 1];
        assert_eq!(Jwk::from_json(&rsa(&odd(128), &f4)), Err(JwkError::RsaSize));
        let mut bits_2047 = odd(256);
        bits_2047[0] = 0x7f;
        assert_eq!(
            Jwk::from_json(&rsa(&bits_2047, &f4)),
            Err(JwkError::RsaSize)
        );
        assert_eq!(
            Jwk::from_json(&rsa(&odd(1025), &f4)),
            Err(JwkError::RsaSize)
        );
        assert!(Jwk::from_json(&rsa(&odd(256), &f4)).is_ok());
    }

    #[test]
    fn s_115_strange_rsa_numbers_are_refused() {
        let modulus = vec![0xff; 256];
        for exponent in [
            &[1][..],
            &[2],
            &[0, 3],
            &[],
            &[1, 0, 0],
            &[1, 0, 0, 0, 0, 1],
        ] {
            let answer = Jwk::from_json(&rsa(&modulus, exponent));
            assert_eq!(answer, Err(JwkError::Malformed("e")), "{exponent:?}");
        }
        let padded = [&[0], &modulus[..]].concat();
        assert_eq!(
            Jwk::from_json(&rsa(&padded, &[1, 0, 1])),
            Err(JwkError::Malformed("n"))
        );
        assert_eq!(
            Jwk::from_json(&rsa(&[], &[1, 0, 1])),
            Err(JwkError::Malformed("n"))
        );
    }

    #[test]
    fn s_122_a_private_key_is_not_read_as_a_public_one() {
        for name in PRIVATE_MEMBERS {
            let key = with(es256(), name, json!("AQAB"));
            assert_eq!(Jwk::from_json(&key), Err(JwkError::PrivateMember(name)));
        }
        let symmetric = json!({ "kty": "oct", "k": "AQAB" });
        assert_eq!(
            Jwk::from_json(&symmetric),
            Err(JwkError::PrivateMember("k"))
        );
    }

    #[test]
    fn malformed_keys_are_refused_for_their_reason() {
        let short = base64url::encode([1; 31]);
        let refused = [
            (json!([]), JwkError::NotAnObject),
            (json!({}), JwkError::Missing("kty")),
            (json!({ "kty": "EC" }), JwkError::Missing("crv")),
            (json!({ "kty": "oct" }), JwkError::UnsupportedKeyType),
            (
                with(es256(), "kty", json!("ec")),
                JwkError::UnsupportedKeyType,
            ),
            (with(es256(), "kty", json!(1)), JwkError::Malformed("kty")),
            (
                with(es256(), "crv", json!("secp256k1")),
                JwkError::UnsupportedCurve,
            ),
            (
                with(es256(), "crv", json!("P-384")),
                JwkError::Malformed("x"),
            ),
            (with(es256(), "x", json!(short)), JwkError::Malformed("x")),
            (with(es256(), "x", json!("=")), JwkError::Malformed("x")),
            (with(es256(), "y", Value::Null), JwkError::Malformed("y")),
            (
                with(es256(), "y", json!(base64url::encode([1; 32]))),
                JwkError::NotAKey,
            ),
            (
                with(es256(), "use", json!("enc")),
                JwkError::NotForSignatures,
            ),
            (
                with(es256(), "key_ops", json!(["sign"])),
                JwkError::NotForSignatures,
            ),
            (
                with(es256(), "key_ops", json!("verify")),
                JwkError::Malformed("key_ops"),
            ),
            (
                with(es256(), "kid", json!("k".repeat(257))),
                JwkError::KidTooLong,
            ),
            (with(es256(), "kid", json!(1)), JwkError::Malformed("kid")),
            (
                json!({ "kty": "OKP", "crv": "Ed448", "x": "AQ" }),
                JwkError::UnsupportedCurve,
            ),
            (
                json!({ "kty": "OKP", "crv": "X25519", "x": "AQ" }),
                JwkError::UnsupportedCurve,
            ),
            (
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "AQ" }),
                JwkError::Malformed("x"),
            ),
            (
                json!({ "kty": "RSA", "alg": "RS256", "e": "AQAB" }),
                JwkError::Missing("n"),
            ),
        ];
        for (key, reason) in refused {
            assert_eq!(Jwk::from_json(&key), Err(reason), "{key}");
        }
        let marked = with(es256(), "key_ops", json!(["sign", "verify"]));
        assert!(Jwk::from_json(&marked).is_ok());
    }
}
