//! Points in time as people at this machine read them off their own clock.

use hallpass_protocol::Timestamp;
use jiff::Zoned;
use jiff::tz::TimeZone;

/// `at 15:04`, or `at 15:04 on 22 Nov 2026` when that is not today. A machine that does not tell its time
/// zone gets UTC, and hears so.
pub(super) fn at_time_of_day(at: Timestamp, now: Timestamp) -> String {
    match TimeZone::try_system() {
        Ok(zone) => in_zone(at, now, &zone, ""),
        Err(_) => in_zone(at, now, &TimeZone::UTC, " UTC"),
    }
}

fn in_zone(at: Timestamp, now: Timestamp, zone: &TimeZone, label: &str) -> String {
    let local = |at: Timestamp| -> Option<Zoned> {
        let at = jiff::Timestamp::from_millisecond(at.unix_millis()).ok()?;
        Some(at.to_zoned(zone.clone()))
    };
    let (Some(at), Some(now)) = (local(at), local(now)) else {
        return "in a far future".to_owned();
    };
    let time = at.strftime("%H:%M");
    if at.date() == now.date() {
        format!("at {time}{label}")
    } else {
        format!("at {time}{label} on {}", at.strftime("%-d %b %Y"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_seconds(at.as_second())
    }

    #[test]
    fn the_time_of_day_is_the_local_one_and_another_day_is_named() {
        let now = seconds("2026-11-21T14:04:00Z");
        for (zone, at, said) in [
            ("UTC0", "2026-11-21T15:04:59Z", "at 15:04"),
            ("CET-1", "2026-11-21T14:04:00Z", "at 15:04"),
            ("CET-1", "2026-11-21T22:59:59Z", "at 23:59"),
            ("CET-1", "2026-11-21T23:00:00Z", "at 00:00 on 22 Nov 2026"),
            ("<+0530>-5:30", "2026-11-21T18:29:00Z", "at 23:59"),
            (
                "<+0530>-5:30",
                "2026-11-21T18:30:00Z",
                "at 00:00 on 22 Nov 2026",
            ),
            ("PST8", "2026-11-22T07:59:00Z", "at 23:59"),
            ("PST8", "2027-01-01T12:00:00Z", "at 04:00 on 1 Jan 2027"),
        ] {
            let zone_is = TimeZone::posix(zone).unwrap();
            assert_eq!(in_zone(seconds(at), now, &zone_is, ""), said, "{zone} {at}");
        }
    }

    #[test]
    fn a_change_of_the_clock_between_now_and_then_counts() {
        // In 2026 Berlin leaves summer time on 25 October at 01:00 UTC.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let now = seconds("2026-10-25T00:30:00Z");
        let at = seconds("2026-10-25T02:30:00Z");
        assert_eq!(in_zone(at, now, &zone, ""), "at 03:30");
    }

    #[test]
    fn an_unknown_zone_is_utc_and_says_so_and_no_number_fails() {
        let now = seconds("2026-11-21T14:04:00Z");
        let said = in_zone(seconds("2026-11-21T15:04:00Z"), now, &TimeZone::UTC, " UTC");
        assert_eq!(said, "at 15:04 UTC");
        let never = Timestamp::from_unix_millis(i64::MAX);
        assert_eq!(in_zone(never, now, &TimeZone::UTC, ""), "in a far future");
    }
}
