//! How often one may fail, as people write it: `"10/15m"`.

use std::time::Duration;

use hallpass_issuer::limits::Limit;
use serde::{Deserialize, Deserializer};

use super::duration;

/// So many failures within a time, for which the guesser then has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(pub(super) Limit);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom("not a number of tries within a span: write it as \"10/15m\"")
        })
    }
}

fn parse(text: &str) -> Option<Limit> {
    let (count, span) = text.split_once('/')?;
    let digits = count.bytes().all(|byte| byte.is_ascii_digit());
    let failures = count.parse().ok().filter(|count| digits && *count > 0)?;
    let window = duration::parse(span).filter(|span| !span.is_zero() && *span <= LONGEST)?;
    Some(Limit {
        failures,
        window,
        lock: window,
    })
}

/// A longer lock would be a denial of service against whoever mistyped.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_and_a_span() {
        let limit = parse("10/15m").unwrap();
        assert_eq!(limit.failures, 10);
        assert_eq!(
            (limit.window, limit.lock),
            (Duration::from_mins(15), Duration::from_mins(15))
        );
        for bad in [
            "", "10", "0/15m", "10/", "10/0s", "+1/1m", "-1/1m", "1/2d", "1/1m/1m",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
