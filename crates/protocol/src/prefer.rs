//! How long a client would like its request to be held: `Prefer: wait=25`.
//!
//! RFC 7240 §2 and §4.3: <https://www.rfc-editor.org/rfc/rfc7240#section-4.3>

use std::time::Duration;

/// The header in which a client says it.
pub const PREFER: &str = "prefer";
/// The header in which a server says what it followed (RFC 7240 §3).
pub const PREFERENCE_APPLIED: &str = "preference-applied";

/// The `wait` among the values of all `Prefer` headers of a request, in the order they came. Of
/// several the first counts, also when it is no number of seconds: then there is none.
pub fn wait<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Duration> {
    let mut preferences = values.into_iter().flat_map(|value| split(value, ','));
    preferences.find_map(value_of_wait).and_then(seconds)
}

/// How a server says that it held a request for so long at most; also how a client asks for it.
pub fn spell_wait(wait: Duration) -> String {
    format!("wait={}", wait.as_secs())
}

/// The value of one preference, if it is `wait`.
fn value_of_wait(preference: &str) -> Option<&str> {
    let preference = split(preference, ';').next().unwrap_or_default();
    let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
    name.trim()
        .eq_ignore_ascii_case("wait")
        .then(|| value.trim())
}

/// RFC 7240 §4.3: `delta-seconds`, which has no sign; RFC 7240 §2: a quoted value means the same.
fn seconds(value: &str) -> Option<Duration> {
    let unquoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let digits = unquoted.unwrap_or(value);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More than fits is more than anybody waits.
    is_number.then(|| Duration::from_secs(digits.parse().unwrap_or(u64::from(u32::MAX))))
}

/// The parts between separators that stand in no quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |letter| {
        match (is_escaped, letter) {
            (true, _) => is_escaped = false,
            (false, '\\') if is_quoted => is_escaped = true,
            (false, '"') => is_quoted = !is_quoted,
            (false, letter) => return !is_quoted && letter == separator,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<u64> {
        wait(values.iter().copied()).map(|wait| wait.as_secs())
    }

    #[test]
    fn s_271_the_first_wait_counts_wherever_it_stands() {
        for (values, seconds) in [
            (&["wait=25"][..], Some(25)),
            (&["respond-async, wait=10"], Some(10)),
            (
                &["respond-async", "handling=lenient,WAIT = 7 ;x=1"],
                Some(7),
            ),
            (&["wait=\"30\""], Some(30)),
            (&["wait=5, wait=9"], Some(5)),
            (&["wait=5", "wait=9"], Some(5)),
            (&["wait=0"], Some(0)),
            (&["wait=99999999999999999999999"], Some(u64::from(u32::MAX))),
            (&["foo=\"a, wait=3, \\\"b\", wait=4"], Some(4)),
        ] {
            assert_eq!(read(values), seconds, "{values:?}");
        }
    }

    #[test]
    fn s_271_what_is_no_number_of_seconds_is_no_wait() {
        for values in [
            &[][..],
            &[""],
            &["wait"],
            &["wait="],
            &["wait=-1"],
            &["wait=+1"],
            &["wait=1.5"],
            &["wait=1 2"],
            &["wait=\"5"],
            &["wait=x, wait=5"],
            &["await=5"],
            &["foo=\"wait=5\""],
            &["foo; wait=5"],
            &["foo=\"unclosed, wait=5"],
            &["wait=٣"],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }

    #[test]
    fn s_271_what_is_written_is_read() {
        let wait = Duration::from_secs(25);
        assert_eq!(read(&[&spell_wait(wait)]), Some(25));
    }
}
