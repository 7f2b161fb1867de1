//! Access tokens whose signature was checked a moment ago: a resource server asks about the same
//! token again and again, and a signature that was good stays good.
//!
//! What is remembered is the signature, the claims, and when the database was last asked whether the
//! token lives. Time, issuer and revocation are looked at each time, and an entry counts only with
//! the very keys that it was checked with.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_store::SeenLive;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::keys::IssuerKeys;

/// About so much memory; the least used are forgotten first.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// What an entry takes besides its claims.
const OVERHEAD: u64 = 512;
/// The usual entry, for the size of the table.
const USUAL_BYTES: u64 = 2048;

/// The tokens, by their SHA-256: the table holds nothing that could be presented.
#[derive(Debug)]
pub(crate) struct VerifiedTokens(Cache<[u8; 32], Arc<KnownToken>, ByLength>);

/// A token whose signature is good.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) claims: Arc<AccessTokenClaims>,
    /// When the database said that it lives.
    pub(crate) seen_live: SeenLive,
    keys: Arc<IssuerKeys>,
    length: u64,
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<[u8; 32], Arc<KnownToken>> for ByLength {
    fn weight(&self, _: &[u8; 32], entry: &Arc<KnownToken>) -> u64 {
        // Base64 makes a token a third longer than its claims; in memory they take about twice.
        OVERHEAD + 2 * entry.length
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        let usual = usize::try_from(MOST_BYTES / USUAL_BYTES).unwrap_or(1);
        Self(Cache::with_weighter(usual, MOST_BYTES, ByLength))
    }
}

impl VerifiedTokens {
    /// A token that these keys signed; `read` checks one that is not known.
    pub(crate) fn find(
        &self,
        keys: &Arc<IssuerKeys>,
        token: &str,
        read: impl FnOnce() -> Option<AccessTokenClaims>,
    ) -> Option<Arc<KnownToken>> {
        let hash = hash_of(token);
        if let Some(known) = self.0.get(&hash)
            && Arc::ptr_eq(&known.keys, keys)
        {
            return Some(known);
        }
        let known = Arc::new(KnownToken {
            claims: Arc::new(read()?),
            seen_live: SeenLive::default(),
            keys: Arc::clone(keys),
            length: u64::try_from(token.len()).unwrap_or(u64::MAX / 4),
        });
        self.0.insert(hash, Arc::clone(&known));
        Some(known)
    }
}

fn hash_of(token: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(token.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use hallpass_issuer::tokens::mint::Dialect;
    use hallpass_protocol::jose::{Algorithm, SigningKey};
    use serde_json::json;

    use super::*;

    fn keys() -> Arc<IssuerKeys> {
        let key = Arc::new(SigningKey::generate(Algorithm::Es256, "k1").unwrap());
        let all = std::iter::once(key.as_ref());
        let both = (Arc::clone(&key), Arc::clone(&key));
        Arc::new(IssuerKeys::new(both, all, Dialect::Mock).unwrap())
    }

    fn claims() -> AccessTokenClaims {
        let claims = json!({
            "iss": "https://id.example", "sub": "ada", "aud": "api", "exp": 2, "iat": 1,
            "jti": "t1", "client_id": "cli",
        });
        serde_json::from_value(claims).unwrap()
    }

    #[test]
    fn s_156_with_other_keys_a_token_is_checked_again() {
        let (tokens, old, new) = (VerifiedTokens::default(), keys(), keys());
        assert!(tokens.find(&old, "token", || Some(claims())).is_some());
        assert!(tokens.find(&old, "token", || None).is_some());
        assert!(tokens.find(&new, "token", || None).is_none());
        assert!(tokens.find(&old, "other", || None).is_none());
    }

    #[test]
    fn s_140_the_memory_is_bounded() {
        let (tokens, keys) = (VerifiedTokens::default(), keys());
        for number in 0..4_000 {
            let token = format!("{number:2000}");
            assert!(tokens.find(&keys, &token, || Some(claims())).is_some());
        }
        assert!(tokens.0.weight() <= MOST_BYTES);
        assert!(tokens.0.len() < 4_000);
    }
}
