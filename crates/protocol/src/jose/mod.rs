//! JOSE, as little of it as OAuth needs: compact signatures with asymmetric keys.
//!
//! There is no encryption, no `none` and no HMAC, so a public key can never be taken for a shared
//! secret (RFC 8725 §2.1). The key decides the algorithm, never the token (§3.1).
//!
//! RFC 7515 (JWS), 7517 (JWK), 7518 (JWA), 7519 (JWT), 7638 (thumbprints), 8037 (Ed25519),
//! 8725 (best current practices): <https://www.rfc-editor.org/rfc/rfc8725>

mod algorithm;
pub mod base64url;
#[cfg(test)]
pub(crate) mod forge;
mod header;
pub mod json;
mod jwk;
mod jwk_set;
mod jws;
pub mod jwt;
mod key_pair;
mod material;
pub mod numeric_date;
mod private_jwk;
mod private_pem;
mod signing_key;
mod thumbprint;
pub mod typ;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use header::EncodedHeader;
pub use jwk::{Jwk, JwkError, SignatureError};
pub use jwk_set::{JwkSet, JwkSetError, JwkSetRules, Unusable};
pub use jws::{JwsError, SignError, Unverified, Verified, sign_compact, sign_jwt, sign_with};
pub use key_pair::KeyError;
pub(crate) use material::rs256_verifier;
pub use signing_key::SigningKey;
pub use typ::TypRule;
