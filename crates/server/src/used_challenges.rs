//! Which PKCE challenges already led to a code, in memory and bounded: a client that sends one again has a
//! constant verifier, or somebody else's.
//!
//! RFC 9700 §2.1.1: <https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1>

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_protocol::ClientId;
use hallpass_protocol::pkce::CodeChallenge;
use quick_cache::sync::Cache;

/// So many are remembered; the least used are forgotten first.
const MOST: usize = 20_000;

/// The challenges of codes, with their clients, as hashes.
#[derive(Debug)]
pub(crate) struct UsedChallenges(Cache<[u8; 32], ()>);

impl Default for UsedChallenges {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl UsedChallenges {
    /// Remembers the challenge of a code; whether it is new (row S-36).
    pub(crate) fn note(&self, client: &ClientId, challenge: &CodeChallenge) -> bool {
        let mut hash = Context::new(&SHA256);
        // The challenge has one length, so no two pairs run into each other.
        hash.update(challenge.as_str().as_bytes());
        hash.update(client.as_str().as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(hash.finish().as_ref());
        let is_new = self.0.get(&key).is_none();
        self.0.insert(key, ());
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_36_a_challenge_is_new_once_for_each_client() {
        let used = UsedChallenges::default();
        let [one, other] =
            ["A", "B"].map(|letter| CodeChallenge::parse(&letter.repeat(43)).unwrap());
        let [cli, web] = ["cli", "web"].map(ClientId::new);
        assert!(used.note(&cli, &one) && used.note(&cli, &other) && used.note(&web, &one));
        assert!(!used.note(&cli, &one) && !used.note(&web, &one));
    }
}
