//! What `NO_PROXY` leaves out: hosts that are reached directly.
//!
//! No specification says what may stand there; this reads what curl, Go and Python read, all of it.

use std::net::IpAddr;

use url::{Host, Url};

/// The list, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    what: What,
    /// Only this port, where one is named.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Everything,
    /// A domain and all below it. `.example.com` and `*.example.com` are the same: Go leaves the domain
    /// itself out of them, curl does not.
    Domain(String),
    /// Addresses whose first bits are these.
    Network {
        address: IpAddr,
        bits: u8,
    },
}

impl NoProxy {
    /// Reads names separated by commas or white space. What makes no sense is left out: it would
    /// match nothing.
    pub(super) fn parse(list: &str) -> Self {
        let items = list.split([',', ' ', '\t', '\n']).map(str::trim);
        Self(items.filter_map(Rule::parse).collect())
    }

    /// Whether an address is reached without a proxy.
    pub(super) fn matches(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let host = url.host();
        self.0.iter().any(|rule| {
            let port_fits = rule.port.is_none() || rule.port == port;
            port_fits && host.as_ref().is_some_and(|host| rule.what.matches(host))
        })
    }
}

impl Rule {
    fn parse(item: &str) -> Option<Self> {
        if item.is_empty() {
            return None;
        }
        // `[::1]:8080`, `::1`, `host:8080`, `host`.
        let (host, port) = match item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').map(str::parse)),
            None if item.parse::<IpAddr>().is_ok() || item.matches(':').count() > 1 => (item, None),
            None => match item.split_once(':') {
                Some((host, port)) => (host, Some(port.parse())),
                None => (item, None),
            },
        };
        let port = port.transpose().ok()?;
        What::parse(host).map(|what| Self { what, port })
    }
}

impl What {
    fn parse(host: &str) -> Option<Self> {
        if host == "*" {
            return Some(Self::Everything);
        }
        let (address, bits) = match host.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (host, None),
        };
        if let Ok(address) = address.parse::<IpAddr>() {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(longest);
            return (bits <= longest).then_some(Self::Network { address, bits });
        }
        if bits.is_some() {
            return None;
        }
        let domain = host.strip_prefix('*').unwrap_or(host);
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        // A name as the address has it: punycode for what is not ASCII.
        let Ok(Host::Domain(domain)) = Host::parse(&domain) else {
            return None;
        };
        Some(Self::Domain(domain))
    }

    fn matches(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::Everything, _) => true,
            (Self::Domain(domain), Host::Domain(host)) => {
                let host = host.trim_end_matches('.');
                let below = host.strip_suffix(domain.as_str());
                below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            }
            (Self::Network { address, bits }, Host::Ipv4(host)) => {
                is_within(*address, *bits, IpAddr::V4(*host))
            }
            (Self::Network { address, bits }, Host::Ipv6(host)) => {
                is_within(*address, *bits, host.to_canonical())
                    || is_within(*address, *bits, IpAddr::V6(*host))
            }
            (Self::Domain(_), Host::Ipv4(_) | Host::Ipv6(_))
            | (Self::Network { .. }, Host::Domain(_)) => false,
        }
    }
}

/// Whether the first bits of two addresses are the same.
fn is_within(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let (left, right, width) = match (network, address) {
        (IpAddr::V4(left), IpAddr::V4(right)) => {
            (u128::from(left.to_bits()), u128::from(right.to_bits()), 32)
        }
        (IpAddr::V6(left), IpAddr::V6(right)) => (left.to_bits(), right.to_bits(), 128),
        _ => return false,
    };
    let ignored = width - u32::from(bits);
    // A shift by the whole width is none.
    left.checked_shr(ignored) == right.checked_shr(ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(list: &str, address: &str) -> bool {
        NoProxy::parse(list).matches(&Url::parse(address).unwrap())
    }

    #[test]
    fn what_no_proxy_leaves_out() {
        for (list, address) in [
            ("*", "https://any.test"),
            ("example.com", "https://example.com/x"),
            ("example.com", "https://a.b.example.com"),
            (".example.com", "https://a.example.com"),
            (".example.com", "https://example.com"),
            ("*.example.com", "https://a.example.com"),
            ("EXAMPLE.com.", "https://Example.COM"),
            ("x, example.com", "https://example.com."),
            ("x example.com", "https://example.com"),
            ("example.com:8443", "https://example.com:8443"),
            ("example.com:443", "https://example.com"),
            ("10.0.0.0/8", "https://10.200.3.4"),
            ("10.1.2.3", "https://10.1.2.3:8443"),
            ("10.1.2.3:8443", "https://10.1.2.3:8443"),
            ("0.0.0.0/0", "https://9.9.9.9"),
            ("fd00::/8", "https://[fd12::1]"),
            ("::/0", "https://[fd12::1]"),
            ("[fd12::1]:8443", "https://[fd12::1]:8443"),
            ("fd12::1", "https://[fd12::1]"),
            ("10.0.0.0/8", "https://[::ffff:10.1.1.1]"),
            ("bücher.test", "https://bücher.test"),
        ] {
            assert!(matches(list, address), "{list} {address}");
        }
    }

    #[test]
    fn what_no_proxy_does_not_leave_out() {
        for (list, address) in [
            ("", "https://example.com"),
            (",", "https://example.com"),
            ("example.com", "https://notexample.com"),
            ("example.com", "https://example.com.evil.test"),
            ("a.example.com", "https://example.com"),
            ("example.com:8443", "https://example.com"),
            ("example.com:port", "https://example.com"),
            ("10.0.0.0/8", "https://11.0.0.1"),
            ("10.0.0.0/33", "https://10.0.0.1"),
            ("10.0.0.0/x", "https://10.0.0.1"),
            ("example.com/8", "https://example.com"),
            ("0.0.0.0/0", "https://example.com"),
            ("fd00::/8", "https://[fe80::1]"),
            ("10.1.2.3", "https://10.1.2.3.evil.test"),
            (".", "https://example.com"),
        ] {
            assert!(!matches(list, address), "{list} {address}");
        }
    }
}
