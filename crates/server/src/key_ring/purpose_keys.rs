//! The keys of one purpose, one of each root of the ring: one makes what is new, all are accepted.

use aws_lc_rs::hmac;
use hallpass_issuer::tokens::minting_key::MintingKey;
use hallpass_protocol::Secret;

/// The keys.
#[derive(Debug)]
pub(crate) struct PurposeKeys {
    keys: Vec<(u8, hmac::Key)>,
    minting: MintingKey,
}

impl PurposeKeys {
    /// Takes the keys, each with the id of its root.
    pub(crate) fn new(
        keys: impl IntoIterator<Item = (u8, Secret<[u8; 32]>)>,
        minting: MintingKey,
    ) -> Self {
        let key = |(id, key): (u8, Secret<[u8; 32]>)| {
            (id, hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
        };
        Self {
            keys: keys.into_iter().map(key).collect(),
            minting,
        }
    }

    /// One key.
    #[cfg(test)]
    pub(crate) fn one(secret: [u8; 32]) -> Self {
        Self::new([(1, Secret::new(secret))], MintingKey::new(1))
    }

    /// All keys, the one that makes what is new first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &hmac::Key> {
        let minting = self.minting.of(&self.keys);
        let id = minting.map(|(id, _)| *id);
        let others = self
            .keys
            .iter()
            .filter(move |(other, _)| Some(*other) != id);
        minting.into_iter().chain(others).map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_261_the_key_that_makes_what_is_new_may_change() {
        let minting = MintingKey::new(1);
        let secrets = [(2, Secret::new([2; 32])), (1, Secret::new([1; 32]))];
        let keys = PurposeKeys::new(secrets, minting.clone());
        let sign = |key: &hmac::Key| hmac::sign(key, b"x").as_ref().to_vec();
        let mut before: Vec<_> = keys.all().map(sign).collect();
        minting.change(2);
        let after: Vec<_> = keys.all().map(sign).collect();
        before.reverse();
        assert_eq!(after, before);
    }
}
