//! Reads DER, as strictly as PKCS #12 needs it: definite lengths, one spelling of each.
//!
//! ITU-T X.690 §10: <https://www.itu.int/rec/T-REC-X.690>

/// The tags that a key store has.
pub(super) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// `[0]` around whole values.
    pub(crate) const CONTEXT_0: u8 = 0xa0;
    /// `[0]` in place of an octet string's tag.
    pub(crate) const CONTEXT_0_PRIMITIVE: u8 = 0x80;
}

/// Bytes that are not the DER that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Values one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads what stands in some bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever its tag.
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (tag, rest) = self.0.split_first().ok_or(Malformed)?;
        let (first, rest) = rest.split_first().ok_or(Malformed)?;
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            // X.690 §10.1: the length is definite, and has no more octets than it needs.
            long @ 0x81..=0x84 => {
                let (digits, rest) = rest
                    .split_at_checked(usize::from(long & 0x7f))
                    .ok_or(Malformed)?;
                let length = digits
                    .iter()
                    .fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
                if digits.first() == Some(&0) || length < 0x80 {
                    return Err(Malformed);
                }
                (length, rest)
            }
            _ => return Err(Malformed),
        };
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok((*tag, value))
    }

    /// The content of the next value, which has this tag.
    pub(super) fn read(&mut self, wanted: u8) -> Result<&'a [u8], Malformed> {
        match self.any()? {
            (tag, value) if tag == wanted => Ok(value),
            _ => Err(Malformed),
        }
    }

    /// What stands inside the next value.
    pub(super) fn enter(&mut self, wanted: u8) -> Result<Self, Malformed> {
        self.read(wanted).map(Self)
    }

    /// The next value if it has this tag; otherwise it stays.
    pub(super) fn read_if(&mut self, wanted: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.0.first() == Some(&wanted) {
            self.read(wanted).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A number that is not negative.
    pub(super) fn number(&mut self) -> Result<u32, Malformed> {
        let bytes = self.read(tag::INTEGER)?;
        let bytes = match bytes {
            [0, rest @ ..] if !rest.is_empty() => rest,
            [first, ..] if *first < 0x80 => bytes,
            _ => return Err(Malformed),
        };
        if bytes.len() > 4 {
            return Err(Malformed);
        }
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_one_after_the_other() {
        let mut reader = Reader::new(&[0x30, 0x06, 0x02, 0x02, 0x08, 0x00, 0x04, 0x00, 0x05, 0x00]);
        let mut inner = reader.enter(tag::SEQUENCE).unwrap();
        assert_eq!(inner.number(), Ok(2048));
        assert_eq!(inner.read_if(tag::SET), Ok(None));
        assert_eq!(inner.read(tag::OCTET_STRING), Ok(&[][..]));
        assert!(inner.is_empty() && !reader.is_empty());
        assert_eq!(reader.any(), Ok((0x05, &[][..])));
    }

    #[test]
    fn what_is_not_der_is_refused() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x81, 0x01, 0x00],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(Reader::new(bytes).any(), Err(Malformed), "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[2, 1, 0x80]).number(), Err(Malformed));
        assert_eq!(Reader::new(&[2, 0]).number(), Err(Malformed));
        assert_eq!(Reader::new(&[2, 5, 1, 1, 1, 1, 1]).number(), Err(Malformed));
    }
}
