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
