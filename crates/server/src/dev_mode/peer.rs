//! Whom dev mode serves: the same machine and private networks, also behind a proxy (row S-284).
//!
//! RFC 7239 §4 (`Forwarded`): <https://www.rfc-editor.org/rfc/rfc7239#section-4>, RFC 1918,
//! RFC 3927, RFC 4193, RFC 4291 §2.5.6.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hallpass_issuer::network;
use http::header::{self, HeaderMap, HeaderName};

use crate::settings::Settings;

/// Why a peer gets 403.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerRefused {
    /// An address that the whole internet can have.
    #[error(
        "dev mode serves only loopback, private and link-local addresses, not {0}; start with --dev-public to serve all"
    )]
    Public(IpAddr),
    /// A forwarding header that names somebody we cannot judge.
    #[error(
        "dev mode cannot tell from the forwarding header whom it serves; start with --dev-public to serve all"
    )]
    Unreadable,
}

/// The headers in which proxies name the peer before them.
static FORWARDING: [HeaderName; 6] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

/// Joins what the forwarding headers of a request say, for [`check_peer`].
pub(crate) fn forwarded_text(headers: &HeaderMap) -> Option<String> {
    let mut joined: Option<String> = None;
    // One pass over the few headers that there are, instead of six look-ups.
    for (_, value) in headers.iter().filter(|(name, _)| FORWARDING.contains(name)) {
        let value = String::from_utf8_lossy(value.as_bytes());
        match &mut joined {
            Some(joined) => joined.extend([",", &*value]),
            None => joined = Some(value.into_owned()),
        }
    }
    joined
}

/// Refuses a peer that is not near, or that speaks for one who is not.
///
/// `forwarded` is the value of `Forwarded` or `X-Forwarded-For`, or several joined by commas. Its
/// addresses can only take away: a far peer does not become near by naming a near one.
pub(crate) fn check_peer(
    settings: &Settings,
    peer: IpAddr,
    forwarded: Option<&str>,
) -> Result<(), PeerRefused> {
    if settings.dev_public {
        return Ok(());
    }
    check_address(peer)?;
    for element in forwarded.unwrap_or_default().split(',').map(str::trim) {
        if let Some(node) = node_of(element) {
            check_address(address_of(node).ok_or(PeerRefused::Unreadable)?)?;
        }
    }
    Ok(())
}

/// Whether a peer is on this machine, and speaks for nobody who is not.
pub(crate) fn is_loopback_peer(peer: IpAddr, forwarded: Option<&str>) -> bool {
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    let mut elements = forwarded.unwrap_or_default().split(',').map(str::trim);
    is_loopback(peer)
        && elements.all(|element| {
            node_of(element).is_none_or(|node| address_of(node).is_some_and(is_loopback))
        })
}

fn check_address(address: IpAddr) -> Result<(), PeerRefused> {
    if network::is_near(address) {
        Ok(())
    } else {
        Err(PeerRefused::Public(address.to_canonical()))
    }
}

/// The node of one list element: the whole of it in `X-Forwarded-For`, `for=` in `Forwarded`.
fn node_of(element: &str) -> Option<&str> {
    if !element.contains('=') {
        return (!element.is_empty()).then_some(element);
    }
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]`, `[::1]:5`.
fn address_of(node: &str) -> Option<IpAddr> {
    let literal = node.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let zoneless = |text: &str| text.split('%').next().unwrap_or(text).parse().ok();
    match literal {
        Some((address, "")) => zoneless(address).filter(IpAddr::is_ipv6),
        Some(_) => node.parse::<SocketAddr>().ok().map(|address| address.ip()),
        None => zoneless(node).or_else(|| {
            let (address, port) = node.split_once(':')?;
            port.parse::<u16>().ok()?;
            address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: Option<&str>) -> Result<(), PeerRefused> {
        check_peer(&Settings::for_tests(), peer.parse().unwrap(), forwarded)
    }

    #[test]
    fn s_284_only_near_peers_are_served() {
        for peer in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.9",
            "169.254.1.1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
        ] {
            assert_eq!(check(peer, None), Ok(()), "{peer}");
        }
        for peer in [
            "203.0.113.9",
            "172.32.0.1",
            "100.64.0.1",
            "8.8.8.8",
            "0.0.0.0",
            "2001:db8::1",
            "2606:4700::1",
            "::",
            "::ffff:203.0.113.9",
            "ff02::1",
        ] {
            assert!(
                matches!(check(peer, None), Err(PeerRefused::Public(_))),
                "{peer}"
            );
        }
        let text = check("203.0.113.9", None).unwrap_err().to_string();
        assert!(
            text.contains("--dev-public") && text.contains("203.0.113.9"),
            "{text}"
        );
    }

    #[test]
    fn s_284_a_peer_behind_a_proxy_is_judged_by_what_the_proxy_says() {
        for forwarded in [
            "127.0.0.1",
            "10.0.0.1, 192.168.1.1",
            "10.0.0.1:4711",
            "[::1]",
            "[fd00::1]:80",
            "for=10.0.0.1",
            "for=\"[fd00::1]:4711\";proto=http, For=127.0.0.1",
            "proto=https;host=a",
            "",
            " , ",
            "fe80::1%eth0",
        ] {
            assert_eq!(check("127.0.0.1", Some(forwarded)), Ok(()), "{forwarded}");
        }
        for forwarded in [
            "203.0.113.9",
            "127.0.0.1, 203.0.113.9",
            "203.0.113.9, 127.0.0.1",
            "203.0.113.9:80",
            "for=203.0.113.9",
            "proto=http;for=\"203.0.113.9:1\"",
            "for=\"[2001:db8::1]\"",
            "[2001:db8::1]:9",
            "::ffff:203.0.113.9",
            "unknown",
            "for=_hidden",
            "for=unknown",
            "127.0.0.1 203.0.113.9",
            "[10.0.0.1]",
            "localhost",
        ] {
            assert!(check("127.0.0.1", Some(forwarded)).is_err(), "{forwarded}");
        }
        assert!(check("203.0.113.9", Some("127.0.0.1")).is_err());
    }

    #[test]
    fn a_peer_on_this_machine_speaks_for_nobody_else() {
        let local = "127.0.0.1".parse().unwrap();
        for forwarded in [None, Some("127.0.0.9"), Some("for=\"[::1]:80\""), Some("")] {
            assert!(is_loopback_peer(local, forwarded), "{forwarded:?}");
        }
        for forwarded in [
            "192.168.1.5",
            "127.0.0.1, 10.0.0.1",
            "unknown",
            "for=_x",
            "fe80::1",
        ] {
            assert!(!is_loopback_peer(local, Some(forwarded)), "{forwarded}");
        }
        assert!(!is_loopback_peer("192.168.1.5".parse().unwrap(), None));
        assert!(is_loopback_peer("::ffff:127.0.0.1".parse().unwrap(), None));
    }

    #[test]
    fn dev_public_serves_all() {
        let settings = Settings {
            dev_public: true,
            ..Settings::for_tests()
        };
        let peer = "203.0.113.9".parse().unwrap();
        assert_eq!(check_peer(&settings, peer, Some("unknown")), Ok(()));
    }

    #[test]
    fn every_forwarding_header_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded_text(&headers), None);
        headers.append("x-forwarded-for", "127.0.0.1".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        headers.append("x-real-ip", "203.0.113.9".parse().unwrap());
        let text = forwarded_text(&headers);
        assert_eq!(text.as_deref(), Some("127.0.0.1,10.0.0.1,203.0.113.9"));
        assert!(check("127.0.0.1", text.as_deref()).is_err());
    }
}
