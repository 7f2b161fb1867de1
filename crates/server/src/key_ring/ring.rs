//! The keys of the ring and what is derived from them: one key for each purpose, so that none passes
//! for another.
//!
//! HKDF, RFC 5869: <https://www.rfc-editor.org/rfc/rfc5869>. For users: `docs/server.md`.

use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hallpass_protocol::random::{self, Random};
use hallpass_protocol::{Secret, Timestamp};
use hallpass_store::{StoreKey, StoreKeys};
use serde::Deserialize;

/// Secrets of 32 bytes, each with an id from 1 to 255. The first one makes what is new; all of them
/// are accepted.
#[derive(Clone, Debug)]
pub struct KeyRing {
    first: RootKey,
    others: Vec<RootKey>,
}

#[derive(Clone, Debug)]
struct RootKey {
    id: u8,
    secret: Secret<[u8; 32]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingToml {
    key: Vec<KeyToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyToml {
    id: u8,
    key: String,
}

impl KeyRing {
    /// A ring of one new key.
    pub fn generate(random: &dyn Random) -> Self {
        Self {
            first: RootKey {
                id: 1,
                secret: Secret::new(random::bytes(random)),
            },
            others: Vec::new(),
        }
    }

    /// Reads `[[key]]` tables, or only their list as one line; says what is wrong without any key.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let is_list = text.trim_start().starts_with('[') && !text.trim_start().starts_with("[[key");
        let document = if is_list {
            Secret::new(format!("key = {text}"))
        } else {
            Secret::new(text.to_owned())
        };
        // The parser's own message quotes the line, which is secret.
        let ring: RingToml = toml::from_str(document.expose())
            .map_err(|error| format!("is not a key ring: {}", first_line(error.message())))?;
        let mut keys: Vec<RootKey> = Vec::new();
        for KeyToml { id, key } in ring.key {
            let key = Secret::new(key);
            if id == 0 || keys.iter().any(|known| known.id == id) {
                return Err(format!(
                    "has the key id {id} twice or as 0: each key has its own, from 1 to 255"
                ));
            }
            let decoded = Secret::new(
                URL_SAFE_NO_PAD
                    .decode(key.expose())
                    .or_else(|_| STANDARD.decode(key.expose()))
                    .unwrap_or_default(),
            );
            let Ok(secret) = <[u8; 32]>::try_from(decoded.expose().as_slice()) else {
                return Err(format!("has a key {id} that is not 32 bytes in base64"));
            };
            let secret = Secret::new(secret);
            if keys.iter().any(|known| known.secret == secret) {
                return Err(format!("has the bytes of key {id} twice"));
            }
            if secret
                .expose()
                .iter()
                .all(|byte| Some(byte) == secret.expose().first())
            {
                return Err(format!(
                    "has a key {id} that nobody drew: all its bytes are the same"
                ));
            }
            keys.push(RootKey { id, secret });
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or("holds no key")?;
        Ok(Self {
            first,
            others: keys.collect(),
        })
    }

    /// The ring as a file, with a word for whoever opens it.
    pub(super) fn spell(&self, now: Timestamp) -> Secret<String> {
        let day = jiff::Timestamp::from_millisecond(now.unix_millis()).unwrap_or_default();
        let mut text = format!(
            "# The key ring of hallpass, made {}. Whoever has it and the database can sign tokens.\n\
             # The first key seals what is new; all of them open what is there. Keep a copy apart from\n\
             # the backups of the database: without it nobody can read them.\n",
            day.strftime("%Y-%m-%d")
        );
        for RootKey { id, secret } in self.all() {
            let key = Secret::new(URL_SAFE_NO_PAD.encode(secret.expose()));
            text.push_str("\n[[key]]\nid = ");
            text.push_str(&id.to_string());
            text.push_str("\nkey = \"");
            text.push_str(key.expose());
            text.push_str("\"\n");
        }
        Secret::new(text)
    }

    /// The ring with one more key, which is the first from now on; `None` when all ids are taken.
    #[must_use]
    pub fn with_new_first(&self, random: &dyn Random) -> Option<Self> {
        let is_free = |id: &u8| self.all().all(|key| key.id != *id);
        let highest = self.all().map(|key| key.id).max().unwrap_or_default();
        let id = (highest.checked_add(1)).or_else(|| (1..=u8::MAX).find(is_free))?;
        Some(Self {
            first: RootKey {
                id,
                secret: Secret::new(random::bytes(random)),
            },
            others: self.all().cloned().collect(),
        })
    }

    /// The ids of the keys, the first one first.
    pub fn ids(&self) -> Vec<u8> {
        self.all().map(|key| key.id).collect()
    }

    /// The keys that seal the database.
    pub(crate) fn store_keys(&self) -> StoreKeys {
        let keys = self.derive(b"dbenc");
        StoreKeys::new(keys.map(|(id, key)| (id, StoreKey::from_bytes(*key.expose()))))
    }

    /// One key of each root for a purpose, the first one first.
    pub(crate) fn derive<'a>(
        &'a self,
        purpose: &'a [u8],
    ) -> impl Iterator<Item = (u8, Secret<[u8; 32]>)> + 'a {
        self.all()
            .map(move |key| (key.id, derive(&key.secret, purpose)))
    }

    fn all(&self) -> impl Iterator<Item = &RootKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

fn derive(root: &Secret<[u8; 32]>, purpose: &[u8]) -> Secret<[u8; 32]> {
    let mut key = [0; 32];
    let purposes = [purpose];
    let okm = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hallpass/1").extract(root.expose());
    // RFC 5869 §2.3: it fails only beyond 255 hashes, and this is one.
    let filled = okm
        .expand(&purposes, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key));
    debug_assert!(filled.is_ok(), "one hash is always there");
    Secret::new(key)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    #[test]
    fn a_ring_is_read_as_it_is_spelled() {
        let ring = KeyRing::generate(&SystemRandom)
            .with_new_first(&SystemRandom)
            .unwrap();
        assert_eq!(ring.ids(), [2, 1]);
        let text = ring.spell(Timestamp::UNIX_EPOCH);
        let again = KeyRing::parse(text.expose()).unwrap();
        assert_eq!(again.ids(), [2, 1]);
        let first = |ring: &KeyRing, purpose| ring.derive(purpose).next().unwrap();
        assert!(first(&again, b"rt") == first(&ring, b"rt"));
        assert!(first(&ring, b"rt") != first(&ring, b"page"));
        let line = format!(
            "[{{id = 7, key = \"{}\"}}]",
            URL_SAFE_NO_PAD.encode((0..32).collect::<Vec<u8>>())
        );
        assert_eq!(KeyRing::parse(&line).unwrap().ids(), [7]);
    }

    #[test]
    fn a_bad_ring_is_refused_without_a_word_of_it() {
        let good = URL_SAFE_NO_PAD.encode((0..32).collect::<Vec<u8>>());
        let zero = URL_SAFE_NO_PAD.encode([0; 32]);
        for (text, problem) in [
            (String::new(), "missing field `key`"),
            ("key = []".to_owned(), "holds no key"),
            (format!("[[key]]\nid = 0\nkey = \"{good}\""), "0"),
            (
                format!("[[key]]\nid = 300\nkey = \"{good}\""),
                "not a key ring",
            ),
            (
                format!("[[key]]\nid = 1\nkey = \"{good}x\""),
                "not 32 bytes",
            ),
            (
                "[[key]]\nid = 1\nkey = \"c2VjcmV0\"".to_owned(),
                "not 32 bytes",
            ),
            (format!("[[key]]\nid = 1\nkey = \"{zero}\""), "nobody drew"),
            (
                format!("[{{id=1,key=\"{good}\"}},{{id=1,key=\"{good}\"}}]"),
                "twice",
            ),
            (
                format!("[{{id=1,key=\"{good}\"}},{{id=2,key=\"{good}\"}}]"),
                "twice",
            ),
            (
                format!("[[key]]\nid = 1\nkey = \"{good}\"\nsecret = 1"),
                "unknown field",
            ),
            (format!("[[key]]\nid = 1\nkey = {good}"), "not a key ring"),
        ] {
            let error = KeyRing::parse(&text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
            assert!(
                !error.contains(&good) && !error.contains("c2VjcmV0"),
                "{error}"
            );
        }
    }
}
