//! Values as people write them on a command line.

use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::clean;

/// Ports to try, in order: `8400`, `8400,8401` or `8400-8410`.
///
/// ```
/// use hallpass_client::clap::Ports;
/// assert_eq!("8400-8402".parse(), Ok(Ports(vec![8400, 8401, 8402])));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub Vec<u16>);

/// More ports than this are a mistake.
const MOST_PORTS: usize = 100;

/// Reads a span of time: `90`, `90s`, `5m`, `2h` or `1d`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(hallpass_client::clap::parse_span("5m"), Ok(Duration::from_secs(300)));
/// ```
///
/// # Errors
///
/// How to write one.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split).unwrap_or((text, ""));
    let seconds = match unit {
        "" | "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    seconds
        .zip(number.parse::<u64>().ok())
        .and_then(|(unit, number)| number.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or_else(|| "write it as 90s, 5m or 1h".to_owned())
}

/// Reads the method of a request (RFC 9110 §9.1): a word, in upper case by convention.
///
/// ```
/// assert_eq!(hallpass_client::clap::parse_method("get"), Ok("GET".to_owned()));
/// ```
///
/// # Errors
///
/// How to write one.
pub fn parse_method(text: &str) -> Result<String, String> {
    let is_method = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !text.is_empty() && text.len() <= 32 && text.chars().all(is_method) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a method is a word such as GET".to_owned())
    }
}

/// The address of a request.
pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    url.ok_or_else(|| {
        let shown = clean::text(text);
        format!(
            "`{shown}` is no address of a request; name it in full, such as https://api.example.com/me"
        )
    })
}

impl FromStr for Ports {
    /// How to write them.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<u16>().ok();
        let mut ports = Vec::new();
        for piece in text.split(',') {
            let range = match piece.split_once('-') {
                Some((first, last)) => number(first).zip(number(last)),
                None => number(piece).map(|port| (port, port)),
            };
            let (first, last) = range
                .filter(|(first, last)| first <= last)
                .ok_or_else(|| "write it as 8400, 8400,8401 or 8400-8410".to_owned())?;
            ports.extend(first..=last);
            if ports.len() > MOST_PORTS {
                return Err(format!("at most {MOST_PORTS} ports"));
            }
        }
        Ok(Self(ports))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_single_listed_or_a_range() {
        for (text, ports) in [
            ("0", vec![0]),
            ("8400,8405", vec![8400, 8405]),
            ("8400-8402", vec![8400, 8401, 8402]),
        ] {
            assert_eq!(text.parse(), Ok(Ports(ports)), "{text}");
        }
        for bad in ["", "x", "8402-8400", "1-65535", "70000", "1,,2"] {
            assert!(bad.parse::<Ports>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_proof_is_for_an_address_of_the_web_and_a_method() {
        assert!(parse_url("https://api.test/me?x=1").is_ok());
        for text in ["api.test/me", "file:///etc/passwd", "javascript:1", ""] {
            assert!(parse_url(text).is_err(), "{text}");
        }
        assert_eq!(parse_method("m-search").as_deref(), Ok("M-SEARCH"));
        for text in ["", "GET /", "a\r\nb", "é"] {
            assert!(parse_method(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h", 3600),
            ("2d", 172_800),
        ] {
            assert_eq!(parse_span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "m", "5x", "-5m", "5 m 3", "99999999999999999999", "5é"] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }
}
