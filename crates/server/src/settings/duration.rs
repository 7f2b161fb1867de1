//! Spans of time as people write them: `90s`, `10m`, `12h`, `30d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A span read from a string with a unit, or from a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a span such as \"90s\", \"10m\", \"12h\" or \"30d\""
)]
enum Spelling {
    Seconds(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = match Spelling::deserialize(deserializer)? {
            Spelling::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Spelling::Text(text) => parse(&text),
        };
        read.filter(|span| *span <= LONGEST)
            .map(Self)
            .ok_or_else(|| {
                serde::de::Error::custom(
                    "not a span: write it as \"90s\", \"10m\", \"12h\" or \"30d\"",
                )
            })
    }
}

pub(super) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    number
        .parse::<u64>()
        .ok()
        .filter(|_| digits)?
        .checked_mul(unit)
        .map(Duration::from_secs)
}

/// A span with the largest unit that says it exactly.
pub(super) fn spell(span: Duration) -> String {
    let seconds = span.as_secs();
    let fits = |(unit, _): &(u64, char)| seconds > 0 && seconds.is_multiple_of(*unit);
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    let (unit, letter) = units.into_iter().find(fits).unwrap_or((1, 's'));
    format!("{}{letter}", seconds / unit)
}

/// A hundred years: beyond it, sums of times would no longer be exact.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_spelled_as_it_is_read() {
        for text in ["90s", "10m", "12h", "30d", "0s", "25h"] {
            assert_eq!(spell(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, seconds) in [
            ("\"90s\"", 90),
            ("\"10m\"", 600),
            ("\"12h\"", 43_200),
            ("\"30d\"", 2_592_000),
            ("120", 120),
        ] {
            let span: Span = serde_json::from_str(text).unwrap();
            assert_eq!(span.0, Duration::from_secs(seconds), "{text}");
        }
        for bad in [
            "\"\"",
            "\"m\"",
            "\"10\"",
            "\"+5m\"",
            "\"5 m\"",
            "\"5é\"",
            "-1",
            "\"99999999999999999999d\"",
            "18446744073709551615",
            "true",
        ] {
            assert!(serde_json::from_str::<Span>(bad).is_err(), "{bad}");
        }
    }
}
