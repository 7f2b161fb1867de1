//! The cookies of the played person: as many as one server on this machine needs.
//!
//! RFC 6265 §5: <https://www.rfc-editor.org/rfc/rfc6265#section-5>

use std::collections::BTreeMap;

use url::Url;

/// Cookies by host and name. Paths are not told apart: the demo has one server.
#[derive(Debug, Default)]
pub(crate) struct Cookies(BTreeMap<(String, String), String>);

impl Cookies {
    /// Keeps one `Set-Cookie` of an answer, or forgets what it ends.
    pub(crate) fn keep(&mut self, url: &Url, set_cookie: &str) {
        let mut parts = set_cookie.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let key = (host(url), name.trim().to_owned());
        let is_ended = parts.any(|attribute| {
            attribute
                .trim()
                .split_once('=')
                .is_some_and(|(name, value)| {
                    name.eq_ignore_ascii_case("max-age") && value.trim().starts_with(['0', '-'])
                })
        });
        if is_ended || value.trim().is_empty() {
            self.0.remove(&key);
        } else {
            self.0.insert(key, value.trim().to_owned());
        }
    }

    /// The `Cookie` header for a request; `None` when there are none.
    pub(crate) fn header(&self, url: &Url) -> Option<String> {
        let host = host(url);
        let pairs: Vec<_> = self
            .0
            .iter()
            .filter(|((known, _), _)| *known == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_stay_with_their_host_until_they_end() {
        let url = Url::parse("http://localhost:1/a").unwrap();
        let other = Url::parse("http://127.0.0.1:1/a").unwrap();
        let mut cookies = Cookies::default();
        cookies.keep(&url, "a=1; Path=/; HttpOnly");
        cookies.keep(&url, "b=2; Max-Age=600");
        assert_eq!(cookies.header(&url).as_deref(), Some("a=1; b=2"));
        assert_eq!(cookies.header(&other), None);
        cookies.keep(&url, "a=; Max-Age=0");
        cookies.keep(&url, "nonsense");
        assert_eq!(cookies.header(&url).as_deref(), Some("b=2"));
    }
}
