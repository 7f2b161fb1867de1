//! Which addresses may be sent secrets, or shown to a person.
//!
//! RFC 6749 §1.6, RFC 8252 §8.3; row C-44.

use hallpass_protocol::form::Form;
use url::{Host, Url};

use crate::clean;

/// Reads an address that will be sent secrets or shown to a person: https, or http on loopback when
/// `allow_loopback` says so, without user name, password or fragment.
pub(crate) fn secure_url(text: &str, allow_loopback: bool) -> Result<Url, String> {
    if !clean::is_clean(text) {
        return Err("it holds control characters".to_owned());
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_secure = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => allow_loopback && is_loopback(&url),
        _ => false,
    };
    if !is_secure {
        return Err("it is not https".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it has a user name or a fragment".to_owned());
    }
    Ok(url)
}

/// Whether an address stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761 §6.3: `localhost` and its children are this machine.
        Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
        None => false,
    }
}

/// RFC 6749 §3.1: a query that the endpoint has "MUST be retained".
pub(crate) fn with_query(endpoint: &Url, form: &Form) -> Url {
    let query = match endpoint.query().filter(|query| !query.is_empty()) {
        Some(kept) => format!("{kept}&{}", form.encode()),
        None => form.encode(),
    };
    let mut url = endpoint.clone();
    url.set_query(Some(&query));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_44_https_everywhere_and_http_only_on_loopback() {
        for good in [
            "https://as.test/token?x=1",
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "http://localhost:8080/t",
        ] {
            assert!(secure_url(good, true).is_ok(), "{good}");
        }
        for bad in [
            "http://as.test/",
            "http://127.0.0.1.evil.test/",
            "http://localhost.evil.test/",
            "javascript:alert(1)",
            "https://a\u{1b}]8;;",
            "https://user@as.test/",
            "https://as.test/#f",
            "file:///etc/passwd",
            "",
        ] {
            assert!(secure_url(bad, true).is_err(), "{bad:?}");
        }
        assert!(secure_url("http://127.0.0.1:1/", false).is_err());
    }
}
