//! A client's private key, as programs and people keep it: a PEM file or a JSON Web Key.
//!
//! RFC 7523 §2.2: <https://www.rfc-editor.org/rfc/rfc7523#section-2.2>; the algorithms are those of
//! `hallpass_protocol::client_assertion`.

use std::sync::Arc;

use hallpass_protocol::client_assertion::ALGORITHMS;
use hallpass_protocol::jose::{Algorithm, JwkError, KeyError, SigningKey};
use serde_json::{Value, json};

use crate::clean;

/// Servers refuse longer ids.
const LONGEST_KID: usize = 256;

/// The key pair whose public half the server has registered for this client. Cloning is cheap, and
/// `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    /// One for each algorithm that the key may sign with, the usual one first.
    keys: Vec<Arc<SigningKey>>,
}

/// Why a text is no private key for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// Neither PEM nor a private JSON Web Key.
    #[error("it is neither a private key in PEM nor a private JSON Web Key")]
    NotAKey,
    /// The public half alone.
    #[error("it is a public key; the private one is needed")]
    Public,
    /// It needs a passphrase, and nobody is there to type it.
    #[error("it is encrypted with a passphrase")]
    Encrypted,
    /// The algorithm is none that servers take from clients.
    #[error("its algorithm {0} does not sign for clients")]
    Algorithm(&'static str),
    /// The id of the key is empty, too long or unprintable.
    #[error("the key id must have 1 to 256 printable characters")]
    KeyId,
    /// Something is wrong with the key itself.
    #[error("it cannot be used: {0}")]
    Unusable(KeyError),
}

impl PrivateKeyError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Encrypted => {
                "write it without: `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW`, mode 600"
            }
            Self::Algorithm(_) | Self::Unusable(_) => {
                "make a key: `openssl genpkey -algorithm ed25519`, or EC P-256, or RSA with 2048 bits or more"
            }
            Self::KeyId => "take the `kid` under which the server has registered the key",
            Self::NotAKey | Self::Public => {
                "name a file with `-----BEGIN PRIVATE KEY-----` or a JWK with its member `d`"
            }
        }
    }
}

impl PrivateKey {
    /// Reads a private key: PEM (PKCS #8, SEC 1 or PKCS #1, unencrypted) or a JSON Web Key (RFC 7517).
    /// EC keys of P-256 sign with `ES256`, Ed25519 keys with `EdDSA`; RSA keys with the `alg` of
    /// their JWK, else with what the server's metadata lists of `RS256` and `PS256`.
    ///
    /// Its id (`kid`) is the JWK's, else the thumbprint of RFC 7638.
    ///
    /// ```
    /// use hallpass_client::PrivateKey;
    ///
    /// let pem = "-----BEGIN PRIVATE KEY-----
    /// MC4CAQAwBQYDK2VwBCIEIDuGwlabLBQB9AfwhOwuk30uw9NPNqcXxopTFLcKekqE
    /// -----END PRIVATE KEY-----";
    /// let key = PrivateKey::parse(pem)?.with_key_id("robot-1")?;
    /// assert_eq!(key.public_jwks()["keys"][0]["kid"], "robot-1");
    /// # Ok::<(), hallpass_client::PrivateKeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError`]; nothing of the text is repeated in it.
    pub fn parse(text: &str) -> Result<Self, PrivateKeyError> {
        let is_json = text.trim_start().starts_with('{');
        let read = |rsa| {
            if is_json {
                SigningKey::from_private_jwk_assuming(text, rsa)
            } else {
                SigningKey::from_pem(text, rsa)
            }
        };
        let first = read(Algorithm::Rs256).map_err(|error| why(&error, text))?;
        // Whether an RSA key says itself what it is for shows in its other reading.
        let other = (first.algorithm() == Algorithm::Rs256)
            .then(|| read(Algorithm::Ps256).ok())
            .flatten()
            .filter(|other| other.algorithm() != first.algorithm());
        let keys: Vec<_> = std::iter::once(first).chain(other).map(Arc::new).collect();
        match keys
            .iter()
            .find(|key| !ALGORITHMS.contains(&key.algorithm()))
        {
            Some(key) => Err(PrivateKeyError::Algorithm(key.algorithm().as_str())),
            None => Ok(Self { keys }),
        }
    }

    /// The same key by the id under which the server has it.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError::KeyId`] for an id that no server takes.
    pub fn with_key_id(self, kid: &str) -> Result<Self, PrivateKeyError> {
        if !(1..=LONGEST_KID).contains(&kid.len()) || !clean::is_clean(kid) {
            return Err(PrivateKeyError::KeyId);
        }
        let renamed = |key: &Arc<SigningKey>| {
            let der = key.to_pkcs8()?;
            SigningKey::from_pkcs8(key.algorithm(), kid, der.expose()).map(Arc::new)
        };
        let keys = self.keys.iter().map(renamed).collect::<Result<_, _>>();
        keys.map(|keys| Self { keys })
            .map_err(PrivateKeyError::Unusable)
    }

    /// The public half as a JWK Set (RFC 7517 §5): what the server wants at registration. A key that may
    /// sign in two ways says neither.
    pub fn public_jwks(&self) -> Value {
        let public = self.keys.first().map(|key| {
            let mut jwk = key.public_jwk_json();
            if let Some(members) = jwk.as_object_mut().filter(|_| self.has_choice()) {
                members.remove("alg");
            }
            jwk
        });
        json!({ "keys": public.into_iter().collect::<Vec<_>>() })
    }

    /// Whether it takes the server's metadata to know how the key signs.
    pub(super) fn has_choice(&self) -> bool {
        self.keys.len() > 1
    }

    /// The key with the algorithm that the server takes; the first one when it does not say (`&[]`).
    pub(super) fn for_algorithms(&self, supported: &[String]) -> Option<&SigningKey> {
        let is_taken = |key: &&Arc<SigningKey>| {
            supported.is_empty()
                || supported
                    .iter()
                    .any(|name| name.parse() == Ok(key.algorithm()))
        };
        self.keys.iter().find(is_taken).map(Arc::as_ref)
    }

    /// The algorithms that it may sign with, for a sentence.
    pub(super) fn algorithms(&self) -> String {
        let names: Vec<_> = self
            .keys
            .iter()
            .map(|key| key.algorithm().as_str())
            .collect();
        names.join(" or ")
    }
}

fn why(error: &KeyError, text: &str) -> PrivateKeyError {
    match error {
        KeyError::Pem if text.contains("-----BEGIN PUBLIC KEY-----") => PrivateKeyError::Public,
        KeyError::Pem | KeyError::NotAJwk => PrivateKeyError::NotAKey,
        KeyError::Missing("d") => PrivateKeyError::Public,
        KeyError::Encrypted => PrivateKeyError::Encrypted,
        KeyError::Public(JwkError::UnsupportedAlgorithm) => {
            PrivateKeyError::Algorithm("of its `alg`")
        }
        other => PrivateKeyError::Unusable(*other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! pem {
        ($name:literal) => {
            include_str!(concat!(
                "../../../protocol/tests/vectors/private_keys/",
                $name,
                ".pem"
            ))
        };
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_rsa_key_signs_as_the_server_wants_and_with_rs256_when_it_does_not_say() {
        let key = PrivateKey::parse(pem!("rsa_pkcs8")).unwrap();
        let chosen = |names: &[&str]| {
            let key = key.for_algorithms(&list(names))?;
            Some(key.algorithm())
        };
        assert_eq!(chosen(&[]), Some(Algorithm::Rs256));
        assert_eq!(chosen(&["PS256", "ES256"]), Some(Algorithm::Ps256));
        assert_eq!(chosen(&["PS256", "RS256"]), Some(Algorithm::Rs256));
        assert_eq!(chosen(&["ES256", "HS256"]), None);
        assert!(key.public_jwks()["keys"][0].get("alg").is_none());
    }

    #[test]
    fn a_jwk_is_read_with_its_id_and_its_algorithm() {
        let ec = r#"{"kty":"EC","crv":"P-256","kid":"ec",
            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
        let key = PrivateKey::parse(ec).unwrap();
        assert_eq!(key.public_jwks()["keys"][0]["kid"], "ec");
        assert!(key.for_algorithms(&list(&["ES256"])).is_some());
        assert!(!key.has_choice());
        let public = ec.replace(r#""d":"#, r#""was":"#);
        assert_eq!(
            PrivateKey::parse(&public).unwrap_err(),
            PrivateKeyError::Public
        );
    }

    #[test]
    fn what_is_no_key_for_a_client_is_refused_with_a_hint() {
        for (text, reason) in [
            ("", PrivateKeyError::NotAKey),
            ("{}", PrivateKeyError::NotAKey),
            ("s3cret", PrivateKeyError::NotAKey),
            (
                "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
                PrivateKeyError::Public,
            ),
            (pem!("ec_encrypted_pkcs8"), PrivateKeyError::Encrypted),
            (pem!("p384_sec1"), PrivateKeyError::Algorithm("ES384")),
            (
                pem!("secp256k1_sec1"),
                PrivateKeyError::Unusable(KeyError::Pkcs8),
            ),
        ] {
            let error = PrivateKey::parse(text).unwrap_err();
            assert_eq!(error, reason, "{text}");
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn c_49_debug_of_a_key_shows_no_private_part() {
        let key = PrivateKey::parse(pem!("ed25519_pkcs8")).unwrap();
        assert!(!format!("{key:?}").contains("DuGwlabLBQB9"));
    }
}
