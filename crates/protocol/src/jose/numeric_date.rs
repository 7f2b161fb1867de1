//! A [`Timestamp`] as a `NumericDate`: read with fractions, written in whole seconds.
//!
//! RFC 7519 §2: <https://www.rfc-editor.org/rfc/rfc7519#section-2>
//!
//! For `#[serde(with = "numeric_date")]`.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

use crate::time::Timestamp;

/// Writes whole seconds, rounded down.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.unix_seconds())
}

/// Reads a number of seconds; a string is no number.
pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Timestamp, D::Error> {
    NumericDate::deserialize(reader).map(|date| date.0)
}

/// The same for a claim that may be absent.
///
/// For `#[serde(default, with = "numeric_date::option", skip_serializing_if = "Option::is_none")]`.
pub mod option {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::NumericDate;
    use crate::time::Timestamp;

    /// Writes whole seconds, rounded down, or null.
    pub fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a number of seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<NumericDate>::deserialize(reader)?.map(|date| date.0))
    }
}

struct NumericDate(Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds between 1970 and 9999")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        i64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= END_OF_9999)
            .map(|seconds| NumericDate(Timestamp::from_unix_seconds(seconds)))
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(seconds), &self))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
        match u64::try_from(seconds) {
            Ok(seconds) => self.visit_u64(seconds),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(seconds), &self)),
        }
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the end of 9999 is exact in a double"
        )]
        if !(0.0..=END_OF_9999 as f64).contains(&seconds) {
            return Err(E::invalid_value(Unexpected::Float(seconds), &self));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range was checked above"
        )]
        let millis = (seconds * 1000.0).floor() as i64;
        Ok(NumericDate(Timestamp::from_unix_millis(millis)))
    }
}

/// 9999-12-31T23:59:59Z.
const END_OF_9999: i64 = 253_402_300_799;
