//! Spans of time as people write and read them: `90s`, `5m`, `1h`; "59 min".

use std::time::Duration;

pub(crate) use hallpass_client::clap::parse_span as parse;

/// Says about how long: `45 s`, `59 min`, `23 h`, `12 days`.
pub(crate) fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", (seconds + 30) / 60),
        7200..172_800 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h", 3600),
            ("2d", 172_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "m", "5x", "-5m", "5 m 3", "99999999999999999999", "5é"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_are_said_in_one_unit() {
        for (seconds, text) in [
            (45, "45 s"),
            (3599, "60 min"),
            (7200, "2 h"),
            (864_000, "10 days"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), text);
        }
    }
}
