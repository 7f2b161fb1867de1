//! How user codes are looked up: under a key, since 2^34 codes could be tried against a plain hash.

use aws_lc_rs::hmac;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Secret;
use hallpass_protocol::user_code::UserCode;

/// One key for each key of the ring: codes in flight outlive a new first one.
#[derive(Debug)]
pub(crate) struct UserCodeKeys(Vec<hmac::Key>);

impl UserCodeKeys {
    pub(crate) fn new(keys: impl Iterator<Item = Secret<[u8; 32]>>) -> Self {
        let key = |key: Secret<[u8; 32]>| hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        Self(keys.map(key).collect())
    }

    /// The hashes under which a code may be found; new ones go under the first.
    pub(crate) fn hashes(&self, code: &UserCode) -> Vec<SecretHash> {
        let hash = |key| SecretHash::of(hmac::sign(key, code.letters().as_bytes()).as_ref());
        self.0.iter().map(hash).collect()
    }
}
