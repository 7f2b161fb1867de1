//! Points and spans of time as the control API reads and writes them.

use std::time::Duration;

use hallpass_protocol::Timestamp;
use serde_json::Value;

use crate::dev_mode::LATEST;

/// A hundred years: beyond it, nobody tests anything.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// RFC 3339 in UTC.
pub(super) fn write(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.unix_millis())
        .map_or_else(|_| time.unix_millis().to_string(), |time| time.to_string())
}

/// RFC 3339, or a number of Unix seconds.
pub(super) fn read(value: &Value) -> Result<Timestamp, String> {
    let time = match value {
        Value::String(text) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|time| Timestamp::from_unix_millis(time.as_millisecond())),
        Value::Number(seconds) => seconds.as_i64().map(Timestamp::from_unix_seconds),
        _ => None,
    };
    time.filter(|time| (Timestamp::UNIX_EPOCH..=LATEST).contains(time))
        .ok_or_else(|| {
            format!(
                "{value} is no point in time from 1970 to 9998: write \
                 \"2030-01-01T00:00:00Z\" or Unix seconds"
            )
        })
}

/// `250ms`, `90s`, `10m`, `1h30m`, `30d`, or a number of seconds.
pub(super) fn read_span(value: &Value) -> Result<Duration, String> {
    let span = match value {
        Value::String(text) => parse(text),
        Value::Number(seconds) => seconds.as_u64().map(Duration::from_secs),
        _ => None,
    };
    span.filter(|span| *span <= LONGEST).ok_or_else(|| {
        format!(
            "{value} is no span of time: write \"250ms\", \"90s\", \"10m\", \"1h30m\" or \
             \"30d\", or a number of seconds"
        )
    })
}

/// One or more numbers, each with its unit.
fn parse(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split(rest, |byte| byte.is_ascii_digit())?;
        let (unit, after) = split(after, |byte| byte.is_ascii_alphabetic())?;
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let millis = number.parse::<u64>().ok()?.checked_mul(millis)?;
        total = total.checked_add(Duration::from_millis(millis))?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// The leading bytes of a kind, at least one, and the rest.
fn split(text: &str, kind: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .position(|byte| !kind(byte))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at_checked(end)).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_read_with_their_units() {
        for (value, millis) in [
            (json!("250ms"), 250),
            (json!("90s"), 90_000),
            (json!("1h30m"), 5_400_000),
            (json!("30d"), 2_592_000_000),
            (json!("0s"), 0),
            (json!(120), 120_000),
        ] {
            assert_eq!(read_span(&value), Ok(Duration::from_millis(millis)));
        }
        for bad in [
            json!(""),
            json!("1"),
            json!("h"),
            json!("-1s"),
            json!("1 h"),
            json!("1.5h"),
            json!("1w"),
            json!("5é"),
            json!("99999999999999999999s"),
            json!("99999d"),
            json!(-1),
            json!(1.5),
            json!(true),
        ] {
            let message = read_span(&bad).unwrap_err();
            assert!(message.contains(&bad.to_string()), "{message}");
        }
    }

    #[test]
    fn points_in_time_are_read_and_written() {
        let time = read(&json!("2030-01-01T01:00:00.5+01:00")).unwrap();
        assert_eq!(write(time), "2030-01-01T00:00:00.5Z");
        assert_eq!(read(&json!(0)), Ok(Timestamp::UNIX_EPOCH));
        for bad in [
            json!("2030-01-01"),
            json!("2030-01-01T00:00:00"),
            json!("soon"),
            json!(-1),
            json!(999_999_999_999_i64),
            json!(null),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
