//! Which redirect URIs a client may use.
//!
//! RFC 8252 §7.3: <https://www.rfc-editor.org/rfc/rfc8252#section-7.3>, RFC 9700 §4.1.3. URIs are
//! compared as text; nothing is normalised, so nothing can be smuggled through a normalisation.

use crate::client::{Client, ClientKind};

/// Longer URIs are refused.
const LONGEST: usize = 2048;
/// The hosts whose port may vary; no other spelling of the loopback address (row S-40).
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A redirect URI that belongs to the client of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedRedirectUri(String);

/// A loopback URI, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Loopback<'a> {
    host: &'a str,
    path_and_query: &'a str,
}

impl AllowedRedirectUri {
    /// Checks a requested URI against those that are registered; in dev mode a client that nobody
    /// configured may use any loopback one.
    pub fn check(client: &Client, requested: &str) -> Option<Self> {
        Self::find(&client.redirect_uris, client, requested)
    }

    /// As [`Self::check`], for where a person goes after signing out (row S-241).
    pub fn check_post_logout(client: &Client, requested: &str) -> Option<Self> {
        Self::find(&client.post_logout_redirect_uris, client, requested)
    }

    fn find(registered: &[String], client: &Client, requested: &str) -> Option<Self> {
        if requested.len() > LONGEST || !requested.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let loopback = Loopback::parse(requested);
        let registered = registered.iter().any(|known| {
            known == requested || loopback.is_some() && Loopback::parse(known) == loopback
        });
        let free = client.kind == ClientKind::Unconfigured
            && loopback.as_ref().is_some_and(Loopback::has_a_plain_path);
        (registered || free).then(|| Self(requested.to_owned()))
    }

    /// The URI as it was asked for.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the answer goes to a program on the person's own machine.
    pub fn is_loopback(&self) -> bool {
        Loopback::parse(&self.0).is_some()
    }
}

impl<'a> Loopback<'a> {
    fn parse(uri: &'a str) -> Option<Self> {
        let rest = uri.strip_prefix("http://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at_checked(end)?;
        let host = LOOPBACK.into_iter().find_map(|host| {
            let port = authority.strip_prefix(host)?;
            (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(host)
        })?;
        (!path_and_query.contains('#')).then_some(Self {
            host,
            path_and_query,
        })
    }

    /// No dot segments, encoded or not, no backslash: the browser would change them on the way.
    fn has_a_plain_path(&self) -> bool {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        let decoded = path.to_ascii_lowercase().replace("%2e", ".");
        !path.contains('\\')
            && !decoded
                .split('/')
                .any(|segment| matches!(segment, "." | ".."))
    }
}

/// 1 to 65535 without leading zeros.
fn is_port(text: &str) -> bool {
    !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether a URI is one of a program on the person's own machine (RFC 8252 §7.3).
pub fn is_loopback(uri: &str) -> bool {
    Loopback::parse(uri).is_some()
}

/// Why a URI cannot be registered (RFC 8252 §8.4, RFC 9700 §2.6; row S-41).
pub fn check_registrable(uri: &str) -> Result<(), &'static str> {
    if uri.contains('#') {
        return Err("a redirect URI has no fragment");
    }
    if uri.contains('*') {
        return Err("a redirect URI has no wildcard");
    }
    let parsed = url::Url::parse(uri).map_err(|_| "a redirect URI is an absolute URI")?;
    match parsed.scheme() {
        "https" if parsed.host_str().is_some_and(|host| !host.is_empty()) => Ok(()),
        "https" => Err("an https redirect URI names a host"),
        "http" if Loopback::parse(uri).is_some() => Ok(()),
        "http" => Err("http is only for 127.0.0.1, [::1] and localhost"),
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("a private-use scheme is a reversed domain name and contains a period"),
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::ClientId;

    use super::*;

    fn registered(uris: &[&str]) -> Client {
        let redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        Client {
            kind: ClientKind::Public,
            redirect_uris,
            ..Client::unconfigured(ClientId::new("cli"))
        }
    }

    fn allowed(client: &Client, uri: &str) -> bool {
        AllowedRedirectUri::check(client, uri).is_some()
    }

    #[test]
    fn s_38_a_redirect_uri_is_equal_byte_for_byte() {
        let client = registered(&["https://app.test/cb"]);
        assert!(allowed(&client, "https://app.test/cb"));
        for uri in [
            "https://app.test/Cb",
            "https://app.test/cb/",
            "https://app.test/cb?x=1",
            "https://app.test/%63b",
            "https://app.test/c%2eb",
            "https://app.test:443/cb",
            "https://u@app.test/cb",
            "https://app.test/cb#f",
            "https://sub.app.test/cb",
            "https://app.test\\@evil.test/cb",
            "https://app.test/cb\u{0}",
            "https://app.test/x/../cb",
        ] {
            assert!(!allowed(&client, uri), "{uri}");
        }
    }

    #[test]
    fn s_39_the_port_of_a_loopback_uri_is_ignored_and_nothing_else() {
        let client = registered(&["http://127.0.0.1/cb"]);
        for uri in [
            "http://127.0.0.1:1/cb",
            "http://127.0.0.1:49152/cb",
            "http://127.0.0.1:65535/cb",
            "http://127.0.0.1/cb",
        ] {
            assert!(allowed(&client, uri), "{uri}");
        }
        for uri in [
            "http://localhost:1/cb",
            "http://[::1]:1/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1:1/cb/",
            "http://127.0.0.1:1/cb?x=1",
            "http://127.0.0.1:1/cb#f",
        ] {
            assert!(!allowed(&client, uri), "{uri}");
        }
        assert!(allowed(
            &registered(&["http://[::1]:7/cb"]),
            "http://[::1]:9/cb"
        ));
        assert!(allowed(
            &registered(&["http://localhost/cb?a=1"]),
            "http://localhost:9/cb?a=1"
        ));
    }

    #[test]
    fn s_40_only_three_literals_are_loopback() {
        let client = Client::unconfigured(ClientId::new("dev"));
        assert!(allowed(&client, "http://localhost:8085/callback"));
        assert!(allowed(&client, "http://[::1]:8085/callback"));
        for uri in [
            "http://127.0.0.2/cb",
            "http://127.1/cb",
            "http://0x7f.1/cb",
            "http://2130706433/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://localhost.evil.test/cb",
            "http://[::ffff:127.0.0.1]/cb",
            "http://127.0.0.1:80@evil.test/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:-1/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:080/cb",
            "http://LOCALHOST/cb",
            "http://127.0.0.1/a/../cb",
            "http://127.0.0.1/a/%2E./cb",
            "http://127.0.0.1\\@evil.test/cb",
            "http://127.0.0.1/a\tb",
            "https://app.test/cb",
        ] {
            assert!(!allowed(&client, uri), "{uri}");
        }
    }

    #[test]
    fn s_41_what_cannot_be_registered() {
        for uri in [
            "http://app.test/cb",
            "myapp:/cb",
            "https://a/#f",
            "https://*.a/",
            "javascript:alert(1)",
            "data:text/html,x",
            "relative",
        ] {
            assert!(check_registrable(uri).is_err(), "{uri}");
        }
        for uri in [
            "https://app.test/cb",
            "com.example.app:/cb",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
        ] {
            assert_eq!(check_registrable(uri), Ok(()), "{uri}");
        }
    }
}
