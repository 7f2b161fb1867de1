//! Says by `Date` what time it is for the server: that of its own clock, by which its tokens begin and
//! end. A client corrects its clock by it, so a clock that a test or a configuration stopped must show.
//!
//! RFC 9110 §6.6.1: <https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1>

use std::cell::RefCell;

use hallpass_protocol::Timestamp;
use http::Response;
use http::header::{DATE, HeaderValue};
use jiff::fmt::rfc2822::DateTimePrinter;

thread_local! {
    /// The last second that this thread wrote: thousands of answers share it.
    static LAST: RefCell<Option<(i64, HeaderValue)>> = const { RefCell::new(None) };
}

/// Dates an answer. Where the clock shows no year that `Date` can name, hyper sets the system's.
pub(crate) fn stamp<B>(response: &mut Response<B>, now: Timestamp) {
    let second = now.unix_seconds();
    let known = LAST.with_borrow(|last| match last {
        Some((known, value)) if *known == second => Some(value.clone()),
        _ => None,
    });
    let write = || {
        let value = written(second)?;
        LAST.set(Some((second, value.clone())));
        Some(value)
    };
    let Some(value) = known.or_else(write) else {
        return;
    };
    response.headers_mut().insert(DATE, value);
}

fn written(second: i64) -> Option<HeaderValue> {
    let text = jiff::Timestamp::from_second(second)
        .and_then(|now| DateTimePrinter::new().timestamp_to_rfc9110_string(&now));
    HeaderValue::try_from(text.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_clock_in_the_form_of_rfc_9110() {
        let mut response = Response::new(());
        // RFC 9110 §5.6.7.
        stamp(&mut response, Timestamp::from_unix_seconds(784_111_777));
        assert_eq!(response.headers()[DATE], "Sun, 06 Nov 1994 08:49:37 GMT");
        stamp(&mut response, Timestamp::from_unix_seconds(784_111_778));
        assert_eq!(response.headers()[DATE], "Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
