//! A key pair that signs: made, loaded, stored and used here, and shown nowhere.
//!
//! RFC 7518 §6.2.2, §6.3.2: <https://www.rfc-editor.org/rfc/rfc7518#section-6>,
//! RFC 8037 §2: <https://www.rfc-editor.org/rfc/rfc8037#section-2>,
//! RFC 5208 (PKCS #8): <https://www.rfc-editor.org/rfc/rfc5208>

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use serde_json::Value;

use super::key_pair::{KeyError, Pair, Scheme};
use super::private_jwk::PrivateJwk;
use super::private_pem;
use super::{Algorithm, Jwk};
use crate::secret::Secret;

/// A key pair with its id and its one algorithm. Share it in an `Arc`.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
    public: Jwk,
}

impl SigningKey {
    /// Makes a new key; RSA keys have 2048 bits.
    pub fn generate(algorithm: Algorithm, kid: impl Into<String>) -> Result<Self, KeyError> {
        let pair = match Scheme::of(algorithm) {
            Scheme::Ec(scheme) => EcdsaKeyPair::generate(scheme).map(Pair::Ec),
            Scheme::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Scheme::Rsa(_) => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
        };
        Self::new(algorithm, kid.into(), pair.map_err(|_| KeyError::Generate)?)
    }

    /// Reads an unencrypted PKCS #8 document.
    pub fn from_pkcs8(
        algorithm: Algorithm,
        kid: impl Into<String>,
        der: &[u8],
    ) -> Result<Self, KeyError> {
        let pair = match Scheme::of(algorithm) {
            Scheme::Ec(scheme) => EcdsaKeyPair::from_pkcs8(scheme, der).map(Pair::Ec),
            Scheme::Ed25519 => Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed25519),
            Scheme::Rsa(_) => RsaKeyPair::from_pkcs8(der).map(Pair::Rsa),
        };
        Self::new(algorithm, kid.into(), pair.map_err(|_| KeyError::Pkcs8)?)
    }

    /// Reads a private key in PEM, as `openssl` and its kin write it: PKCS #8 of any kind, SEC 1 for EC,
    /// PKCS #1 for RSA (RFC 7468 §10, RFC 5915 §4). The text may hold more than the key.
    ///
    /// EC and Ed25519 keys decide their algorithm; `rsa` is the one of an RSA key. The key's id is its
    /// thumbprint.
    ///
    /// # Errors
    ///
    /// [`KeyError::Pem`] when no private key is there, [`KeyError::Encrypted`] when it needs a
    /// passphrase, [`KeyError::Pkcs8`] for a kind of key that signs no JWT, or too small a one.
    pub fn from_pem(text: &str, rsa: Algorithm) -> Result<Self, KeyError> {
        let (algorithm, pair) = private_pem::read(text, rsa)?;
        let unnamed = Jwk::new(None, algorithm, pair.public(algorithm)?)?;
        Self::new(algorithm, unnamed.thumbprint(), pair)
    }

    /// Writes the key as a PKCS #8 (version 1) document.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        let der = match &self.pair {
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Rsa(pair) => pair
                .as_der()
                .map(|der: Pkcs8V1Der<'_>| der.as_ref().to_vec()),
        };
        der.map(Secret::new).map_err(|_| KeyError::Encode)
    }

    /// Reads a private JWK: EC, OKP (Ed25519), or RSA with its CRT members and an `alg`.
    ///
    /// A key without `kid` gets its thumbprint for one.
    pub fn from_private_jwk(json: &str) -> Result<Self, KeyError> {
        Self::read_private_jwk(json, None)
    }

    /// The same; `rsa` is the algorithm of an RSA key that does not say its own.
    pub fn from_private_jwk_assuming(json: &str, rsa: Algorithm) -> Result<Self, KeyError> {
        Self::read_private_jwk(json, Some(rsa))
    }

    fn read_private_jwk(json: &str, rsa: Option<Algorithm>) -> Result<Self, KeyError> {
        let members: PrivateJwk<'_> = serde_json::from_str(json).map_err(|_| KeyError::NotAJwk)?;
        let public = Jwk::read(&members.public(), rsa)?;
        let pair = members.pair(public.algorithm())?;
        let kid = public
            .kid()
            .map_or_else(|| public.thumbprint(), str::to_owned);
        Self::new(public.algorithm(), kid, pair)
    }

    fn new(algorithm: Algorithm, kid: String, pair: Pair) -> Result<Self, KeyError> {
        let public = Jwk::new(Some(kid.clone()), algorithm, pair.public(algorithm)?)?;
        Ok(Self {
            kid,
            algorithm,
            pair,
            public,
        })
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half.
    pub fn public_jwk(&self) -> Jwk {
        self.public.clone()
    }

    pub(super) fn public(&self) -> &Jwk {
        &self.public
    }

    /// The public half as a JWKS carries it: with `kid`, `alg` and `use`.
    pub fn public_jwk_json(&self) -> Value {
        self.public.to_json()
    }

    /// The thumbprint of the public half (RFC 7638).
    pub fn thumbprint(&self) -> String {
        self.public.thumbprint()
    }

    /// Signs a message, in the form that JWS wants: ECDSA as R‖S (RFC 7518 §3.4).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let signature = match (&self.pair, Scheme::of(self.algorithm)) {
            (Pair::Ec(pair), _) => pair
                .sign(&random, message)
                .map(|made| made.as_ref().to_vec()),
            (Pair::Ed25519(pair), _) => pair.try_sign(message).map(|made| made.as_ref().to_vec()),
            (Pair::Rsa(pair), Scheme::Rsa(padding)) => {
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut made)
                    .map(|()| made)
            }
            (Pair::Rsa(_), Scheme::Ec(_) | Scheme::Ed25519) => return Err(KeyError::Sign),
        };
        signature.map_err(|_| KeyError::Sign)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::JwkError;
    use crate::jose::SignatureError;

    const EC_JWK: &str = r#"{"kty":"EC","crv":"P-256","kid":"ec",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    #[test]
    fn every_algorithm_signs_what_its_public_half_verifies() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm, "k1").unwrap();
            let signature = key.sign(b"message").unwrap();
            let public = key.public_jwk();
            assert_eq!(public.verify(algorithm, b"message", &signature), Ok(()));
            let answer = public.verify(algorithm, b"massage", &signature);
            assert_eq!(answer, Err(SignatureError::Invalid));
            assert_eq!((public.kid(), public.algorithm()), (Some("k1"), algorithm));
        }
    }

    #[test]
    fn a_key_survives_its_pkcs8() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm, "k1").unwrap();
            let der = key.to_pkcs8().unwrap();
            let again = SigningKey::from_pkcs8(algorithm, "k1", der.expose()).unwrap();
            assert_eq!(again.public_jwk(), key.public_jwk());
            let signature = again.sign(b"message").unwrap();
            assert_eq!(
                key.public_jwk().verify(algorithm, b"message", &signature),
                Ok(())
            );
        }
    }

    #[test]
    fn a_pkcs8_document_of_another_key_type_is_refused() {
        let der = SigningKey::generate(Algorithm::Es256, "k1")
            .unwrap()
            .to_pkcs8()
            .unwrap();
        for algorithm in [Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256] {
            let answer = SigningKey::from_pkcs8(algorithm, "k1", der.expose());
            assert_eq!(answer.err(), Some(KeyError::Pkcs8), "{algorithm}");
        }
        assert_eq!(
            SigningKey::from_pkcs8(Algorithm::Es256, "k1", b"").err(),
            Some(KeyError::Pkcs8)
        );
    }

    #[test]
    fn nothing_of_a_key_is_printed() {
        let shown = format!("{:?}", SigningKey::from_private_jwk(EC_JWK).unwrap());
        assert_eq!(shown, "SigningKey { kid: \"ec\", algorithm: Es256, .. }");
    }

    #[test]
    fn a_private_jwk_without_kid_is_named_by_its_thumbprint() {
        let key = SigningKey::from_private_jwk(&EC_JWK.replace(r#""kid":"ec","#, "")).unwrap();
        assert_eq!(key.kid(), key.thumbprint());
        assert_eq!(key.algorithm(), Algorithm::Es256);
    }

    #[test]
    fn malformed_private_jwks_are_refused_for_their_reason() {
        let ec = |from: &str, to: &str| EC_JWK.replace(from, to);
        let d = r#""d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#;
        let refused = [
            ("{}".to_owned(), KeyError::NotAJwk),
            (ec(d, &format!("{d},{d}")), KeyError::NotAJwk),
            (ec(r#""d":"#, r#""e":"#), KeyError::Missing("d")),
            (ec("jpsQ", "jps="), KeyError::Malformed("d")),
            (ec("jpsQ", ""), KeyError::Malformed("d")),
            (ec("jpsQ", "jpsR"), KeyError::Inconsistent),
            (ec("P-256", "P-521"), JwkError::UnsupportedCurve.into()),
            (
                ec(r#""kid""#, r#""alg":"ES384","kid""#),
                JwkError::AlgorithmMismatch.into(),
            ),
        ];
        for (json, reason) in refused {
            assert_eq!(
                SigningKey::from_private_jwk(&json).err(),
                Some(reason),
                "{json}"
            );
        }
        let rsa = SigningKey::generate(Algorithm::Rs256, "k1")
            .unwrap()
            .public_jwk_json();
        let answer = SigningKey::from_private_jwk(&rsa.to_string());
        assert_eq!(answer.err(), Some(KeyError::Missing("d")));
    }

    #[test]
    fn a_key_is_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<SigningKey>();
        is_shared::<Jwk>();
    }
}
