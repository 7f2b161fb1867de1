//! CBOR from outside, read strictly: definite lengths, the shortest spelling, no key twice, nothing
//! after the end, four levels at most.
//!
//! What is read is the canonical form of CTAP2 (section 8 of its specification) but for the order of
//! a map's keys: with no key twice the order says nothing, and not every maker of passkeys keeps it.
//!
//! RFC 8949: <https://www.rfc-editor.org/rfc/rfc8949>

use std::collections::BTreeMap;

/// One value. Byte strings and texts are those of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer of at most 64 bits with its sign (major types 0 and 1).
    Integer(i64),
    /// A byte string (major type 2).
    Bytes(&'a [u8]),
    /// A text (major type 3).
    Text(&'a str),
    /// An array (major type 4).
    Array(Vec<Value<'a>>),
    /// A map (major type 5).
    Map(Map<'a>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// A map by its keys.
pub type Map<'a> = BTreeMap<Key<'a>, Value<'a>>;

/// What can be the key of a map: CTAP2 has no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key<'a> {
    /// An integer.
    Integer(i64),
    /// A text.
    Text(&'a str),
}

/// Why bytes are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// More than [`LONGEST`] bytes.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// The input ends inside a value.
    #[error("ends in the middle of a value")]
    Truncated,
    /// Bytes follow the value.
    #[error("something follows the value")]
    TrailingBytes,
    /// More than [`DEEPEST`] arrays and maps inside each other.
    #[error("more than {DEEPEST} levels")]
    TooDeep,
    /// A number that has a shorter spelling (RFC 8949 §4.2.1).
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// An integer of more than 64 bits.
    #[error("an integer does not fit in 64 bits")]
    IntegerTooLarge,
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A key twice in one map.
    #[error("a map has a key twice")]
    DuplicateKey,
    /// A key that is neither an integer nor a text.
    #[error("a key is neither an integer nor a text")]
    BadKey,
    /// An indefinite length, a tag, a float, or a simple value that is no `true`, `false` or `null`.
    #[error("a kind of value that CTAP2 does not have")]
    Unsupported,
}

/// No message of an authenticator is longer than this, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// CTAP2, section 8: so many levels of nesting at most.
pub const DEEPEST: usize = 4;

/// Reads one value that is all of the input.
pub fn read(bytes: &[u8]) -> Result<Value<'_>, CborError> {
    match read_first(bytes)? {
        (value, []) => Ok(value),
        (_, [_, ..]) => Err(CborError::TrailingBytes),
    }
}

/// Reads the value that the input begins with, and returns what follows it.
pub fn read_first(bytes: &[u8]) -> Result<(Value<'_>, &[u8]), CborError> {
    if bytes.len() > LONGEST {
        return Err(CborError::TooLong);
    }
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    Ok((value, reader.rest))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, level: usize) -> Result<Value<'a>, CborError> {
        let (major, info) = self.initial_byte()?;
        if major == 7 {
            return match info {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                _ => Err(CborError::Unsupported),
            };
        }
        let argument = self.argument(info)?;
        match major {
            0 | 1 => Ok(Value::Integer(integer(major, argument)?)),
            2 => Ok(Value::Bytes(self.take(argument)?)),
            3 => Ok(Value::Text(self.text(argument)?)),
            4 => self.array(argument, level),
            5 => self.map(argument, level),
            // A tag.
            _ => Err(CborError::Unsupported),
        }
    }

    fn array(&mut self, length: u64, level: usize) -> Result<Value<'a>, CborError> {
        let level = deeper(level)?;
        // What is announced is not believed: the array grows as its values are read.
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(self.value(level)?);
        }
        Ok(Value::Array(values))
    }

    fn map(&mut self, length: u64, level: usize) -> Result<Value<'a>, CborError> {
        let level = deeper(level)?;
        let mut members = Map::new();
        for _ in 0..length {
            let key = self.key()?;
            let value = self.value(level)?;
            if members.insert(key, value).is_some() {
                return Err(CborError::DuplicateKey);
            }
        }
        Ok(Value::Map(members))
    }

    fn key(&mut self) -> Result<Key<'a>, CborError> {
        let (major, info) = self.initial_byte()?;
        if !matches!(major, 0 | 1 | 3) {
            return Err(CborError::BadKey);
        }
        let argument = self.argument(info)?;
        if major == 3 {
            Ok(Key::Text(self.text(argument)?))
        } else {
            Ok(Key::Integer(integer(major, argument)?))
        }
    }

    /// RFC 8949 §3: the major type and the additional information.
    fn initial_byte(&mut self) -> Result<(u8, u8), CborError> {
        let [byte] = self.array_of()?;
        Ok((byte >> 5, byte & 0x1f))
    }

    /// RFC 8949 §4.2.1: "MUST be as short as possible".
    fn argument(&mut self, info: u8) -> Result<u64, CborError> {
        let (value, least) = match info {
            0..=23 => (u64::from(info), 0),
            24 => (u64::from(u8::from_be_bytes(self.array_of()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array_of()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.array_of()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.array_of()?), 1 << 32),
            // Reserved, and 31: an indefinite length.
            _ => return Err(CborError::Unsupported),
        };
        if value < least {
            return Err(CborError::NotShortest);
        }
        Ok(value)
    }

    fn text(&mut self, length: u64) -> Result<&'a str, CborError> {
        std::str::from_utf8(self.take(length)?).map_err(|_| CborError::NotUtf8)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

fn integer(major: u8, argument: u64) -> Result<i64, CborError> {
    let value = i64::try_from(argument).map_err(|_| CborError::IntegerTooLarge)?;
    // RFC 8949 §3.1, major type 1: -1 minus the argument.
    Ok(if major == 1 { -1 - value } else { value })
}

fn deeper(level: usize) -> Result<usize, CborError> {
    if level < DEEPEST {
        Ok(level + 1)
    } else {
        Err(CborError::TooDeep)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks_exact(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }

    /// RFC 8949, appendix A.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let integers = [
            ("00", 0),
            ("17", 23),
            ("1818", 24),
            ("1903e8", 1000),
            ("1a000f4240", 1_000_000),
            ("1b000000e8d4a51000", 1_000_000_000_000),
            ("20", -1),
            ("3863", -100),
            ("3903e7", -1000),
            ("3b7fffffffffffffff", i64::MIN),
        ];
        for (text, value) in integers {
            assert_eq!(read(&bytes(text)), Ok(Value::Integer(value)), "{text}");
        }
        assert_eq!(read(&bytes("f4")), Ok(Value::Bool(false)));
        assert_eq!(read(&bytes("f5")), Ok(Value::Bool(true)));
        assert_eq!(read(&bytes("f6")), Ok(Value::Null));
        assert_eq!(read(&bytes("40")), Ok(Value::Bytes(&[])));
        assert_eq!(read(&bytes("4401020304")), Ok(Value::Bytes(&[1, 2, 3, 4])));
        assert_eq!(read(&bytes("6449455446")), Ok(Value::Text("IETF")));
        assert_eq!(read(&bytes("62c3bc")), Ok(Value::Text("ü")));
        let inner = || Value::Array(vec![Value::Integer(2), Value::Integer(3)]);
        assert_eq!(
            read(&bytes("8201820203")),
            Ok(Value::Array(vec![Value::Integer(1), inner()]))
        );
        let map = Map::from([
            (Key::Text("a"), Value::Integer(1)),
            (Key::Text("b"), inner()),
        ]);
        assert_eq!(read(&bytes("a26161016162820203")), Ok(Value::Map(map)));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let refused = [
            ("", CborError::Truncated),
            ("18", CborError::Truncated),
            ("4401", CborError::Truncated),
            ("5bffffffffffffffff", CborError::Truncated),
            ("8201", CborError::Truncated),
            ("9bffffffffffffffff00", CborError::Truncated),
            ("a101", CborError::Truncated),
            ("bbffffffffffffffff", CborError::Truncated),
            ("0000", CborError::TrailingBytes),
            ("1817", CborError::NotShortest),
            ("1900ff", CborError::NotShortest),
            ("1a0000ffff", CborError::NotShortest),
            ("1b00000000ffffffff", CborError::NotShortest),
            ("580100", CborError::NotShortest),
            ("1b8000000000000000", CborError::IntegerTooLarge),
            ("3bffffffffffffffff", CborError::IntegerTooLarge),
            ("61ff", CborError::NotUtf8),
            ("a2010001f6", CborError::DuplicateKey),
            ("a2616100616101", CborError::DuplicateKey),
            ("a14000", CborError::BadKey),
            ("a18000", CborError::BadKey),
            ("a1f500", CborError::BadKey),
            // Indefinite lengths.
            ("5f4100ff", CborError::Unsupported),
            ("7f6161ff", CborError::Unsupported),
            ("9fff", CborError::Unsupported),
            ("bfff", CborError::Unsupported),
            ("ff", CborError::Unsupported),
            // A tag, floats, `undefined`, a simple value; reserved information.
            ("c11a514b67b0", CborError::Unsupported),
            ("f90000", CborError::Unsupported),
            ("fa00000000", CborError::Unsupported),
            ("fb0000000000000000", CborError::Unsupported),
            ("f7", CborError::Unsupported),
            ("f0", CborError::Unsupported),
            ("f8ff", CborError::Unsupported),
            ("1c", CborError::Unsupported),
        ];
        for (text, reason) in refused {
            assert_eq!(read(&bytes(text)), Err(reason), "{text}");
        }
    }

    #[test]
    fn nesting_and_length_have_an_end() {
        assert!(read(&bytes("8181818100")).is_ok());
        assert_eq!(read(&bytes("818181818100")), Err(CborError::TooDeep));
        assert_eq!(
            read(&bytes("a101a101a101a101a10101")),
            Err(CborError::TooDeep)
        );
        let mut longest = vec![0x59, 0x3f, 0xfd];
        longest.resize(LONGEST, 7);
        assert!(matches!(read(&longest), Ok(Value::Bytes(_))));
        longest.push(7);
        assert_eq!(read(&longest), Err(CborError::TooLong));
    }

    /// What a canonical writer writes; only tests write CBOR.
    fn write(value: &Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Integer(value) => write_integer(*value, out),
            Value::Bytes(bytes) => {
                write_head(2, bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
            Value::Text(text) => {
                write_head(3, text.len() as u64, out);
                out.extend_from_slice(text.as_bytes());
            }
            Value::Array(values) => {
                write_head(4, values.len() as u64, out);
                for value in values {
                    write(value, out);
                }
            }
            Value::Map(members) => {
                write_head(5, members.len() as u64, out);
                for (key, value) in members {
                    match key {
                        Key::Integer(key) => write_integer(*key, out),
                        Key::Text(key) => write(&Value::Text(key), out),
                    }
                    write(value, out);
                }
            }
            Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Value::Null => out.push(0xf6),
        }
    }

    fn write_integer(value: i64, out: &mut Vec<u8>) {
        let (major, argument) = match u64::try_from(value) {
            Ok(value) => (0, value),
            Err(_) => (1, value.abs_diff(-1)),
        };
        write_head(major, argument, out);
    }

    fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
        let major = major << 5;
        if argument < 24 {
            out.push(major | u8::try_from(argument).unwrap());
        } else if let Ok(argument) = u8::try_from(argument) {
            out.extend_from_slice(&[major | 0x18, argument]);
        } else if let Ok(argument) = u16::try_from(argument) {
            out.push(major | 0x19);
            out.extend_from_slice(&argument.to_be_bytes());
        } else if let Ok(argument) = u32::try_from(argument) {
            out.push(major | 0x1a);
            out.extend_from_slice(&argument.to_be_bytes());
        } else {
            out.push(major | 0x1b);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }

    fn sorted_keys(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        write(&read(bytes).ok()?, &mut out);
        Some(out)
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_read_has_one_spelling(input: Vec<u8>) {
            if let Some(written) = sorted_keys(&input) {
                prop_assert_eq!(written.len(), input.len());
                prop_assert_eq!(read(&written), read(&input));
            }
        }

        #[test]
        fn bytes_that_look_like_cbor_do_not_panic(
            input in proptest::collection::vec(prop_oneof![
                Just(0xa1_u8), Just(0x81), Just(0x41), Just(0x61), Just(0x01), Just(0x20), any::<u8>(),
            ], 0..64)
        ) {
            if let Some(written) = sorted_keys(&input) {
                prop_assert_eq!(written.len(), input.len());
            }
        }
    }
}
