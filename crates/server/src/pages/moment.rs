//! A point in time as people read it: how long ago, and exactly when.
//!
//! Machine-readable form: <https://html.spec.whatwg.org/multipage/text-level-semantics.html#the-time-element>

use jiff::{SignedDuration, Timestamp};

/// Something that happened, seen from now.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When it happened.
    pub at: Timestamp,
    /// When the page is made.
    pub now: Timestamp,
}

impl Moment {
    /// How much time has passed; never negative.
    pub fn age(&self) -> SignedDuration {
        self.now.duration_since(self.at).max(SignedDuration::ZERO)
    }

    /// `12 seconds ago`.
    pub fn ago(&self) -> String {
        let seconds = self.age().as_secs();
        let (count, unit) = match seconds {
            0..=4 => return "just now".to_owned(),
            5..=59 => (seconds, "second"),
            60..=3_599 => (seconds / 60, "minute"),
            3_600..=86_399 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural} ago")
    }

    /// `21 Nov 2026, 14:03:44 UTC`.
    pub fn exact(&self) -> String {
        self.at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string()
    }

    /// `14:03:44 UTC`, for what happened within the hour.
    pub fn clock(&self) -> String {
        self.at.strftime("%H:%M:%S UTC").to_string()
    }

    /// `2026-11-21T14:03:44Z`, for machines.
    pub fn iso(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ago(seconds: i64) -> String {
        let at = Timestamp::UNIX_EPOCH;
        Moment {
            at,
            now: at + SignedDuration::from_secs(seconds),
        }
        .ago()
    }

    #[test]
    fn an_age_has_one_unit() {
        let table = [
            (-90, "just now"),
            (0, "just now"),
            (12, "12 seconds ago"),
            (60, "1 minute ago"),
            (239, "3 minutes ago"),
            (3_600, "1 hour ago"),
            (200_000, "2 days ago"),
        ];
        for (seconds, expected) in table {
            assert_eq!(ago(seconds), expected);
        }
    }

    #[test]
    fn the_exact_time_names_its_zone() {
        let at = "2026-11-21T14:03:44Z".parse().expect("a timestamp");
        let moment = Moment { at, now: at };
        assert_eq!(moment.exact(), "21 Nov 2026, 14:03:44 UTC");
        assert_eq!(moment.clock(), "14:03:44 UTC");
        assert_eq!(moment.iso(), "2026-11-21T14:03:44Z");
    }
}
