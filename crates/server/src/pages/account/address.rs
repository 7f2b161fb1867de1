//! Where something came from, as exactly as it helps a person: the network and not the machine, and
//! where on earth that is, if the operator has a file that says so.

use std::net::{IpAddr, Ipv6Addr};

use crate::languages::{Filled, Value, Words};
use crate::state::State;

/// "from 192.0.2.x, about Munich, Germany".
pub(super) fn from_network(state: &State, words: &Words, address: IpAddr) -> Filled<'static> {
    coming_from(state, words, (address, network(words, address)))
}

/// The same with the whole address.
pub(super) fn from_address(state: &State, words: &Words, address: IpAddr) -> Filled<'static> {
    let whole = address.to_canonical().to_string();
    coming_from(state, words, (address, whole))
}

fn coming_from(
    state: &State,
    words: &Words,
    (address, shown): (IpAddr, String),
) -> Filled<'static> {
    let shown = match state.place(address, words.language) {
        Some(place) => words.network_about(shown, place).element(),
        None => Value::from(shown),
    };
    words.coming_from(shown)
}

/// `192.0.2.x`, or the first 48 bits of IPv6.
fn network(words: &Words, address: IpAddr) -> String {
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
