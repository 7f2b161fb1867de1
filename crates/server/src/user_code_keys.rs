//! How user codes are looked up: under a key, since 2^34 codes could be tried against a plain hash.

use aws_lc_rs::hmac;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::user_code::UserCode;

use crate::key_ring::PurposeKeys;

/// One key for each key of the ring: codes in flight outlive a new one.
#[derive(Debug)]
pub(crate) struct UserCodeKeys(PurposeKeys);

impl UserCodeKeys {
    pub(crate) fn new(keys: PurposeKeys) -> Self {
        Self(keys)
    }

    /// The hashes under which a code may be found; new ones go under the first.
    pub(crate) fn hashes(&self, code: &UserCode) -> Vec<SecretHash> {
        let hash = |key| SecretHash::of(hmac::sign(key, code.letters().as_bytes()).as_ref());
        self.0.all().map(hash).collect()
    }
}
