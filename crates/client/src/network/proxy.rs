//! By which proxy a server is reached.
//!
//! The variables are a habit, not a specification: curl's, which Go, Python and others follow.

use std::fmt;

use hallpass_protocol::Secret;
use url::Url;

use super::no_proxy::NoProxy;
use crate::address::is_loopback;
use crate::clean;

/// The proxies that are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies {
    for_https: Option<ProxyAddress>,
    for_http: Option<ProxyAddress>,
    no_proxy: NoProxy,
}

/// Where a proxy is, and perhaps the user and password that it wants.
#[derive(Clone)]
pub(super) struct ProxyAddress {
    shown: String,
    full: Secret<String>,
}

impl Proxies {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in lower case or capitals.
    pub(super) fn from_environment() -> Self {
        let text = |name: &str| {
            let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
            value.filter(|value| !value.trim().is_empty())
        };
        Self::from_variables(text)
    }

    fn from_variables(text: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| text(&name.to_ascii_lowercase()).or_else(|| text(name));
        let address = |value: Option<String>| {
            let value = value?;
            let parsed = ProxyAddress::parse(&value);
            if let Err(reason) = &parsed {
                tracing::warn!("a proxy of the environment is ignored: {reason}");
            }
            parsed.ok()
        };
        // A CGI program gets the header `Proxy` of a stranger's request in the variable of this name.
        let plain = if text("REQUEST_METHOD").is_some() {
            text("http_proxy")
        } else {
            either("HTTP_PROXY")
        };
        let for_all = either("ALL_PROXY");
        Self {
            for_https: address(either("HTTPS_PROXY").or_else(|| for_all.clone())),
            for_http: address(plain.or(for_all)),
            no_proxy: NoProxy::parse(&either("NO_PROXY").unwrap_or_default()),
        }
    }

    /// The same, with this proxy in place of the environment's.
    pub(super) fn with_explicit(&self, address: ProxyAddress) -> Self {
        Self {
            for_https: Some(address.clone()),
            for_http: Some(address),
            no_proxy: self.no_proxy.clone(),
        }
    }

    /// The proxy for an address. This machine itself is never reached through one: what the issuer on
    /// loopback is sent is not encrypted (row C-44), and a browser's answer comes here.
    pub(super) fn of(&self, url: &Url) -> Option<&ProxyAddress> {
        if is_loopback(url) || self.no_proxy.matches(url) {
            return None;
        }
        match url.scheme() {
            "https" => self.for_https.as_ref(),
            "http" => self.for_http.as_ref(),
            _ => None,
        }
    }

    /// Whether nobody named a proxy, so that the system's own settings hold.
    pub(super) fn are_of_the_system(&self) -> bool {
        cfg!(any(target_os = "macos", windows))
            && self.for_https.is_none()
            && self.for_http.is_none()
    }
}

impl ProxyAddress {
    /// Reads an address; without a scheme it is `http`.
    ///
    /// # Errors
    ///
    /// What is wrong with it. The address is not repeated: it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let full = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&full).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
            return Err("its scheme is none of http, https, socks5 and socks5h".to_owned());
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("it names no host".to_owned());
        }
        let host = clean::text(url.host_str().unwrap_or_default());
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        Ok(Self {
            shown: format!("{}://{host}{port}", url.scheme()),
            full: Secret::new(url.into()),
        })
    }

    /// With its password, for the connection.
    pub(super) fn full(&self) -> &Secret<String> {
        &self.full
    }

    /// Without user and password, for people.
    pub(super) fn shown(&self) -> String {
        self.shown.clone()
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(variables: &[(&str, &str)], address: &str) -> Option<String> {
        let proxies = Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let url = Url::parse(address).unwrap();
        proxies.of(&url).map(ProxyAddress::shown)
    }

    #[test]
    fn the_variables_in_both_cases_and_their_order() {
        let server = "https://as.test";
        for (variables, expected) in [
            (&[("HTTPS_PROXY", "http://a:1")][..], Some("http://a:1")),
            (&[("https_proxy", "a:1")], Some("http://a:1")),
            (
                &[
                    ("https_proxy", "http://low:1"),
                    ("HTTPS_PROXY", "http://high:1"),
                ],
                Some("http://low:1"),
            ),
            (
                &[("ALL_PROXY", "socks5h://a:1080")],
                Some("socks5h://a:1080"),
            ),
            (
                &[("ALL_PROXY", "http://all:1"), ("HTTPS_PROXY", "http://a:1")],
                Some("http://a:1"),
            ),
            (&[("HTTP_PROXY", "http://a:1")], None),
            (&[("HTTPS_PROXY", "ftp://a:1")], None),
            (&[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "test")], None),
            (&[("HTTPS_PROXY", "http://a:1"), ("no_proxy", "*")], None),
            (
                &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "as.test:8443")],
                Some("http://a:1"),
            ),
        ] {
            assert_eq!(
                proxy_of(variables, server).as_deref(),
                expected,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn c_44_this_machine_is_never_reached_through_a_proxy() {
        let all = [("ALL_PROXY", "http://a:1"), ("HTTP_PROXY", "http://a:1")];
        for address in [
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost:1",
            "https://a.localhost",
        ] {
            assert_eq!(proxy_of(&all, address), None, "{address}");
        }
    }

    #[test]
    fn a_request_to_a_cgi_program_names_no_proxy() {
        let http = "http://as.test";
        let variables = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy_of(&variables, http), None);
        let variables = [("http_proxy", "http://a:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy_of(&variables, http).as_deref(), Some("http://a:1"));
    }

    #[test]
    fn c_49_a_proxy_shows_neither_user_nor_password() {
        let proxy = ProxyAddress::parse("http://canary-user:canary-word@proxy.test:3128/").unwrap();
        assert_eq!(proxy.shown(), "http://proxy.test:3128");
        assert!(!format!("{proxy:?}").contains("canary"));
        for bad in [
            "http://canary@:1",
            "ftp://canary:canary@a",
            "http://canary:canary@a:99999",
        ] {
            let reason = ProxyAddress::parse(bad).unwrap_err();
            assert!(!reason.contains("canary"), "{reason}");
        }
    }
}
