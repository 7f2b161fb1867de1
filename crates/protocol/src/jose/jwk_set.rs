//! A set of public keys: what a `jwks_uri` answers, and what a client registers.
//!
//! RFC 7517 §5: <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use serde_json::{Value, json};

use super::json::{self, JsonError};
use super::{Algorithm, Jwk, JwkError};

/// Public keys of one owner. Keep one set per issuer: keys are chosen by issuer first, then by
/// `kid` (RFC 8725 §3.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

/// How a set is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwkSetRules {
    /// The algorithm of RSA keys that do not say theirs; `None` makes such keys unusable.
    pub rsa_algorithm: Option<Algorithm>,
    /// What to do with a key that cannot be used.
    pub unusable: Unusable,
}

/// What to do with a key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Leave it out: RFC 7517 §5, "SHOULD ignore JWKs within a JWK Set that use "kty" values that
    /// are not understood". For sets that we fetch.
    Skip,
    /// Refuse the set, unless the key is marked as one for encryption. For sets that a client
    /// registers with us, so that a mistake is told at once.
    Refuse,
}

/// Why a set was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    /// The text is longer than [`JwkSet::LONGEST_TEXT`].
    #[error("the key set is longer than 128 kB")]
    TooLong,
    /// There are more keys than [`JwkSet::MOST_KEYS`].
    #[error("the key set has more than 64 keys")]
    TooManyKeys,
    /// The text is not acceptable JSON.
    #[error("the key set is {0}")]
    Json(#[from] JsonError),
    /// There is no `keys` array.
    #[error("the key set has no `keys` array")]
    NoKeys,
    /// The key at this position cannot be used ([`Unusable::Refuse`]).
    #[error("key {position} of the set: {reason}")]
    Key {
        /// Its place in the array, from zero.
        position: usize,
        /// What is wrong with it.
        reason: JwkError,
    },
    /// Two keys have the same `kid` ([`Unusable::Refuse`]).
    #[error("two keys of the set have the same `kid`")]
    DuplicateKid,
}

impl JwkSetRules {
    /// For sets that we fetch: what we cannot use is left out.
    pub const FETCHED: Self = Self {
        rsa_algorithm: None,
        unusable: Unusable::Skip,
    };
    /// For sets that are registered with us: everything must be usable.
    pub const REGISTERED: Self = Self {
        rsa_algorithm: None,
        unusable: Unusable::Refuse,
    };

    /// The same rules, with the algorithm that configuration gives RSA keys.
    #[must_use]
    pub const fn with_rsa_algorithm(self, algorithm: Algorithm) -> Self {
        Self {
            rsa_algorithm: Some(algorithm),
            ..self
        }
    }
}

impl JwkSet {
    /// Longer texts are refused unread.
    pub const LONGEST_TEXT: usize = 128 * 1024;
    /// Larger sets are refused.
    pub const MOST_KEYS: usize = 64;

    /// Makes a set of keys that are already parsed.
    pub fn new(keys: impl IntoIterator<Item = Jwk>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
        }
    }

    /// Reads a fetched set ([`JwkSetRules::FETCHED`]).
    pub fn from_json(text: &str) -> Result<Self, JwkSetError> {
        Self::read(text, JwkSetRules::FETCHED)
    }

    /// Reads a set by the given rules.
    pub fn read(text: &str, rules: JwkSetRules) -> Result<Self, JwkSetError> {
        if text.len() > Self::LONGEST_TEXT {
            return Err(JwkSetError::TooLong);
        }
        Self::from_value(&json::parse(text.as_bytes())?, rules)
    }

    /// Reads a set that is a part of a larger document, such as a client's `jwks`.
    pub fn from_value(value: &Value, rules: JwkSetRules) -> Result<Self, JwkSetError> {
        let members = value
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(JwkSetError::NoKeys)?;
        if members.len() > Self::MOST_KEYS {
            return Err(JwkSetError::TooManyKeys);
        }
        let mut set = Self::default();
        for (position, member) in members.iter().enumerate() {
            match (Jwk::read(member, rules.rsa_algorithm), rules.unusable) {
                (Ok(key), Unusable::Refuse) if key.kid().is_some_and(|kid| set.has_kid(kid)) => {
                    return Err(JwkSetError::DuplicateKid);
                }
                (Ok(key), Unusable::Skip | Unusable::Refuse) => set.keys.push(key),
                (Err(JwkError::NotForSignatures), Unusable::Refuse) | (Err(_), Unusable::Skip) => {}
                (Err(reason), Unusable::Refuse) => {
                    return Err(JwkSetError::Key { position, reason });
                }
            }
        }
        Ok(set)
    }

    /// The keys that a signature with this header may come from.
    ///
    /// A header with `kid` names one key; without, every key of the algorithm is tried (C-41).
    pub fn candidates<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Jwk> {
        self.keys
            .iter()
            .filter(move |key| key.algorithm() == algorithm)
            .filter(move |key| kid.is_none() || key.kid() == kid)
    }

    /// Whether a key has this id: when none has, it may be time to fetch the set again.
    pub fn has_kid(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The set as it is published: public parts only, each with `alg` and `use`.
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Jwk::to_json).collect::<Vec<_>>() })
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self::new(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::SigningKey;

    fn public(algorithm: Algorithm, kid: &str) -> Value {
        SigningKey::generate(algorithm, kid)
            .unwrap()
            .public_jwk_json()
    }

    #[test]
    fn c_41_keys_that_cannot_be_used_are_left_out() {
        let good = public(Algorithm::Es256, "good");
        let mut encryption = public(Algorithm::Es256, "enc");
        encryption["use"] = json!("enc");
        let mut undecided = public(Algorithm::Rs256, "rsa");
        undecided.as_object_mut().unwrap().remove("alg");
        let keys = json!([1, { "kty": "AKP" }, encryption, undecided, good]);
        let text = json!({ "keys": keys }).to_string();

        let set = JwkSet::from_json(&text).unwrap();
        assert_eq!(
            set.keys().iter().map(Jwk::kid).collect::<Vec<_>>(),
            [Some("good")]
        );

        let rules = JwkSetRules::FETCHED.with_rsa_algorithm(Algorithm::Rs256);
        let set = JwkSet::read(&text, rules).unwrap();
        assert!(set.has_kid("rsa") && set.has_kid("good") && !set.has_kid("enc"));
    }

    #[test]
    fn s_115_a_registered_set_tells_what_is_wrong_with_it() {
        let mut encryption = public(Algorithm::Es256, "enc");
        encryption["use"] = json!("enc");
        let good = public(Algorithm::EdDsa, "good");
        let weak = json!({ "kty": "RSA", "alg": "RS256", "e": "AQAB", "n": "_".repeat(171) });
        let read =
            |keys: Value| JwkSet::from_value(&json!({ "keys": keys }), JwkSetRules::REGISTERED);

        assert_eq!(read(json!([encryption, good])).unwrap().keys().len(), 1);
        let reason = JwkError::Malformed("n");
        assert_eq!(
            read(json!([good, weak])),
            Err(JwkSetError::Key {
                position: 1,
                reason
            })
        );
        assert_eq!(read(json!([good, good])), Err(JwkSetError::DuplicateKid));
    }

    #[test]
    fn c_41_without_kid_every_key_of_the_algorithm_is_a_candidate() {
        let set = JwkSet::from_json(
            &json!({ "keys": [
                public(Algorithm::Es256, "a"),
                public(Algorithm::Es256, "b"),
                public(Algorithm::EdDsa, "c"),
            ]})
            .to_string(),
        )
        .unwrap();
        let kids = |kid, algorithm| {
            set.candidates(kid, algorithm)
                .filter_map(Jwk::kid)
                .collect::<Vec<_>>()
        };
        assert_eq!(kids(None, Algorithm::Es256), ["a", "b"]);
        assert_eq!(kids(Some("b"), Algorithm::Es256), ["b"]);
        assert!(kids(Some("c"), Algorithm::Es256).is_empty());
        assert!(kids(Some("x"), Algorithm::EdDsa).is_empty());
    }

    #[test]
    fn oversized_and_malformed_sets_are_refused() {
        let spaces = " ".repeat(JwkSet::LONGEST_TEXT);
        let many = json!({ "keys": vec![json!({}); JwkSet::MOST_KEYS + 1] }).to_string();
        let refused = [
            (format!("{{\"keys\":[]}}{spaces}"), JwkSetError::TooLong),
            (many, JwkSetError::TooManyKeys),
            ("{}".to_owned(), JwkSetError::NoKeys),
            ("[]".to_owned(), JwkSetError::NoKeys),
            (r#"{"keys":{}}"#.to_owned(), JwkSetError::NoKeys),
            (
                r#"{"keys":[],"keys":[]}"#.to_owned(),
                JsonError::DuplicateMember.into(),
            ),
            ("<html>".to_owned(), JsonError::Malformed.into()),
        ];
        for (text, reason) in refused {
            assert_eq!(JwkSet::from_json(&text), Err(reason));
        }
    }

    #[test]
    fn s_122_a_published_set_has_public_members_only() {
        let keys = Algorithm::ALL.map(|algorithm| {
            SigningKey::generate(algorithm, algorithm.as_str())
                .unwrap()
                .public_jwk()
        });
        let published = JwkSet::new(keys).to_json();
        for key in published["keys"].as_array().unwrap() {
            let names: Vec<_> = key.as_object().unwrap().keys().collect();
            assert!(
                ["d", "p", "q", "dp", "dq", "qi", "k"]
                    .iter()
                    .all(|name| !names.contains(&&(*name).to_owned()))
            );
            assert_eq!(key["use"], "sig");
            assert_eq!(key["alg"], key["kid"]);
        }
        assert_eq!(
            JwkSet::from_json(&published.to_string()).unwrap().to_json(),
            published
        );
    }
}
