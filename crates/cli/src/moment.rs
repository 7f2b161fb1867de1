//! Points in time as programs and people read them: RFC 3339 in UTC, and "in 59 min".

use hallpass_client::Timestamp;

use crate::duration;

/// `2026-11-21T02:00:00Z`, as JSON carries it.
pub(crate) fn rfc3339(at: Timestamp) -> Option<String> {
    jiff::Timestamp::from_second(at.unix_seconds())
        .ok()
        .map(|at| at.to_string())
}

/// `in 59 min` or `3 min ago`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("in {}", duration::words(at.since(now)))
    } else {
        format!("{} ago", duration::words(now.since(at)))
    }
}

/// Whole seconds from `now`; negative when it is past.
pub(crate) fn seconds_until(at: Timestamp, now: Timestamp) -> i64 {
    at.unix_seconds().saturating_sub(now.unix_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_relative() {
        let at = Timestamp::from_unix_seconds(1_795_226_400);
        let now = Timestamp::from_unix_seconds(1_795_226_400 - 3540);
        assert_eq!(rfc3339(at).as_deref(), Some("2026-11-21T02:00:00Z"));
        assert_eq!(relative(at, now), "in 59 min");
        assert_eq!(relative(now, at), "59 min ago");
        assert_eq!(seconds_until(at, now), 3540);
        assert_eq!(rfc3339(Timestamp::from_unix_seconds(i64::MAX / 1000)), None);
    }
}
