//! The keys that sign an issuer's tokens, and who may see them when.

use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::{KeyId, Secret, Timestamp};

/// A signing key as it is kept; the private half is sealed by whoever stores it.
#[derive(Clone, Debug)]
pub struct SigningKeyRecord {
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// Its `kid`.
    pub kid: KeyId,
    /// Its one algorithm.
    pub algorithm: Algorithm,
    /// The private key, PKCS #8.
    pub pkcs8: Secret<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}
