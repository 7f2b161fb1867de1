//! Tokens that no honest code writes, for tests.

use super::{Algorithm, JwkSet, SigningKey, base64url};

/// Signs any header over any payload.
pub(crate) fn forge(key: &SigningKey, header: &str, payload: &str) -> String {
    let input = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(payload)
    );
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url::encode(signature))
}

/// A fresh ES256 key with the id `k1`.
pub(crate) fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256, "k1").unwrap()
}

/// The public half of one key.
pub(crate) fn set_of(key: &SigningKey) -> JwkSet {
    JwkSet::new([key.public_jwk()])
}
