//! Whose address a request came from when proxies stand between.
//!
//! Only `X-Forwarded-For` is read, and only what a configured proxy added to it: a proxy that
//! writes one header passes the others on as the stranger sent them.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::settings::Network;

/// The address of the client: the last one that no trusted proxy has.
pub(crate) fn client_address(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let values = headers.get_all("x-forwarded-for").iter();
    let texts: Vec<&str> = values
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    for element in texts.iter().rev().flat_map(|text| text.rsplit(',')) {
        // What cannot be read was not written by a proxy that we know: its neighbour is the client.
        let Some(address) = read(element.trim()) else {
            return client;
        };
        client = address;
        if !is_trusted(client) {
            return client;
        }
    }
    client
}

/// Whether a proxy that nobody configured may have sent the request on: then the peer's address is
/// the proxy's, and nothing follows from it.
pub(crate) fn is_veiled(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> bool {
    let is_trusted = trusted
        .iter()
        .any(|network| network.contains(peer.to_canonical()));
    let names = ["forwarded", "x-forwarded-for"];
    !is_trusted && names.iter().any(|name| headers.contains_key(*name))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    let address = address.or_else(|| text.parse().ok().map(|at: SocketAddr| at.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for text in forwarded {
            headers.append("x-forwarded-for", text.parse().unwrap());
        }
        client_address(&trusted, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn s_270_only_trusted_proxies_speak_for_others() {
        // A stranger's own header counts for nothing.
        assert_eq!(client("203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        // What the client wrote stands before what the proxy added.
        assert_eq!(client("10.0.0.1", &["127.0.0.1, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(
            client("10.0.0.1", &["127.0.0.1", "192.0.2.1, 10.0.0.7"]),
            "192.0.2.1"
        );
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:99"]), "2001:db8::1");
        assert_eq!(client("fd00::1", &["192.0.2.1:80"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        for nonsense in ["unknown", "", "192.0.2.1, x", "192.0.2.1,"] {
            assert_eq!(client("10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense}");
        }
    }
}
