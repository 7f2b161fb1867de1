//! One type for each kind of identifier, so that a user's id never passes for a client's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::random::{self, Random};
use crate::{Timestamp, hex};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an identifier as it was read.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The identifier as it travels.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id! {
    /// A client identifier, RFC 6749 §2.2.
    ClientId
}
string_id! {
    /// A user at one issuer: the `sub` of that person's tokens, at most 255 ASCII characters
    /// (OIDC Core §8).
    UserId
}
string_id! {
    /// The `kid` of a key, RFC 7517 §4.5.
    KeyId
}

/// The id of an authorization: one sign-in of one user with one client on one device.
///
/// It is the `sid` claim of every token that hangs from the authorization. Time-ordered (`UUIDv7`),
/// so that rows which are written together lie together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthorizationId([u8; 16]);

impl AuthorizationId {
    /// Draws a new id.
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        Self(random::uuid_v7(now, random))
    }

    /// The id as it is stored.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id as it was stored.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads the form that travels: 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }
}

impl fmt::Display for AuthorizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for AuthorizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn an_authorization_id_survives_its_text_form() {
        let id =
            AuthorizationId::generate(Timestamp::from_unix_seconds(1_700_000_000), &SystemRandom);
        assert_eq!(AuthorizationId::parse(&id.to_string()), Some(id));
        assert_eq!(id.to_string().as_bytes()[12], b'7');
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        for text in [
            "",
            "00",
            "ABCDEF00000000000000000000000000",
            "zz000000000000000000000000000000",
        ] {
            assert_eq!(AuthorizationId::parse(text), None, "{text}");
        }
    }
}
