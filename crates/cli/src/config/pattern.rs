//! The patterns of `[[match]]`, and the addresses that they are held against.

use std::path::{Path, PathBuf};

use hallpass_client::clean;
use serde::{Deserialize, Deserializer};
use url::{Host, Origin, Url};

use super::settings::expand_home;
use crate::failure::Failure;

/// An address that a token may be meant for: https, or http on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Target(Url);

/// `~/src/acme/**`: `*` is one folder, `**` is any number of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirPattern {
    text: String,
    path: PathBuf,
}

/// `https://*.example.com/v1/**`: `*` in the host is one label, as in certificates; in the path it
/// is one segment, and `**` is any number of them. The port is the scheme's, unless it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UrlPattern {
    text: String,
    scheme: String,
    host: Vec<String>,
    port: Option<u16>,
    path: Vec<String>,
}

impl Target {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let url = Url::parse(text).ok().filter(|url| {
            let is_here = match url.host() {
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
                None => false,
            };
            let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_here);
            let is_plain = url.username().is_empty() && url.password().is_none();
            is_secure && is_plain && url.has_host() && clean::is_clean(text)
        });
        url.map(Self).ok_or_else(|| {
            let shown = clean::text(text);
            Failure::config(format!("no token is sent to `{shown}`"))
                .hint_to("name an https address (http only on this machine), without user name")
        })
    }

    /// Where it is: scheme, host and port.
    pub(crate) fn origin(&self) -> Origin {
        self.0.origin()
    }

    /// The same as text.
    pub(crate) fn origin_text(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether a resource of a profile is at the same place.
    pub(crate) fn is_at(&self, resource: &str) -> bool {
        Self::parse(resource).is_ok_and(|resource| resource.origin() == self.origin())
    }
}

impl DirPattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = expand_home(Path::new(text));
        if !path.is_absolute() {
            return Err("a folder of [[match]] begins with `/` or `~`".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            path,
        })
    }

    /// Whether a folder is meant. `~/src/acme/**` means `~/src/acme` too.
    pub(crate) fn matches(&self, folder: &Path) -> bool {
        let words = |path: &Path| -> Vec<String> {
            let words = path.components();
            words
                .map(|word| word.as_os_str().to_string_lossy().into_owned())
                .collect()
        };
        matches(&words(&self.path), &words(folder))
    }
}

impl UrlPattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "write it as https://api.example.com/** or https://*.example.com".to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (place, path) = rest.split_once('/').unwrap_or((rest, "**"));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| wrong())?))
            }
            _ => (place, None),
        };
        let is_scheme = matches!(scheme, "https" | "http");
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '*' | '[' | ']' | ':');
        let has_name = host
            .split('.')
            .any(|label| !label.is_empty() && label != "*");
        let labels_are_whole = host
            .split('.')
            .all(|label| label == "*" || !label.contains('*'));
        if !is_scheme || !host.chars().all(is_host) || !has_name || !labels_are_whole {
            return Err(wrong());
        }
        let path = if path.is_empty() { "**" } else { path };
        Ok(Self {
            text: text.to_owned(),
            scheme: scheme.to_owned(),
            host: host
                .to_ascii_lowercase()
                .split('.')
                .map(str::to_owned)
                .collect(),
            port,
            path: path.split('/').map(str::to_owned).collect(),
        })
    }

    /// Whether an address is meant.
    pub(crate) fn matches(&self, target: &Target) -> bool {
        let url = &target.0;
        let host: Vec<&str> = url.host_str().unwrap_or_default().split('.').collect();
        let is_host = host.len() == self.host.len()
            && host
                .iter()
                .zip(&self.host)
                .all(|(label, wanted)| wanted == "*" || wanted == label);
        let default = match url.scheme() {
            "https" => 443,
            _ => 80,
        };
        let is_port = url.port_or_known_default() == Some(self.port.unwrap_or(default));
        let path: Vec<String> = url.path().split('/').skip(1).map(str::to_owned).collect();
        url.scheme() == self.scheme && is_host && is_port && matches(&self.path, &path)
    }
}

/// `*` is one word, `**` is any number of them, also none.
fn matches(pattern: &[String], words: &[String]) -> bool {
    match (pattern.split_first(), words.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            matches(rest, words)
                || words
                    .split_first()
                    .is_some_and(|(_, others)| matches(pattern, others))
        }
        (Some((first, rest)), Some((word, others))) => {
            (first == "*" || first == word) && matches(rest, others)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

macro_rules! read_from_text {
    ($pattern:ident) => {
        impl<'de> Deserialize<'de> for $pattern {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl std::fmt::Display for $pattern {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&clean::text(&self.text))
            }
        }
    };
}

read_from_text!(DirPattern);
read_from_text!(UrlPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_meant_with_what_lies_below() {
        let below = DirPattern::parse("/src/acme/**").unwrap();
        for folder in ["/src/acme", "/src/acme/a", "/src/acme/a/b"] {
            assert!(below.matches(Path::new(folder)), "{folder}");
        }
        for folder in ["/src", "/src/acme2", "/x/src/acme"] {
            assert!(!below.matches(Path::new(folder)), "{folder}");
        }
        let one = DirPattern::parse("/src/*/docs").unwrap();
        assert!(one.matches(Path::new("/src/a/docs")) && !one.matches(Path::new("/src/docs")));
        assert!(DirPattern::parse("src/**").is_err());
    }

    fn meant(pattern: &str, address: &str) -> bool {
        UrlPattern::parse(pattern)
            .unwrap()
            .matches(&Target::parse(address).unwrap())
    }

    #[test]
    fn c_75_an_address_is_meant_by_scheme_host_port_and_path() {
        for (pattern, address) in [
            ("https://api.example.com", "https://api.example.com/v1/x?q"),
            ("https://API.example.com/**", "https://api.EXAMPLE.com"),
            ("https://*.example.com/**", "https://git.example.com:443/x"),
            ("https://a.test/v1/**", "https://a.test/v1"),
            ("http://localhost:8080/**", "http://localhost:8080/x"),
        ] {
            assert!(meant(pattern, address), "{pattern} {address}");
        }
        for (pattern, address) in [
            ("https://*.example.com/**", "https://example.com/"),
            ("https://*.example.com/**", "https://a.b.example.com/"),
            (
                "https://*.example.com/**",
                "https://git.example.com.evil.test/",
            ),
            ("https://*.example.com/**", "https://git.example.com:8443/"),
            ("https://localhost/**", "http://localhost/"),
            ("https://a.test/v1/**", "https://a.test/v2"),
            ("https://a.test/v1/**", "https://a.test/v1/../v2"),
        ] {
            assert!(!meant(pattern, address), "{pattern} {address}");
        }
        for bad in [
            "",
            "a.test",
            "ftp://a.test",
            "https://*",
            "https://*.*",
            "https://a*.test",
            "https://u@a.test",
            "https://a.test:x",
        ] {
            assert!(UrlPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn c_44_no_token_goes_over_plain_http_to_another_machine() {
        for bad in [
            "http://a.test",
            "a.test",
            "https://u:p@a.test",
            "ftp://a.test",
            "https://a\u{1b}.test",
        ] {
            assert_eq!(Target::parse(bad).unwrap_err().exit(), 5, "{bad}");
        }
        assert!(Target::parse("http://127.0.0.1:1/x").is_ok());
    }
}
