//! Which hosts a credential helper may give the tokens of a profile to.
//!
//! Row C-76: exactly these, by scheme, host and port. What is asked for comes from programs that read it
//! from repositories, images and clusters, so it is compared as text, and whatever is written in another
//! way than `hallpass setup` writes it is another host.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The hosts of a profile, by the program that asks for them.
pub(crate) type Helpers = BTreeMap<Helper, Vec<HelperPlace>>;

/// A protocol by which another program asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Helper {
    /// gitcredentials(7).
    Git,
    /// The credential plugins of client-go.
    Kubectl,
    /// The `docker-credential-helpers` protocol.
    Docker,
    /// The credential helpers of Bazel.
    Json,
}

/// An https host and its port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HelperPlace {
    /// In small letters; an IPv6 address in its brackets.
    host: String,
    port: u16,
}

impl Helper {
    /// Its name on command lines and in files.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Kubectl => "kubectl",
            Self::Docker => "docker",
            Self::Json => "json",
        }
    }
}

impl HelperPlace {
    /// Reads `host` or `host:port`.
    pub(crate) fn of_authority(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']')?;
                // One address has many spellings, and this is the one that counts.
                let address: Ipv6Addr = address.parse().ok()?;
                let port = match after {
                    "" => None,
                    after => Some(after.strip_prefix(':')?),
                };
                (format!("[{address}]"), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (name(host)?, Some(port)),
                None => (name(text)?, None),
            },
        };
        Some(Self {
            host,
            port: port.map_or(Some(HTTPS), number)?,
        })
    }

    /// Reads an https address and takes its host; user names, and whatever makes programs differ about
    /// where a host ends, are refused.
    pub(crate) fn of_url(text: &str) -> Option<Self> {
        if text.chars().any(|c| c.is_control() || c == '\\') {
            return None;
        }
        let rest = text.strip_prefix(SCHEME)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        Self::of_authority(rest.get(..end)?)
    }

    /// Reads what a person names: a host, with or without its scheme, and nothing behind it.
    pub(crate) fn of_person(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        Self::of_authority(text.strip_prefix(SCHEME).unwrap_or(text))
    }

    /// Host and port, as git and docker name it: the port only where it is not that of https.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            HTTPS => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }
}

/// As a file has it and people read it: `https://git.example.com:8443`.
impl fmt::Display for HelperPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.authority())
    }
}

impl Serialize for HelperPlace {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HelperPlace {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let place = text.strip_prefix(SCHEME).and_then(Self::of_authority);
        place.ok_or_else(|| {
            serde::de::Error::custom(
                "write it as https://git.example.com or https://git.example.com:8443",
            )
        })
    }
}

/// A name of ASCII labels. A dot at its end, an empty label, a percent sign and other alphabets are other
/// spellings, which some programs take for the same host and some do not.
fn name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(is_plain)
    };
    let is_name = text.len() <= LONGEST_NAME && text.split('.').all(is_label);
    is_name.then(|| text.to_ascii_lowercase())
}

/// A port in its only spelling.
fn number(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (port > 0 && port.to_string() == text).then_some(port)
}

const SCHEME: &str = "https://";
const HTTPS: u16 = 443;
/// RFC 1035 §2.3.4.
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_76_a_host_is_itself_and_nothing_else() {
        let own = HelperPlace::of_url("https://git.example.com").unwrap();
        for same in [
            "https://git.example.com/",
            "https://git.example.com:443",
            "https://git.example.com/ada/x.git?y#z",
            "https://GIT.Example.com",
        ] {
            assert_eq!(HelperPlace::of_url(same).as_ref(), Some(&own), "{same}");
        }
        for other in [
            "",
            "git.example.com",
            "http://git.example.com",
            "HTTPS://git.example.com",
            "https:git.example.com",
            "https:///git.example.com",
            "https://",
            "https://git.example.com.evil.test",
            "https://evil.test/git.example.com",
            "https://evil.test?git.example.com",
            "https://evil.test#git.example.com",
            "https://git.example.com@evil.test",
            "https://evil.test@git.example.com",
            "https://ada:x@git.example.com",
            "https://evil.test\\@git.example.com",
            "https://git.example.com\\.evil.test",
            "https://git.example.com:8443",
            "https://git.example.com:0443",
            "https://git.example.com:+443",
            "https://git.example.com:",
            "https://git.example.com:443:443",
            "https://git.example.com:0",
            "https://git.example.com:65979",
            "https://git.example.com.",
            "https://.git.example.com",
            "https://git..example.com",
            "https://*.example.com",
            "https://git%2eexample.com",
            "https://git.example.com%00.evil.test",
            "https://a%0ahost=git.example.com",
            "https://git.example.com\n",
            "https://git.example.com\r",
            "https://git.example.com\0.evil.test",
            " https://git.example.com",
            "https://git.example.com ",
            // Cyrillic a, full-width letters, an ideographic full stop.
            "https://git.ex\u{430}mple.com",
            "https://\u{ff47}\u{ff49}\u{ff54}.example.com",
            "https://git\u{3002}example.com",
        ] {
            assert_ne!(HelperPlace::of_url(other), Some(own.clone()), "{other:?}");
        }
        let long = format!("https://{}", "a.".repeat(200_000));
        assert_eq!(HelperPlace::of_url(&long), None);
    }

    #[test]
    fn c_76_an_address_has_one_spelling() {
        let of = |text: &str| HelperPlace::of_authority(text).map(|place| place.to_string());
        assert_eq!(of("[0:0::1]:8443").as_deref(), Some("https://[::1]:8443"));
        assert_eq!(of("127.0.0.1").as_deref(), Some("https://127.0.0.1"));
        for (one, other) in [
            ("127.0.0.1", "127.1"),
            ("127.0.0.1", "2130706433"),
            ("127.0.0.1", "[::ffff:127.0.0.1]"),
        ] {
            assert_ne!(of(one), of(other));
        }
        for none in ["[::1", "::1", "[::1]x", "[::1%eth0]", "[]", "[::1]:"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn a_file_has_origins_and_nothing_more() {
        let read = |text: &str| toml::from_str::<Helpers>(text);
        let text = "git = [\"https://git.example.com:8443\"]\n";
        let helpers = read(text).unwrap();
        assert_eq!(toml::to_string(&helpers).unwrap(), text);
        for bad in [
            "git = [\"git.example.com\"]",
            "git = [\"https://git.example.com/x\"]",
            "git = [\"https://*.example.com\"]",
            "git = [\"http://git.example.com\"]",
            "svn = [\"https://git.example.com\"]",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_person_may_leave_the_scheme_out() {
        let of = |text: &str| HelperPlace::of_person(text).map(|place| place.to_string());
        for text in [
            "git.example.com",
            "https://git.example.com/",
            "git.example.com:443",
        ] {
            assert_eq!(
                of(text).as_deref(),
                Some("https://git.example.com"),
                "{text}"
            );
        }
        assert_eq!(of("http://git.example.com"), None);
        assert_eq!(of("https://git.example.com/ada"), None);
    }
}
