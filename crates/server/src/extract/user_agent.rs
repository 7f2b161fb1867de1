//! The browser of a request in a few words, so that its person knows it again in a list.
//!
//! RFC 9110 §10.1.5: <https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5>

use http::header;

use crate::request::Request;

/// What stands in the header, and what people call it; the first that is found counts, since
/// browsers name the ones that they are like as well.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux`; `None` when the request does not say.
pub(crate) fn in_words(request: &Request) -> Option<String> {
    words_of(request.header(header::USER_AGENT)?)
}

fn words_of(header: &str) -> Option<String> {
    let known = |list: &[(&str, &'static str)]| {
        let found = list.iter().find(|(mark, _)| header.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, _) => {
            // A program: the name of its first product.
            let name = header.split(['/', ' ', '(']).next().unwrap_or_default();
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
            let is_name = (1..=40).contains(&name.len()) && name.bytes().all(is_plain);
            is_name.then(|| name.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_as_people_call_it() {
        let table = [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("Firefox on Linux"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/18.0 Safari/605.1.15",
                Some("Safari on macOS"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Mobile Safari/537.36",
                Some("Chrome on Android"),
            ),
            ("curl/8.5.0", Some("curl")),
            ("<script>alert(1)</script>", None),
            ("", None),
        ];
        for (header, expected) in table {
            assert_eq!(words_of(header).as_deref(), expected, "{header}");
        }
    }
}
