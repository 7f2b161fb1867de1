//! The URL under which a request reached us, which is where dev mode's issuers live.
//!
//! RFC 9110 §7.2 (`Host`): <https://www.rfc-editor.org/rfc/rfc9110#section-7.2>

use std::fmt::Write as _;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};

use super::host::Authority;
use crate::settings::{PublicUrl, Settings};

static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// `scheme://host[:port]` without a slash: the fixed URL, else what `Host`, `X-Forwarded-Proto`
/// and `X-Forwarded-Port` say. The default port of the scheme is left out.
///
/// `listen` has put the `:authority` of HTTP/2 into `Host`.
pub(crate) fn base_url(settings: &Settings, headers: &HeaderMap) -> String {
    if let PublicUrl::Fixed(url) = &settings.public {
        return url.clone();
    }
    let (forwarded_proto, forwarded_port) = forwarded(headers);
    let https = forwarded_proto.map_or(settings.tls.is_some(), |proto| {
        proto.eq_ignore_ascii_case("https")
    });
    let (scheme, default_port) = if https { ("https", 443) } else { ("http", 80) };
    let authority = headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .and_then(Authority::parse);
    let (host, host_port) = match authority {
        Some(authority) => (authority.host, authority.port),
        None => (
            "localhost",
            settings.listen.first().map(std::net::SocketAddr::port),
        ),
    };
    let forwarded_port = forwarded_port
        .and_then(|port| port.parse::<u16>().ok())
        .filter(|port| *port > 0);
    let mut url = String::with_capacity(scheme.len() + host.len() + 9);
    url.extend([scheme, "://"]);
    url.push_str(host);
    url.make_ascii_lowercase();
    if let Some(port) = forwarded_port
        .or(host_port)
        .filter(|port| *port != default_port)
    {
        // Writing to a string cannot fail.
        let _: std::fmt::Result = write!(url, ":{port}");
    }
    url
}

/// The first values of `X-Forwarded-Proto` and `X-Forwarded-Port`, in one pass: what the outermost
/// proxy saw.
fn forwarded(headers: &HeaderMap) -> (Option<&str>, Option<&str>) {
    let (mut proto, mut port) = (None, None);
    for (name, value) in headers {
        if *name == FORWARDED_PROTO {
            proto.get_or_insert(value);
        } else if *name == FORWARDED_PORT {
            port.get_or_insert(value);
        }
    }
    (proto.and_then(first), port.and_then(first))
}

fn first(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()?.split(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(pairs: &[(&'static str, &'static str)]) -> String {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        base_url(&Settings::for_tests(), &headers)
    }

    #[test]
    fn the_issuer_follows_the_host() {
        assert_eq!(url(&[("host", "localhost:8080")]), "http://localhost:8080");
        assert_eq!(url(&[("host", "LocalHost")]), "http://localhost");
        assert_eq!(url(&[("host", "localhost:80")]), "http://localhost");
        assert_eq!(url(&[("host", "[::1]:8080")]), "http://[::1]:8080");
        assert_eq!(url(&[("host", "[::1]")]), "http://[::1]");
    }

    #[test]
    fn a_proxy_changes_scheme_and_port() {
        let host = ("host", "auth.test:8080");
        let https = ("x-forwarded-proto", "https");
        assert_eq!(url(&[("host", "auth.test"), https]), "https://auth.test");
        assert_eq!(url(&[host, https]), "https://auth.test:8080");
        assert_eq!(
            url(&[host, https, ("x-forwarded-port", "443")]),
            "https://auth.test"
        );
        assert_eq!(
            url(&[host, ("x-forwarded-port", "9000")]),
            "http://auth.test:9000"
        );
        assert_eq!(
            url(&[
                host,
                ("x-forwarded-proto", "HTTPS, http"),
                ("x-forwarded-port", "443, 80")
            ]),
            "https://auth.test"
        );
        assert_eq!(
            url(&[("host", "[::1]:1"), https, ("x-forwarded-port", "8443")]),
            "https://[::1]:8443"
        );
    }

    #[test]
    fn nonsense_from_a_proxy_is_passed_over() {
        let host = ("host", "localhost:8080");
        for pair in [
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-port", "0"),
            ("x-forwarded-port", "a"),
            ("x-forwarded-port", "70000"),
        ] {
            assert_eq!(url(&[host, pair]), "http://localhost:8080", "{pair:?}");
        }
        assert_eq!(url(&[("host", "a@b")]), "http://localhost:0");
    }

    #[test]
    fn a_fixed_url_wins() {
        let public = PublicUrl::Fixed("http://auth.test:9".to_owned());
        let settings = Settings {
            public,
            ..Settings::for_tests()
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:1".parse().unwrap());
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        assert_eq!(base_url(&settings, &headers), "http://auth.test:9");
    }
}
