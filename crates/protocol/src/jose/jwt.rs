//! The registered claims, and the rules of time that every JWT follows.
//!
//! RFC 7519 §4.1: <https://www.rfc-editor.org/rfc/rfc7519#section-4.1>,
//! FAPI 2.0 §5.3.2.1 (leeway): <https://openid.net/specs/fapi-security-profile-2_0-final.html>

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::numeric_date;
use crate::time::Timestamp;

/// The claims of RFC 7519 §4.1 and whatever else the token says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegisteredClaims {
    /// Issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// Expiration time.
    #[serde(
        default,
        with = "numeric_date::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub exp: Option<Timestamp>,
    /// Not before.
    #[serde(
        default,
        with = "numeric_date::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub nbf: Option<Timestamp>,
    /// Issued at.
    #[serde(
        default,
        with = "numeric_date::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub iat: Option<Timestamp>,
    /// JWT id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Every other claim.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl RegisteredClaims {
    /// Checks `exp`, `nbf` and `iat`; `exp` must be there.
    pub fn check_times(&self, now: Timestamp, leeway: Leeway) -> Result<(), TimeError> {
        Times {
            exp: self.exp,
            nbf: self.nbf,
            iat: self.iat,
        }
        .check(now, leeway)
    }
}

/// The three points in time of a JWT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Expiration time.
    pub exp: Option<Timestamp>,
    /// Not before.
    pub nbf: Option<Timestamp>,
    /// Issued at.
    pub iat: Option<Timestamp>,
}

/// Why a token is not valid at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// There is no `exp`.
    #[error("the token has no `exp`")]
    ExpMissing,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is ahead.
    #[error("the token was issued in the future: the clocks differ")]
    IssuedInFuture,
}

impl Times {
    /// Checks all three; `exp` must be there, the others are checked when they are.
    pub fn check(self, now: Timestamp, leeway: Leeway) -> Result<(), TimeError> {
        let Leeway(leeway) = leeway;
        // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
        if now >= self.exp.ok_or(TimeError::ExpMissing)? + leeway {
            return Err(TimeError::Expired);
        }
        // §4.1.5: "before which the JWT MUST NOT be accepted".
        if self.nbf.is_some_and(|nbf| nbf > now + leeway) {
            return Err(TimeError::NotYetValid);
        }
        // FAPI 2.0 §5.3.2.1: accept `iat` up to 10 s ahead, refuse it past 60 s.
        if self.iat.is_some_and(|iat| iat > now + leeway) {
            return Err(TimeError::IssuedInFuture);
        }
        Ok(())
    }
}

/// How far two clocks may differ: 10 s unless configured, never more than 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leeway(Duration);

impl Leeway {
    /// No more than this, whatever is configured (FAPI 2.0 §5.3.2.1).
    pub const MOST: Self = Self(Duration::from_mins(1));
    /// The clocks are the same clock.
    pub const NONE: Self = Self(Duration::ZERO);

    /// Takes a configured leeway; anything past [`Self::MOST`] is cut.
    pub fn new(configured: Duration) -> Self {
        Self(configured.min(Self::MOST.0))
    }

    /// The time itself.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Leeway {
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

/// The `aud` claim: one name or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience(Vec<String>);

impl Audience {
    /// One recipient; it travels as a string.
    pub fn one(name: impl Into<String>) -> Self {
        Self(vec![name.into()])
    }

    /// Whether a recipient is named.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// The recipients, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many recipients are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether two audiences name the same recipients, in whatever order.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.iter().all(|name| other.contains(name)) && other.iter().all(|name| self.contains(name))
    }
}

impl<T: Into<String>> FromIterator<T> for Audience {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Audience {
    /// RFC 7519 §4.1.3: one recipient MAY be "a single case-sensitive string"; most readers expect
    /// it so.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [name] = self.0.as_slice() {
            serializer.serialize_str(name)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "`aud` must be a string or an array of strings")]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        })
    }
}

/// Writes the extra claims of a token without those that the token's own fields already say, so
/// that configuration can never write a claim twice or replace `sub`.
pub(crate) fn serialize_extra<S: Serializer>(
    extra: &Map<String, Value>,
    own: &[&str],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        extra
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str())),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn read(claims: &Value) -> Result<RegisteredClaims, serde_json::Error> {
        serde_json::from_value(claims.clone())
    }

    #[test]
    fn s_120_the_table_of_times() {
        let ok = Ok(());
        let table = [
            (json!({ "exp": NOW + 1 }), ok),
            (json!({ "exp": NOW - 9 }), ok),
            (json!({ "exp": NOW - 10 }), Err(TimeError::Expired)),
            (json!({ "exp": NOW - 11 }), Err(TimeError::Expired)),
            (json!({ "exp": 0 }), Err(TimeError::Expired)),
            (json!({}), Err(TimeError::ExpMissing)),
            (json!({ "exp": null }), Err(TimeError::ExpMissing)),
            (json!({ "exp": NOW + 60, "nbf": NOW + 8 }), ok),
            (json!({ "exp": NOW + 60, "nbf": NOW + 10 }), ok),
            (
                json!({ "exp": NOW + 60, "nbf": NOW + 11 }),
                Err(TimeError::NotYetValid),
            ),
            (
                json!({ "exp": NOW + 99, "nbf": NOW + 61 }),
                Err(TimeError::NotYetValid),
            ),
            (json!({ "exp": NOW + 60, "iat": NOW + 8 }), ok),
            (
                json!({ "exp": NOW + 60, "iat": NOW + 11 }),
                Err(TimeError::IssuedInFuture),
            ),
            (
                json!({ "exp": NOW + 99, "iat": NOW + 61 }),
                Err(TimeError::IssuedInFuture),
            ),
            (json!({ "exp": NOW + 60, "iat": NOW - 86_400 }), ok),
        ];
        let now = Timestamp::from_unix_seconds(NOW);
        for (claims, answer) in table {
            let read = read(&claims).unwrap();
            assert_eq!(read.check_times(now, Leeway::default()), answer, "{claims}");
        }
    }

    #[test]
    fn s_120_no_leeway_passes_sixty_seconds() {
        let leeway = Leeway::new(Duration::from_hours(1));
        assert_eq!(leeway, Leeway::MOST);
        let now = Timestamp::from_unix_seconds(NOW);
        let at = |seconds: i64| Some(Timestamp::from_unix_seconds(NOW + seconds));
        let times = |nbf| Times {
            exp: at(600),
            nbf: at(nbf),
            iat: None,
        };
        assert_eq!(times(60).check(now, leeway), Ok(()));
        assert_eq!(times(61).check(now, leeway), Err(TimeError::NotYetValid));
        let expired = Times {
            exp: at(0),
            nbf: None,
            iat: None,
        };
        assert_eq!(expired.check(now, Leeway::NONE), Err(TimeError::Expired));
    }

    #[test]
    fn s_120_a_numeric_date_may_have_a_fraction_and_may_be_no_string() {
        let exp = |value: Value| read(&json!({ "exp": value })).map(|claims| claims.exp);
        assert_eq!(
            exp(json!(1.5)).unwrap(),
            Some(Timestamp::from_unix_millis(1500))
        );
        assert_eq!(
            exp(json!(1.7e9)).unwrap(),
            Some(Timestamp::from_unix_seconds(NOW))
        );
        for value in [
            json!("1"),
            json!("1700000000"),
            json!(true),
            json!([1]),
            json!({}),
            json!(-1),
            json!(-0.5),
            json!(1e18),
            json!(1e300),
            json!(u64::MAX),
            json!(253_402_300_800_i64),
        ] {
            assert!(exp(value.clone()).is_err(), "{value}");
        }
        assert!(serde_json::from_str::<RegisteredClaims>(r#"{"exp":1e400}"#).is_err());
    }

    #[test]
    fn an_audience_is_one_or_many() {
        let aud = |value: Value| read(&json!({ "aud": value })).map(|claims| claims.aud.unwrap());
        assert_eq!(aud(json!("a")).unwrap(), Audience::one("a"));
        assert_eq!(aud(json!(["a"])).unwrap(), Audience::one("a"));
        let many = aud(json!(["a", "b"])).unwrap();
        assert!(many.contains("b") && !many.contains("c"));
        assert!(aud(json!([])).unwrap().is_empty());
        for value in [json!(1), json!([1]), json!({ "a": 1 }), json!(["a", null])] {
            assert!(aud(value.clone()).is_err(), "{value}");
        }
        assert_eq!(
            serde_json::to_value(Audience::one("a")).unwrap(),
            json!("a")
        );
        assert_eq!(serde_json::to_value(many).unwrap(), json!(["a", "b"]));
        let (ab, ba) = (
            Audience::from_iter(["a", "b"]),
            Audience::from_iter(["b", "a"]),
        );
        assert!(ab.is_same_as(&ba) && !ab.is_same_as(&Audience::one("a")));
    }

    proptest! {
        #[test]
        fn claims_survive_their_json(
            (exp, iat) in (0..=253_402_300_799_i64, proptest::option::of(0..2_000_000_000_i64)),
            names in proptest::collection::vec(".{0,8}", 1..4),
            sub: Option<String>,
        ) {
            let claims = RegisteredClaims {
                sub,
                aud: Some(names.into_iter().collect()),
                exp: Some(Timestamp::from_unix_seconds(exp)),
                iat: iat.map(Timestamp::from_unix_seconds),
                ..RegisteredClaims::default()
            };
            let json = serde_json::to_value(&claims).unwrap();
            prop_assert_eq!(read(&json).unwrap(), claims);
        }
    }
}
