//! Whether a device and a browser are in one network: said only where it is known.
//!
//! RFC 8628 §5.4 (remote phishing): <https://www.rfc-editor.org/rfc/rfc8628#section-5.4>

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use hallpass_protocol::{Timestamp, UserId};

/// The networks of a device and of a browser, compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They meet in one. Behind one NAT, VPN or carrier that proves little: it lowers no bar.
    Same,
    /// They do not.
    Different,
    /// Nothing can be said: no address, or none of the browser's family.
    Unknown,
}

/// A pair of networks that a person confirmed is not asked about again for so long (row S-275).
pub const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// Two networks between which a person works: their browser is in one, their program in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The issuer's path.
    pub issuer: String,
    /// Who confirmed it.
    pub user: UserId,
    /// The network of their browser.
    pub browser: IpAddr,
    /// The network of the program.
    pub program: IpAddr,
}

impl Confirmed {
    /// The pair of two addresses.
    pub fn new(issuer: &str, user: &UserId, browser: IpAddr, program: IpAddr) -> Self {
        Self {
            issuer: issuer.to_owned(),
            user: user.clone(),
            browser: of(browser),
            program: of(program),
        }
    }

    /// Until when it is remembered.
    pub fn until(now: Timestamp) -> Timestamp {
        now + REMEMBERED
    }
}

/// Compares the addresses that a device was seen at with the browser's, each family for itself: the
/// whole address for IPv4, the /64 for IPv6. One of the browser's family that lies elsewhere counts,
/// whatever the others say.
pub fn compare(device: impl IntoIterator<Item = IpAddr>, browser: Option<IpAddr>) -> Comparison {
    let Some(browser) = browser else {
        return Comparison::Unknown;
    };
    let mut comparison = Comparison::Unknown;
    for address in device {
        if is_same(address, browser) {
            comparison = Comparison::Same;
        } else if address.to_canonical().is_ipv4() == browser.to_canonical().is_ipv4() {
            return Comparison::Different;
        }
    }
    comparison
}

/// The network of an address, as it is kept: the whole address for IPv4, the /64 for IPv6.
pub fn of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64))
        }
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    }
}

/// Whether two addresses lie in one network.
pub fn is_same(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (one, other) if one.is_loopback() && other.is_loopback() => true,
        (IpAddr::V4(one), IpAddr::V4(other)) => one == other,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 64 == other.to_bits() >> 64,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Whether an address is this machine's or a private network's: one that many have, each in their own
/// place.
pub fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(device: &[&str], browser: &str) -> Comparison {
        let device = device.iter().map(|text| text.parse().unwrap());
        compare(device, Some(browser.parse().unwrap()))
    }

    #[test]
    fn s_270_each_family_is_compared_for_itself() {
        for (device, browser, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1", Comparison::Same),
            (&["192.0.2.1"], "192.0.2.2", Comparison::Different),
            (&["192.0.2.1"], "2001:db8::1", Comparison::Unknown),
            (&["2001:db8::1"], "2001:db8::ffff:1", Comparison::Same),
            (&["2001:db8::1"], "2001:db8:0:1::1", Comparison::Different),
            (
                &["192.0.2.1", "2001:db8::1"],
                "2001:db8::2",
                Comparison::Same,
            ),
            (&["192.0.2.1", "2001:db8::1"], "192.0.2.1", Comparison::Same),
            (
                &["192.0.2.1", "2001:db8::1"],
                "192.0.2.9",
                Comparison::Different,
            ),
            (&["::ffff:192.0.2.1"], "192.0.2.1", Comparison::Same),
            (&["127.0.0.1"], "::1", Comparison::Same),
            (&[], "192.0.2.1", Comparison::Unknown),
        ] {
            assert_eq!(compared(device, browser), expected, "{device:?} {browser}");
        }
        let device: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(compare([device], None), Comparison::Unknown);
    }

    #[test]
    fn a_network_is_the_same_as_each_of_its_addresses() {
        for (address, kept) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::1"),
            ("127.0.0.2", "127.0.0.2"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(of(address).to_string(), kept);
            assert!(is_same(address, of(address)), "{address}");
        }
    }

    #[test]
    fn s_270_a_device_that_also_polls_from_elsewhere_is_elsewhere() {
        for device in [["192.0.2.1", "203.0.113.9"], ["203.0.113.9", "192.0.2.1"]] {
            assert_eq!(compared(&device, "192.0.2.1"), Comparison::Different);
        }
    }
}
