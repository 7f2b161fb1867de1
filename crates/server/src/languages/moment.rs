//! A point in time, seen from now. `times.rs` has the words for it.
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

    /// The day it happened on, in UTC.
    pub(crate) fn date(&self) -> jiff::civil::Date {
        self.at.to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// `14:03:44`, in UTC.
    pub(crate) fn clock(&self) -> String {
        self.at.strftime("%H:%M:%S").to_string()
    }

    /// `2026-11-21T14:03:44Z`, for machines.
    pub fn iso(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_read_the_exact_time() {
        let at = "2026-11-21T14:03:44Z".parse().expect("a timestamp");
        let moment = Moment { at, now: at };
        assert_eq!(moment.iso(), "2026-11-21T14:03:44Z");
        assert_eq!(moment.clock(), "14:03:44");
        assert_eq!(moment.date().to_string(), "2026-11-21");
    }

    #[test]
    fn an_age_is_never_negative() {
        let at = Timestamp::UNIX_EPOCH;
        let now = at - SignedDuration::from_secs(5);
        assert_eq!(Moment { at, now }.age(), SignedDuration::ZERO);
    }
}
