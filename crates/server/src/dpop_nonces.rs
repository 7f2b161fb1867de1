//! The nonces of DPoP proofs: a minute and its MAC, so that every node knows them and nobody keeps
//! them.
//!
//! RFC 9449 §8 and §9: <https://www.rfc-editor.org/rfc/rfc9449#section-8>

use aws_lc_rs::hmac;
use hallpass_protocol::Timestamp;
use hallpass_protocol::jose::base64url;

use crate::key_ring::PurposeKeys;

/// A nonce is new for so many seconds, and good for as many more.
const WINDOW: i64 = 60;
/// So much of the MAC is sent.
const TAG: usize = 16;

/// Makes and checks nonces.
#[derive(Debug)]
pub(crate) struct DpopNonces(PurposeKeys);

/// Who asks for the proof. A nonce of one role is none of the other's (RFC 9449 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The endpoints that give tokens.
    AuthorizationServer,
    /// The endpoints that take them.
    Resource,
}

impl DpopNonces {
    pub(crate) fn new(keys: PurposeKeys) -> Self {
        Self(keys)
    }

    /// The nonce of this minute.
    pub(crate) fn current(&self, role: Role, issuer: &str, now: Timestamp) -> String {
        let window = now.unix_seconds().div_euclid(WINDOW);
        let mut nonce = window.to_be_bytes().to_vec();
        let tag = self.0.all().next();
        let tag = tag.map(|key| hmac::sign(key, &message(role, issuer, window)));
        nonce.extend(tag.iter().flat_map(|tag| tag.as_ref().iter().take(TAG)));
        base64url::encode(nonce)
    }

    /// Whether a nonce is of this minute or the one before; or of the next, which another node's
    /// clock may have begun.
    pub(crate) fn is_good(&self, role: Role, issuer: &str, nonce: &str, now: Timestamp) -> bool {
        let decoded = base64url::decode(nonce);
        let Some((window, tag)) = decoded.as_deref().and_then(<[u8]>::split_first_chunk::<8>)
        else {
            return false;
        };
        let window = i64::from_be_bytes(*window);
        let this = now.unix_seconds().div_euclid(WINDOW);
        let message = message(role, issuer, window);
        let is_genuine = |key| {
            let genuine = hmac::sign(key, &message);
            let genuine = genuine.as_ref().get(..TAG).unwrap_or_default();
            aws_lc_rs::constant_time::verify_slices_are_equal(genuine, tag).is_ok()
        };
        (this - 1..=this + 1).contains(&window) && self.0.all().any(is_genuine)
    }
}

/// Every field is length-prefixed, so that none can pass for another.
fn message(role: Role, issuer: &str, window: i64) -> Vec<u8> {
    let label = match role {
        Role::AuthorizationServer => "dpop-nonce/as/1",
        Role::Resource => "dpop-nonce/rs/1",
    };
    let mut message = Vec::new();
    for field in [
        label.as_bytes(),
        issuer.as_bytes(),
        window.to_be_bytes().as_slice(),
    ] {
        message.extend_from_slice(&(field.len() as u64).to_be_bytes());
        message.extend_from_slice(field);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_101_s_102_a_nonce_holds_for_one_role_issuer_and_two_minutes() {
        use Role::{AuthorizationServer, Resource};
        let nonces = DpopNonces::new(PurposeKeys::one([1; 32]));
        let at = Timestamp::from_unix_seconds;
        let nonce = nonces.current(AuthorizationServer, "a", at(600));
        let good = |role, issuer, now| nonces.is_good(role, issuer, &nonce, at(now));
        for now in [540, 600, 659, 719] {
            assert!(good(AuthorizationServer, "a", now), "{now}");
        }
        for now in [0, 539, 720, 100_000] {
            assert!(!good(AuthorizationServer, "a", now), "{now}");
        }
        assert!(!good(Resource, "a", 600));
        assert!(!good(AuthorizationServer, "b", 600));
        // another node's old key.
        let other = DpopNonces::new(PurposeKeys::one([2; 32]));
        assert!(!other.is_good(AuthorizationServer, "a", &nonce, at(600)));
        let now = at(600);
        for bad in ["", "x", &format!("{nonce}A"), "AAAAAAAAAAo"] {
            assert!(!nonces.is_good(AuthorizationServer, "a", bad, now), "{bad}");
        }
    }
}
