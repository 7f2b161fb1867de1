//! Writes location files in the MaxMind DB format, so that tests need none of somebody else's.
//!
//! MaxMind DB File Format Specification, version 2.0: <https://maxmind.github.io/MaxMind-DB/>
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking"
)]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// A location file in the making: networks, each with a record.
#[derive(Clone, Debug)]
pub struct LocationFile {
    kind: String,
    has_ipv6: bool,
    networks: Vec<(Ipv6Addr, u32, Value)>,
}

/// What a record consists of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// `utf8_string`.
    Text(String),
    /// `uint16`.
    U16(u16),
    /// `uint32`.
    U32(u32),
    /// `uint64`.
    U64(u64),
    /// `array`.
    List(Vec<Value>),
    /// `map`.
    Map(Vec<(String, Value)>),
}

/// Names of one thing, each with the tag of its language.
pub type Names<'a> = &'a [(&'a str, &'a str)];

impl Value {
    /// A map.
    pub fn map(pairs: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let pairs = pairs.into_iter();
        Self::Map(pairs.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The record of a place, as City and Country files have it; what has no names is left out.
    pub fn place(city: Names<'_>, country: Names<'_>) -> Self {
        let named = |names: Names<'_>| {
            let names = names.iter();
            let texts = names.map(|(tag, name)| ((*tag).to_owned(), Self::text(name)));
            Self::map([
                ("geoname_id", Self::U32(1)),
                ("names", Self::Map(texts.collect())),
            ])
        };
        let parts = [("city", city), ("country", country)].into_iter();
        let known = parts.filter(|(_, names)| !names.is_empty());
        Self::map(known.map(|(key, names)| (key, named(names))))
    }

    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl LocationFile {
    /// A file of this `database_type`, with no network yet.
    pub fn of_kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            has_ipv6: true,
            networks: Vec::new(),
        }
    }

    /// Three networks of RFC 5737 and RFC 3849 in the four languages of the pages: `192.0.2.0/24` is
    /// Munich, `198.51.100.0/24` is Lagos, and `2001:db8::/32` is somewhere in Spain.
    pub fn example() -> Self {
        let germany = [
            ("en", "Germany"),
            ("de", "Deutschland"),
            ("fr", "Allemagne"),
            ("es", "Alemania"),
        ];
        let munich = [
            ("en", "Munich"),
            ("de", "München"),
            ("fr", "Munich"),
            ("es", "Múnich"),
        ];
        let nigeria = [
            ("en", "Nigeria"),
            ("de", "Nigeria"),
            ("fr", "Nigéria"),
            ("es", "Nigeria"),
        ];
        let spain = [
            ("en", "Spain"),
            ("de", "Spanien"),
            ("fr", "Espagne"),
            ("es", "España"),
        ];
        Self::of_kind("GeoLite2-City")
            .with("192.0.2.0/24", Value::place(&munich, &germany))
            .with(
                "198.51.100.0/24",
                Value::place(&[("en", "Lagos")], &nigeria),
            )
            .with("2001:db8::/32", Value::place(&[], &spain))
    }

    /// Of IPv4 alone: its tree is 32 bits deep.
    #[must_use]
    pub fn of_ipv4_alone(self) -> Self {
        Self {
            has_ipv6: false,
            ..self
        }
    }

    /// Adds a network, such as `192.0.2.0/24`. A smaller one inside of a larger one comes after it.
    #[must_use]
    pub fn with(mut self, network: &str, record: Value) -> Self {
        let (address, length) = network.split_once('/').expect("a network has a length");
        let length: u32 = length.parse().expect("the length is a number");
        // IPv4 lies in the lowest 32 bits of the tree.
        let (address, length) = match address.parse().expect("a network has an address") {
            IpAddr::V4(v4) => (Ipv6Addr::from_bits(v4.to_bits().into()), length + 96),
            IpAddr::V6(v6) => (v6, length),
        };
        self.networks.push((address, length, record));
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut data = Section::default();
        let mut tree = Tree::default();
        let skipped = if self.has_ipv6 { 0 } else { 96 };
        for (address, length, record) in &self.networks {
            let offset = data.write_once(record);
            tree.put(address.to_bits(), skipped..*length, offset);
        }
        let node_count = u32::try_from(tree.nodes.len()).expect("the tree is small");
        let languages = ["de", "en", "es", "fr"].map(Value::text);
        let mut metadata = Section::default();
        metadata.write(&Value::map([
            ("node_count", Value::U32(node_count)),
            ("record_size", Value::U16(28)),
            ("ip_version", Value::U16(if self.has_ipv6 { 6 } else { 4 })),
            ("database_type", Value::text(&self.kind)),
            ("languages", Value::List(languages.to_vec())),
            ("binary_format_major_version", Value::U16(2)),
            ("binary_format_minor_version", Value::U16(0)),
            ("build_epoch", Value::U64(1_790_000_000)),
            (
                "description",
                Value::map([("en", Value::text("written by a test"))]),
            ),
        ]));
        let mut file = tree.bytes();
        file.extend([0; SEPARATOR]);
        file.extend(data.bytes);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        file.extend(metadata.bytes);
        file
    }
}

/// So many zeros stand between the tree and the data.
const SEPARATOR: usize = 16;

/// Where one bit of an address leads.
#[derive(Clone, Copy, Debug, Default)]
enum Branch {
    #[default]
    Nowhere,
    Node(usize),
    Data(usize),
}

/// The search tree; its first node is the root.
#[derive(Debug)]
struct Tree {
    nodes: Vec<[Branch; 2]>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![[Branch::Nowhere; 2]],
        }
    }
}

impl Tree {
    /// Hangs a record in at the end of these bits of an address.
    fn put(&mut self, address: u128, bits: std::ops::Range<u32>, offset: usize) {
        let last = bits.end.checked_sub(1).expect("a network has some bits");
        let mut node = 0;
        for bit in bits {
            let side = usize::from(address >> (127 - bit) & 1 == 1);
            let next = self.nodes.len();
            let branch = self.nodes.get_mut(node).and_then(|both| both.get_mut(side));
            let branch = branch.expect("nodes lead to nodes");
            if bit == last {
                *branch = Branch::Data(offset);
                return;
            }
            node = match *branch {
                Branch::Node(known) => known,
                // What lay around the smaller network stays around it.
                around => {
                    *branch = Branch::Node(next);
                    self.nodes.push([around; 2]);
                    next
                }
            };
        }
    }

    /// Records of 28 bits, two to a node of seven bytes: the middle byte has the high bits of both.
    fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let number = |branch: &Branch| {
            let number = match branch {
                Branch::Nowhere => count,
                Branch::Node(node) => *node,
                Branch::Data(offset) => count + SEPARATOR + offset,
            };
            let number = u32::try_from(number).expect("the file is small");
            number.to_be_bytes()
        };
        let mut bytes = Vec::new();
        for node in &self.nodes {
            let [[high, left @ ..], [other, right @ ..]] = node.each_ref().map(number);
            bytes.extend(left);
            bytes.push(high << 4 | other);
            bytes.extend(right);
        }
        bytes
    }
}

/// Values one after the other, and where in them each of those stands that may be pointed at.
#[derive(Debug, Default)]
struct Section {
    bytes: Vec<u8>,
    known: HashMap<Value, usize>,
}

impl Section {
    /// Writes a value unless it is there already; its offset.
    fn write_once(&mut self, value: &Value) -> usize {
        if let Some(offset) = self.known.get(value) {
            return *offset;
        }
        let offset = self.bytes.len();
        self.write(value);
        self.known.insert(value.clone(), offset);
        offset
    }

    fn write(&mut self, value: &Value) {
        match value {
            Value::Text(text) => {
                self.head(2, text.len());
                self.bytes.extend(text.as_bytes());
            }
            Value::U16(number) => self.number(5, &number.to_be_bytes()),
            Value::U32(number) => self.number(6, &number.to_be_bytes()),
            Value::U64(number) => self.number(9, &number.to_be_bytes()),
            Value::List(values) => {
                self.head(11, values.len());
                for value in values {
                    self.write(value);
                }
            }
            Value::Map(pairs) => {
                self.head(7, pairs.len());
                for (key, value) in pairs {
                    self.write(&Value::text(key));
                    self.write_or_point(value);
                }
            }
        }
    }

    /// What was written before is pointed at, as in the files that people use.
    fn write_or_point(&mut self, value: &Value) {
        match (value, self.known.get(value)) {
            (Value::Map(_), Some(offset)) => {
                let offset = u32::try_from(*offset).expect("the section is small");
                self.bytes.push(0b0011_1000);
                self.bytes.extend(offset.to_be_bytes());
            }
            (Value::Map(_), None) => {
                self.write_once(value);
            }
            _ => self.write(value),
        }
    }

    fn number(&mut self, kind: u8, bytes: &[u8]) {
        self.head(kind, bytes.len());
        self.bytes.extend(bytes);
    }

    /// The control byte, and what does not fit into it.
    fn head(&mut self, kind: u8, size: usize) {
        let (low, rest) = match size {
            0..29 => (size, None),
            29..285 => (29, Some((size - 29, 1))),
            285..65_821 => (30, Some((size - 285, 2))),
            _ => (31, Some((size - 65_821, 3))),
        };
        let low = u8::try_from(low).expect("five bits");
        if kind < 8 {
            self.bytes.push(kind << 5 | low);
        } else {
            self.bytes.extend([low, kind - 7]);
        }
        if let Some((rest, width)) = rest {
            let rest = u32::try_from(rest).expect("a size").to_be_bytes();
            let unused = rest.len() - width;
            self.bytes.extend(rest.iter().skip(unused));
        }
    }
}
