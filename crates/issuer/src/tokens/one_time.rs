//! One-time secrets: authorization codes, device codes and cookies. 256 random bits, kept only as
//! a hash.

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_protocol::Secret;
use hallpass_protocol::random::{self, Random};
use serde::{Deserialize, Serialize};

use super::spelling;

/// SHA-256 of a secret: what is stored and looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret. A fast hash is right: 256 random bits cannot be guessed.
    pub fn of(secret: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret).as_ref());
        Self(hash)
    }

    /// The hash as it is stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash as it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// What a one-time secret is for; its prefix lets secret scanners find leaked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `hpc_`
    AuthorizationCode,
    /// `hpd_`
    DeviceCode,
    /// `hpb_`: the cookie of a browser session.
    BrowserSession,
    /// `hpl_`: a link in a mail, to an account.
    AccountLink,
    /// `hpp_`: the `request_uri` of a pushed authorization request.
    PushedRequest,
    /// `hps_`: the secret of a client that registered itself.
    ClientSecret,
    /// `hpg_`: manages the registration of such a client (RFC 7592).
    Registration,
    /// `dyn_`: the id of such a client; no secret, but spelled like one.
    RegisteredClient,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "hpc_",
            Self::DeviceCode => "hpd_",
            Self::BrowserSession => "hpb_",
            Self::AccountLink => "hpl_",
            Self::PushedRequest => "hpp_",
            Self::ClientSecret => "hps_",
            Self::Registration => "hpg_",
            Self::RegisteredClient => "dyn_",
        }
    }

    /// Draws a new secret.
    pub fn generate(self, random: &dyn Random) -> (Secret<String>, SecretHash) {
        let bytes = random::bytes::<32>(random);
        let secret = spelling::spell(self.prefix(), &bytes);
        (Secret::new(secret), SecretHash::of(&bytes))
    }

    /// Reads a secret from outside; `None` when it cannot be one of ours.
    pub fn read(self, text: &str) -> Option<SecretHash> {
        spelling::read::<32>(self.prefix(), text).map(|bytes| SecretHash::of(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use hallpass_protocol::random::SystemRandom;

    use super::*;

    #[test]
    fn s_06_ten_thousand_device_codes_without_a_duplicate() {
        let codes: HashSet<String> = (0..10_000)
            .map(|_| Kind::DeviceCode.generate(&SystemRandom).0.expose().clone())
            .collect();
        assert_eq!(codes.len(), 10_000);
        assert!(
            codes
                .iter()
                .all(|code| code.len() >= 43 && code.starts_with("hpd_"))
        );
    }

    #[test]
    fn a_secret_is_found_again_by_its_hash() {
        let (secret, hash) = Kind::AuthorizationCode.generate(&SystemRandom);
        assert_eq!(Kind::AuthorizationCode.read(secret.expose()), Some(hash));
        assert_eq!(Kind::DeviceCode.read(secret.expose()), None);
        assert_eq!(Kind::AuthorizationCode.read("wPW2uEjQekhUNWQzNBxg"), None);
    }
}
