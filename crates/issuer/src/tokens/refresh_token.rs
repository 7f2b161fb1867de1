//! Refresh tokens: derived, so that a family is one row whatever the number of refreshes.
//!
//! A token is `hpr_` + base62(key id ‖ authorization ‖ generation ‖ seed ‖ MAC). The MAC covers
//! issuer and client too and is checked before any database work; the seed is random per family, or
//! follows from a device code that is random itself, and the row keeps only its hash, so that neither
//! a database dump nor the key alone makes a token (row S-256).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use hallpass_protocol::random::Random;
use hallpass_protocol::{AuthorizationId, ClientId, Secret};

use super::minting_key::MintingKey;
use super::one_time::SecretHash;
use super::spelling;

const PREFIX: &str = "hpr_";
const BODY: usize = 1 + 16 + 4 + 16;
const MAC: usize = 16;

/// The keys of refresh tokens: one of them makes them, all of them are accepted.
#[derive(Debug)]
pub struct RefreshKeys {
    keys: Vec<(u8, hmac::Key)>,
    minting: MintingKey,
}

/// What a genuine refresh token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The authorization it hangs from.
    pub authorization: AuthorizationId,
    /// Which of the family's tokens it is.
    pub generation: u32,
    /// The family's seed.
    pub seed: Secret<[u8; 16]>,
}

impl RefreshKeys {
    /// One key from 32 secret bytes.
    pub fn new(id: u8, secret: &Secret<[u8; 32]>) -> Self {
        Self {
            keys: vec![(id, hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))],
            minting: MintingKey::new(id),
        }
    }

    /// The keys of a ring, each with its id; the first one makes new tokens.
    pub fn of_ring(keys: impl IntoIterator<Item = (u8, Secret<[u8; 32]>)>) -> Self {
        let key = |(id, secret): (u8, Secret<[u8; 32]>)| {
            (id, hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
        };
        let keys: Vec<_> = keys.into_iter().map(key).collect();
        let first = keys.first().map(|(id, _)| *id).unwrap_or_default();
        Self {
            keys,
            minting: MintingKey::new(first),
        }
    }

    /// Lets another key of the ring make new tokens: whichever this says at the time.
    #[must_use]
    pub fn minted_by(self, minting: MintingKey) -> Self {
        Self { minting, ..self }
    }

    /// Spells a token for a client of an issuer.
    pub fn spell(&self, token: &RefreshToken, issuer: &str, client: &ClientId) -> Secret<String> {
        let Some((id, key)) = self.minting.of(&self.keys) else {
            return Secret::default();
        };
        let mut bytes = Vec::with_capacity(BODY + MAC);
        bytes.push(*id);
        bytes.extend_from_slice(token.authorization.as_bytes());
        bytes.extend_from_slice(&token.generation.to_be_bytes());
        bytes.extend_from_slice(token.seed.expose());
        let tag = mac(key, issuer, client, &bytes);
        bytes.extend(tag.as_ref().iter().take(MAC));
        Secret::new(spelling::spell(PREFIX, &bytes))
    }

    /// Reads a token; `None` unless this issuer made it for this client, in its one spelling.
    pub fn read(&self, text: &str, issuer: &str, client: &ClientId) -> Option<RefreshToken> {
        let bytes = spelling::read::<{ BODY + MAC }>(PREFIX, text)?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        let (id, rest) = body.split_first()?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == id)?;
        let genuine = mac(key, issuer, client, body);
        verify_slices_are_equal(tag, genuine.as_ref().get(..MAC)?).ok()?;
        let (authorization, rest) = rest.split_first_chunk::<16>()?;
        let (generation, seed) = rest.split_first_chunk::<4>()?;
        Some(RefreshToken {
            authorization: AuthorizationId::from_bytes(*authorization),
            generation: u32::from_be_bytes(*generation),
            seed: Secret::new(seed.try_into().ok()?),
        })
    }

    /// The seeds that the family of a one-time code may have, the one of a new family first. They can
    /// be derived again from the code and a key alone, as often as the code is presented. The code
    /// is a secret that nobody keeps, so a dump and the keys make none.
    pub fn seeds_of_code(&self, code: &Secret<String>) -> Vec<Secret<[u8; 16]>> {
        let minting = self.minting.of(&self.keys).into_iter();
        minting
            .chain(&self.keys)
            .map(|(_, key)| seed_of_code(key, code))
            .collect()
    }

    /// The authorization that a well-spelled token names; its MAC is not checked.
    pub fn peek_authorization(&self, text: &str) -> Option<AuthorizationId> {
        let bytes = spelling::read::<{ BODY + MAC }>(PREFIX, text)?;
        let (_, rest) = bytes.split_first()?;
        Some(AuthorizationId::from_bytes(*rest.first_chunk::<16>()?))
    }
}

impl RefreshToken {
    /// The first token of a new family.
    pub fn first(authorization: AuthorizationId, random: &dyn Random) -> Self {
        let seed = Secret::new(hallpass_protocol::random::bytes(random));
        Self::first_with(authorization, seed)
    }

    /// The first token of the family with a seed.
    pub fn first_with(authorization: AuthorizationId, seed: Secret<[u8; 16]>) -> Self {
        Self {
            authorization,
            generation: 0,
            seed,
        }
    }

    /// The token of another generation of the same family.
    #[must_use]
    pub fn at(&self, generation: u32) -> Self {
        Self {
            generation,
            ..self.clone()
        }
    }

    /// What the row keeps of the seed.
    pub fn seed_hash(&self) -> SecretHash {
        SecretHash::of(self.seed.expose())
    }
}

fn seed_of_code(key: &hmac::Key, code: &Secret<String>) -> Secret<[u8; 16]> {
    let mut context = hmac::Context::with_key(key);
    // No refresh token's MAC begins like this.
    context.update(b"seed");
    context.update(code.expose().as_bytes());
    let mut seed = [0; 16];
    for (to, from) in seed.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    Secret::new(seed)
}

/// Every field is labelled and length-prefixed, so that none can pass for another.
fn mac(key: &hmac::Key, issuer: &str, client: &ClientId, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for (label, field) in [
        ("iss", issuer.as_bytes()),
        ("client", client.as_str().as_bytes()),
        ("rt", body),
    ] {
        context.update(label.as_bytes());
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::Timestamp;
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    #[test]
    fn s_256_only_the_issuers_own_spelling_for_this_client_is_read() {
        let keys = RefreshKeys::new(1, &Secret::new([7; 32]));
        let id = AuthorizationId::generate(Timestamp::UNIX_EPOCH, &SystemRandom);
        let token = RefreshToken::first(id, &SystemRandom).at(3);
        let client = ClientId::new("cli");
        let text = keys.spell(&token, "default", &client);
        assert_eq!(text.expose().len(), 82);
        assert_eq!(
            keys.read(text.expose(), "default", &client),
            Some(token.clone())
        );
        assert_eq!(keys.read(text.expose(), "other", &client), None);
        assert_eq!(
            keys.read(text.expose(), "default", &ClientId::new("cl")),
            None
        );
        assert_eq!(
            RefreshKeys::new(2, &Secret::new([7; 32])).read(text.expose(), "default", &client),
            None
        );
        assert_eq!(
            RefreshKeys::new(1, &Secret::new([8; 32])).read(text.expose(), "default", &client),
            None
        );
        // A forged MAC under a correct check sum.
        let forged = spelling::spell(PREFIX, &[1; BODY + MAC]);
        assert_eq!(keys.read(&forged, "default", &client), None);
        // Known `sid`, guessed rest.
        let guess = RefreshToken {
            seed: Secret::new([0; 16]),
            ..token
        };
        let other_key =
            RefreshKeys::new(1, &Secret::new([9; 32])).spell(&guess, "default", &client);
        assert_eq!(keys.read(other_key.expose(), "default", &client), None);
    }

    #[test]
    fn s_22_a_code_leads_to_one_seed_whatever_key_of_the_ring_is_new() {
        let (old, new) = (Secret::new([7; 32]), Secret::new([8; 32]));
        let code = |text: &str| Secret::new(text.to_owned());
        let before = RefreshKeys::new(1, &old).seeds_of_code(&code("hpd_one"));
        let after = RefreshKeys::of_ring([(2, new), (1, old)]).seeds_of_code(&code("hpd_one"));
        let is_first = |seed: &Secret<[u8; 16]>| seed.expose() == before[0].expose();
        assert!(!is_first(&after[0]), "new families are the new key's");
        assert!(after.iter().any(is_first), "old ones are found");
        let other = RefreshKeys::new(1, &Secret::new([7; 32])).seeds_of_code(&code("hpd_two"));
        assert!(!other.iter().any(is_first));
        let stranger = RefreshKeys::new(1, &Secret::new([9; 32])).seeds_of_code(&code("hpd_one"));
        assert!(!stranger.iter().any(is_first));
    }
}
