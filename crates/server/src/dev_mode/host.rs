//! Which `Host` dev mode answers: on loopback only our own names, against DNS rebinding.
//!
//! RFC 9110 §7.2: <https://www.rfc-editor.org/rfc/rfc9110#section-7.2>, RFC 9112 §3.2, RFC 6761
//! §6.3 (`localhost`).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::settings::{PublicUrl, Settings};

/// A host and perhaps a port, as `Host` carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// A name or an IPv4 address, or an IPv6 address in its brackets.
    pub(crate) host: &'a str,
    /// The port, where one is named.
    pub(crate) port: Option<u16>,
}

/// Why a request gets 400 for its `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostRefused {
    /// RFC 9112 §3.2: a server MUST answer 400 to a request without it, or with two.
    #[error("the request does not have exactly one Host header")]
    Missing,
    /// Neither `host` nor `host:port`.
    #[error("the Host header is malformed")]
    Malformed,
    /// Somebody else's name for this machine.
    #[error(
        "this server answers only to loopback names; set SERVER_HOSTNAME or --issuer-url to add one"
    )]
    Foreign,
}

/// Refuses a `Host` that is malformed, and on loopback one that is not ours.
pub(crate) fn check_host(
    settings: &Settings,
    host_header: Option<&str>,
) -> Result<(), HostRefused> {
    let text = host_header.ok_or(HostRefused::Missing)?;
    let authority = Authority::parse(text).ok_or(HostRefused::Malformed)?;
    if !settings.loopback_only || is_ours(settings, authority.host) {
        Ok(())
    } else {
        Err(HostRefused::Foreign)
    }
}

/// Whether a host is a loopback name, the configured name, or the fixed issuer URL's.
///
/// The control API asks this too, whatever the server listens on.
pub(crate) fn is_ours(settings: &Settings, host: &str) -> bool {
    let configured = settings.hostname.as_deref();
    let fixed = match &settings.public {
        PublicUrl::Fixed(url) => host_of(url),
        PublicUrl::FromHost => None,
    };
    let same = |known: &str| bare(known).eq_ignore_ascii_case(bare(host));
    is_loopback(host) || configured.is_some_and(same) || fixed.is_some_and(same)
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; nothing else stands in an issuer's URL.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = if text.starts_with('[') {
            let (host, port) = text.split_at_checked(text.find(']')? + 1)?;
            bare(host).parse::<Ipv6Addr>().ok()?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':')?)
                },
            )
        } else {
            let (host, port) = text
                .split_once(':')
                .map_or((text, None), |(host, port)| (host, Some(port)));
            let is_name = !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            (is_name.then_some(host)?, port)
        };
        // RFC 3986 §3.2.3 lets the port be empty: `host:`.
        let port = match port {
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok().filter(|port| *port > 0)?)
            }
            Some(_) => return None,
        };
        Some(Self { host, port })
    }
}

/// RFC 6761 §6.3: `localhost` and the names under it are this machine, in every resolver that
/// browsers use; no public name server can point them elsewhere.
fn is_loopback(host: &str) -> bool {
    let under = host.len().checked_sub(".localhost".len());
    host.eq_ignore_ascii_case("localhost")
        || under
            .and_then(|length| host.get(length..))
            .is_some_and(|end| end.eq_ignore_ascii_case(".localhost"))
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || bare(host)
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback())
}

fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    Authority::parse(authority).map(|authority| authority.host)
}

/// An IPv6 address without its brackets; anything else as it is.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            hostname: Some("mock.internal".to_owned()),
            public: PublicUrl::Fixed("http://Auth.Test:8080/base".to_owned()),
            ..Settings::for_tests()
        }
    }

    #[test]
    fn a_92_on_loopback_only_our_own_names_are_answered() {
        let settings = settings();
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "app.localhost:1",
            "127.0.0.1:8080",
            "127.0.0.2",
            "[::1]",
            "[::1]:8080",
            "mock.internal:9",
            "auth.test",
            "[0:0:0:0:0:0:0:1]:1",
            "localhost:",
        ] {
            assert_eq!(check_host(&settings, Some(host)), Ok(()), "{host}");
        }
        for host in [
            "evil.test",
            "evil.test:8080",
            "localhost.evil.test",
            "notlocalhost",
            "192.168.1.5",
            "[2001:db8::1]",
            "127.0.0.1.evil.test",
            "127.1",
            "2130706433",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ] {
            assert_eq!(
                check_host(&settings, Some(host)),
                Err(HostRefused::Foreign),
                "{host}"
            );
        }
        assert_eq!(check_host(&settings, None), Err(HostRefused::Missing));
    }

    #[test]
    fn a_malformed_host_is_refused_wherever_we_listen() {
        let everywhere = Settings {
            loopback_only: false,
            ..Settings::for_tests()
        };
        assert_eq!(
            check_host(&everywhere, Some("auth_server.docker:8080")),
            Ok(())
        );
        for host in [
            "",
            ":80",
            "a:b",
            "a:80:80",
            "a@b",
            "user:pw@localhost",
            "a b",
            "a/b",
            "a\\b",
            "é",
            "[::1",
            "::1",
            "[1]",
            "[::1]80",
            "localhost:0",
            "localhost:99999",
            "localhost:+1",
            "a?b",
            "a#b",
            "a,b",
        ] {
            assert_eq!(
                check_host(&everywhere, Some(host)),
                Err(HostRefused::Malformed),
                "{host}"
            );
        }
    }
}
