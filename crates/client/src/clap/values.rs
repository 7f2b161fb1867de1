//! Values as people write them on a command line.

use std::time::Duration;

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

/// Reads ports to try in order: `8400`, `8400,8401` or `8400-8410`.
///
/// ```
/// assert_eq!(hallpass_client::clap::parse_ports("8400-8402"), Ok(vec![8400, 8401, 8402]));
/// ```
///
/// # Errors
///
/// How to write them.
pub fn parse_ports(text: &str) -> Result<Vec<u16>, String> {
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
    Ok(ports)
}
