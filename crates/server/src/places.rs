//! Where an address is, as coarsely as the operator's location file says it: a city, a country.
//!
//! For people to read. Nothing is decided by it: such files are often wrong. For operators:
//! `docs/server.md`. The format: <https://maxmind.github.io/MaxMind-DB/>

use std::net::IpAddr;
use std::path::Path;
use std::{fs, io};

use hallpass_issuer::network;
use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;

use crate::languages::Language;

/// A location file, whole in memory: a file that is replaced while we run is not noticed.
#[derive(Debug)]
pub(crate) struct Places(Reader<Vec<u8>>);

/// Why a file is of no use, in words that follow its name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The system says no.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A folder, or something that never ends.
    #[error("is no file")]
    NoFile,
    /// It breaks off, was written over, or is of another format.
    #[error("is no whole file in the MaxMind DB format: {0}")]
    Damaged(#[from] MaxMindDbError),
    /// It says other things of addresses.
    #[error("names no cities or countries: its type is `{kind}`")]
    NoNames {
        /// What it calls itself.
        kind: String,
    },
}

impl Unusable {
    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::NoFile => {
                "check the path and its permissions, or leave `geo.mmdb` away: addresses are shown bare then"
            }
            Self::Damaged(_) => "fetch it again, and move it to its place when it is whole",
            Self::NoNames { .. } => {
                "name a file of cities or countries, such as GeoLite2-City.mmdb"
            }
        }
    }
}

impl Places {
    /// Reads a file and looks at all of it, so that no damage shows up later. The text of a name is
    /// not judged here: it is cleaned when it is shown.
    pub(crate) fn open(path: &Path) -> Result<Self, Unusable> {
        if !fs::metadata(path)?.is_file() {
            return Err(Unusable::NoFile);
        }
        Self::of_bytes(fs::read(path)?)
    }

    fn of_bytes(bytes: Vec<u8>) -> Result<Self, Unusable> {
        let reader = Reader::from_source(bytes)?;
        reader.verify()?;
        let places = Self(reader);
        if places.has_names() {
            Ok(places)
        } else {
            let kind = places.kind();
            Err(Unusable::NoNames { kind })
        }
    }

    /// What the file calls itself, such as `GeoLite2-City`.
    pub(crate) fn kind(&self) -> String {
        shown(&self.0.metadata().database_type).unwrap_or_default()
    }

    /// When it was made.
    pub(crate) fn built(&self) -> jiff::Timestamp {
        let seconds = i64::try_from(self.0.metadata().build_epoch).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX)
    }

    /// The place of an address, such as "München, Deutschland": what has no name in the language has
    /// its English one. `None` where the file names nothing, and for addresses that are nowhere,
    /// this machine's and those of private networks.
    pub(crate) fn of(&self, address: IpAddr, language: Language) -> Option<String> {
        let address = address.to_canonical();
        if network::is_near(address) {
            return None;
        }
        // A file of IPv4 alone refuses other addresses. Records of another shape name nothing.
        let found = self.0.lookup(address).ok()?;
        found.decode::<Record<'_>>().ok()??.place(language)
    }

    /// Whether some of the records name a place. Some say nothing, and so more than one is asked.
    fn has_names(&self) -> bool {
        let is_named = |record: Record<'_>| {
            let mut languages = Language::ALL.into_iter();
            languages.any(|language| record.place(language).is_some())
        };
        let records = self.0.networks(WithinOptions::default());
        records.into_iter().flatten().take(ASKED).any(|network| {
            let record = network.and_then(|network| network.decode());
            record.ok().flatten().is_some_and(is_named)
        })
    }
}

/// So many records are asked whether a file names places.
const ASKED: usize = 10_000;
/// The longest name of a country has 44 letters, that of a village in Wales 58.
const LONGEST: usize = 64;

/// What is read of a record.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    city: Option<Named<'a>>,
    #[serde(borrow)]
    country: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    names: Names<'a>,
}

/// The names of one thing. The file has them in further languages.
#[derive(Default, Deserialize)]
struct Names<'a> {
    de: Option<&'a str>,
    en: Option<&'a str>,
    es: Option<&'a str>,
    fr: Option<&'a str>,
}

impl Record<'_> {
    fn place(&self, language: Language) -> Option<String> {
        let name = |named: &Option<Named<'_>>| named.as_ref()?.names.of(language);
        match (name(&self.city), name(&self.country)) {
            // Singapore is in Singapore.
            (Some(city), Some(country)) if city != country => Some(format!("{city}, {country}")),
            (Some(name), _) | (None, Some(name)) => Some(name),
            (None, None) => None,
        }
    }
}

impl Names<'_> {
    fn of(&self, language: Language) -> Option<String> {
        let own = match language {
            Language::English => self.en,
            Language::German => self.de,
            Language::French => self.fr,
            Language::Spanish => self.es,
        };
        [own, self.en].into_iter().flatten().find_map(shown)
    }
}

/// A name as a page may show it: one short line that is read in the direction of its letters.
fn shown(name: &str) -> Option<String> {
    let mut letters = name.chars().filter(|letter| is_visible(*letter));
    let mut shown: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Not what moves the cursor, turns the reading direction, or takes no room.
fn is_visible(letter: char) -> bool {
    let is_hidden = matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !is_hidden && !letter.is_control()
}

#[cfg(test)]
mod tests {
    use hallpass_testing::location_file::{LocationFile, Value};

    use super::*;

    fn places(file: &LocationFile) -> Places {
        Places::of_bytes(file.bytes()).unwrap()
    }

    fn place(places: &Places, address: &str, language: Language) -> Option<String> {
        places.of(address.parse().unwrap(), language)
    }

    #[test]
    fn a_place_is_named_in_the_language_or_in_english() {
        let places = places(&LocationFile::example());
        for (address, language, expected) in [
            ("192.0.2.7", Language::English, Some("Munich, Germany")),
            ("192.0.2.7", Language::German, Some("München, Deutschland")),
            ("192.0.2.7", Language::French, Some("Munich, Allemagne")),
            ("192.0.2.7", Language::Spanish, Some("Múnich, Alemania")),
            // The city has an English name alone.
            ("198.51.100.7", Language::French, Some("Lagos, Nigéria")),
            // The record has no city.
            ("2001:db8::7", Language::German, Some("Spanien")),
            // The same network, as a socket of both families names it.
            (
                "::ffff:192.0.2.7",
                Language::English,
                Some("Munich, Germany"),
            ),
            ("203.0.113.7", Language::English, None),
            ("2001:db9::7", Language::English, None),
        ] {
            let found = place(&places, address, language);
            assert_eq!(found.as_deref(), expected, "{address} {language:?}");
        }
    }

    #[test]
    fn addresses_that_are_nowhere_have_no_place_whatever_a_file_says() {
        let somewhere = Value::place(&[], &[("en", "Nowhere")]);
        let everywhere = LocationFile::of_kind("X").with("::/1", somewhere);
        let everywhere = places(&everywhere);
        assert!(place(&everywhere, "192.0.2.7", Language::English).is_some());
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.24",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            let found = place(&everywhere, address, Language::English);
            assert_eq!(found, None, "{address}");
        }
    }

    #[test]
    fn a_file_of_ipv4_alone_knows_no_other_address() {
        let germany = Value::place(&[], &[("en", "Germany")]);
        let file = LocationFile::of_kind("X").of_ipv4_alone();
        let places = places(&file.with("192.0.2.0/24", germany));
        let english = Language::English;
        let germany = Some("Germany".to_owned());
        assert_eq!(place(&places, "192.0.2.7", english), germany);
        assert_eq!(place(&places, "::ffff:192.0.2.7", english), germany);
        assert_eq!(place(&places, "2001:db8::7", english), None);
    }

    #[test]
    fn a_smaller_network_stands_before_the_larger_one_around_it() {
        let named = |name| Value::place(&[], &[("en", name)]);
        let file = LocationFile::of_kind("X")
            .with("192.0.2.0/24", named("around"))
            .with("192.0.2.128/25", named("inside"));
        let places = places(&file);
        for (address, expected) in [("192.0.2.1", "around"), ("192.0.2.129", "inside")] {
            let found = place(&places, address, Language::English);
            assert_eq!(found.as_deref(), Some(expected), "{address}");
        }
    }

    #[test]
    fn a_name_is_one_short_line_that_reads_in_its_own_direction() {
        for (written, expected) in [
            ("São Tomé and Príncipe", Some("São Tomé and Príncipe")),
            (" a\u{202e}b\u{2066}c\u{200f} ", Some("abc")),
            ("a\r\nb\u{1b}[31m\0", Some("ab[31m")),
            ("\u{200b}\u{feff} \n", None),
            ("", None),
            ("ירושלים", Some("ירושלים")),
        ] {
            assert_eq!(shown(written).as_deref(), expected, "{written:?}");
        }
        assert_eq!(shown(&"é".repeat(64)).unwrap(), "é".repeat(64));
        let cut = shown(&"é".repeat(10_000)).unwrap();
        assert_eq!(cut, format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn what_cannot_be_shown_falls_back_to_english_and_one_name_is_said_once() {
        let hostile = Value::place(&[("de", "\u{202e}"), ("en", "Here")], &[("en", "There")]);
        let singapore = Value::place(&[("en", "Singapore")], &[("en", "Singapore")]);
        let file = LocationFile::of_kind("X")
            .with("192.0.2.0/24", hostile)
            .with("198.51.100.0/24", singapore);
        let places = places(&file);
        for (address, expected) in [("192.0.2.7", "Here, There"), ("198.51.100.7", "Singapore")] {
            let found = place(&places, address, Language::German);
            assert_eq!(found.as_deref(), Some(expected), "{address}");
        }
    }

    #[test]
    fn records_of_another_shape_name_nothing() {
        let odd = [
            Value::text("Germany"),
            Value::List(vec![Value::U16(1)]),
            Value::map([("country", Value::text("DE"))]),
            Value::map([("country", Value::map([("names", Value::U32(1))]))]),
            Value::map([("country", Value::map([("iso_code", Value::text("DE"))]))]),
            Value::map([(
                "city",
                Value::map([("names", Value::map([("en", Value::U16(7))]))]),
            )]),
            Value::map([]),
        ];
        let mut file = LocationFile::example();
        for (number, record) in odd.into_iter().enumerate() {
            file = file.with(&format!("203.0.113.{}/28", number * 16), record);
        }
        let places = places(&file);
        for last in 0..128 {
            let address = format!("203.0.113.{last}");
            assert_eq!(
                place(&places, &address, Language::English),
                None,
                "{address}"
            );
        }
        assert!(place(&places, "192.0.2.7", Language::English).is_some());
    }

    #[test]
    fn a_file_that_says_other_things_is_refused_by_its_type() {
        let network = Value::map([
            ("autonomous_system_number", Value::U32(64_496)),
            ("autonomous_system_organization", Value::text("Example")),
        ]);
        let asn = LocationFile::of_kind("GeoLite2-ASN\u{1b}").with("192.0.2.0/24", network);
        for file in [asn, LocationFile::of_kind("GeoLite2-ASN")] {
            let refused = Places::of_bytes(file.bytes()).unwrap_err();
            let said = refused.to_string();
            assert_eq!(
                said,
                "names no cities or countries: its type is `GeoLite2-ASN`"
            );
            assert!(refused.hint().contains("GeoLite2-City"));
        }
    }

    /// Each byte of a file, changed in some ways, and each length that it may break off at. A file that
    /// is taken all the same has at most another name or none, and nothing panics.
    #[test]
    fn no_damage_does_harm() {
        let whole = LocationFile::example().bytes();
        let (mut taken, mut refused) = (0, 0);
        let mut look = |bytes: Vec<u8>| match Places::of_bytes(bytes) {
            Ok(places) => {
                taken += 1;
                for address in ["192.0.2.7", "198.51.100.7", "2001:db8::7", "::2", "ff::"] {
                    let found = place(&places, address, Language::German);
                    assert!(found.is_none_or(|name| name.chars().all(is_visible)));
                }
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        };
        for at in 0..whole.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                look(damaged);
            }
            look(whole.iter().copied().take(at).collect());
        }
        // Most of a file is the names, where a changed letter is another letter.
        assert!(taken > 100 && refused > 1_000, "{taken} {refused}");
    }

    /// The same damage under a reader that did not look at the whole file first.
    #[test]
    fn no_damage_does_harm_that_comes_after_a_file_was_read() {
        let whole = LocationFile::example().bytes();
        for at in 0..whole.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                let Ok(reader) = Reader::from_source(damaged) else {
                    continue;
                };
                let places = Places(reader);
                for address in ["192.0.2.7", "198.51.100.7", "2001:db8::7", "::2"] {
                    let found = place(&places, address, Language::Spanish);
                    assert!(found.is_none_or(|name| name.chars().all(is_visible)));
                }
            }
        }
    }
}
