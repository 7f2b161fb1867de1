//! Access tokens whose signature needs no check: this node has just written it, or has checked it.
//!
//! A resource server asks about a token soon after it was issued, and then again and again. A
//! signature that was good stays good. What is remembered is the signature, the claims, and when the
//! token was last seen to live. Time, issuer and revocation are looked at each time, and an entry
//! counts only with the very keys that signed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_store::{Moment, SeenLive};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::keys::IssuerKeys;

/// Claims that were read take about so much memory; the least used are forgotten first.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// What an entry takes besides its claims.
const OVERHEAD: u64 = 512;
/// The usual entry, for the size of the table.
const USUAL_BYTES: u64 = 2048;
/// So many tokens that nobody has asked about yet are known as ours, at about 100 bytes each.
const MOST_SIGNED: usize = 64 * 1024;

/// The tokens, by their SHA-256: the tables hold nothing that could be presented.
#[derive(Debug)]
pub(crate) struct VerifiedTokens {
    read: Cache<TokenHash, Arc<KnownToken>, ByLength>,
    signed: Mutex<LastSigned>,
}

type TokenHash = [u8; 32];

/// A token whose signature is good.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) claims: Arc<AccessTokenClaims>,
    /// When it was last known to live.
    pub(crate) seen_live: SeenLive,
    keys: Arc<IssuerKeys>,
    length: u64,
}

/// What is known of a token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// This node made it, with the keys in use.
    Ours,
    /// Nothing.
    Unchecked,
}

/// The last tokens that were signed here, until somebody asks about them. A cache that keeps what is
/// often asked for would forget the new ones first.
#[derive(Debug, Default)]
struct LastSigned {
    by: HashMap<TokenHash, Signed>,
    order: VecDeque<TokenHash>,
}

/// With which keys a token was signed, and since when it lives.
#[derive(Debug)]
struct Signed {
    keys: Arc<IssuerKeys>,
    lives: Moment,
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<TokenHash, Arc<KnownToken>> for ByLength {
    fn weight(&self, _: &TokenHash, entry: &Arc<KnownToken>) -> u64 {
        // Base64 makes a token a third longer than its claims; in memory they take about twice.
        OVERHEAD + 2 * entry.length
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        let usual = usize::try_from(MOST_BYTES / USUAL_BYTES).unwrap_or(1);
        Self {
            read: Cache::with_weighter(usual, MOST_BYTES, ByLength),
            signed: Mutex::default(),
        }
    }
}

impl VerifiedTokens {
    /// Remembers an access token that these keys have just signed. What it hangs from was seen to live
    /// at `lives` or later.
    pub(crate) fn learn(&self, keys: &Arc<IssuerKeys>, token: &str, lives: Moment) {
        let keys = Arc::clone(keys);
        self.signed().insert(hash_of(token), Signed { keys, lives });
    }

    /// A token that these keys signed; `read` reads one that nobody has read yet.
    pub(crate) fn find(
        &self,
        keys: &Arc<IssuerKeys>,
        token: &str,
        read: impl FnOnce(Signature) -> Option<AccessTokenClaims>,
    ) -> Option<Arc<KnownToken>> {
        let hash = hash_of(token);
        if let Some(known) = self.read.get(&hash)
            && Arc::ptr_eq(&known.keys, keys)
        {
            return Some(known);
        }
        // From here on the claims are remembered, and the hash is not needed.
        let signed = self.signed().by.remove(&hash);
        let ours = signed.filter(|signed| Arc::ptr_eq(&signed.keys, keys));
        let signature = match ours {
            Some(_) => Signature::Ours,
            None => Signature::Unchecked,
        };
        let known = Arc::new(KnownToken {
            claims: Arc::new(read(signature)?),
            seen_live: SeenLive::default(),
            keys: Arc::clone(keys),
            length: u64::try_from(token.len()).unwrap_or(u64::MAX / 4),
        });
        if let Some(signed) = ours {
            known.seen_live.note(signed.lives);
        }
        self.read.insert(hash, Arc::clone(&known));
        Some(known)
    }

    fn signed(&self) -> MutexGuard<'_, LastSigned> {
        // Nothing panics while it holds the lock.
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LastSigned {
    fn insert(&mut self, hash: TokenHash, signed: Signed) {
        if self.order.len() >= MOST_SIGNED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by.remove(&oldest);
        }
        self.order.push_back(hash);
        self.by.insert(hash, signed);
    }
}

fn hash_of(token: &str) -> TokenHash {
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
        assert!(tokens.find(&old, "token", |_| Some(claims())).is_some());
        assert!(tokens.find(&old, "token", |_| None).is_some());
        assert!(tokens.find(&new, "token", |_| None).is_none());
        assert!(tokens.find(&old, "other", |_| None).is_none());
    }

    #[test]
    fn s_156_the_signature_of_a_token_of_this_node_is_not_checked() {
        let (tokens, own, other) = (VerifiedTokens::default(), keys(), keys());
        let seen = |keys, token: &str| {
            let mut seen = None;
            tokens.find(keys, token, |signature| {
                seen = Some(signature);
                None
            });
            seen
        };
        tokens.learn(&own, "token", Moment::present());
        assert_eq!(seen(&own, "token"), Some(Signature::Ours));
        tokens.learn(&own, "token", Moment::present());
        assert_eq!(seen(&other, "token"), Some(Signature::Unchecked));
        tokens.learn(&own, "token", Moment::present());
        assert_eq!(seen(&own, "token2"), Some(Signature::Unchecked));
    }

    #[test]
    fn s_140_the_memory_is_bounded() {
        let (tokens, keys) = (VerifiedTokens::default(), keys());
        for number in 0..4_000 {
            let token = format!("{number:2000}");
            assert!(tokens.find(&keys, &token, |_| Some(claims())).is_some());
        }
        assert!(tokens.read.weight() <= MOST_BYTES);
        assert!(tokens.read.len() < 4_000);
        for number in 0..=MOST_SIGNED {
            tokens.learn(&keys, &number.to_string(), Moment::present());
        }
        let signed = tokens.signed();
        assert_eq!(signed.by.len(), MOST_SIGNED);
        assert!(!signed.by.contains_key(&hash_of("0")), "the oldest goes");
    }
}
