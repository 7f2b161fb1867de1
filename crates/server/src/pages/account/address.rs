//! Where something came from, as exactly as it helps a person: the network, not the machine.

use std::net::{IpAddr, Ipv6Addr};

use crate::languages::Words;

/// `192.0.2.x`, or the first 48 bits of IPv6.
pub(super) fn network(words: &Words, address: IpAddr) -> String {
    match address.to_canonical() {
        address if address.is_loopback() => words.own_machine.to_owned(),
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.x")
        }
        IpAddr::V6(address) => {
            let start = address.to_bits() >> 80 << 80;
            format!("{}/48", Ipv6Addr::from_bits(start))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::Language;

    #[test]
    fn an_address_loses_what_names_a_machine() {
        for (address, shown) in [
            ("192.0.2.77", "192.0.2.x"),
            ("::ffff:192.0.2.77", "192.0.2.x"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
            ("::1", "this server's own machine"),
        ] {
            let english = Language::English.words();
            assert_eq!(network(english, address.parse().unwrap()), shown);
        }
    }
}
