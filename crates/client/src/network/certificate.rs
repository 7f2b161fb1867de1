//! Reads who issued a certificate, for the sentence that says whom not to trust.
//!
//! RFC 5280 §4.1: <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>. Nothing is decided here: the
//! verifier has refused the certificate already, and a stranger may have written every byte.

use rustls::pki_types::CertificateDer;

use crate::clean;

/// So many certificates of a chain are looked at.
const LONGEST_CHAIN: usize = 10;

/// What a server presented.
pub(super) struct Presented {
    issuer: Option<String>,
    is_self_signed: bool,
}

impl Presented {
    /// Follows the chain from the server's own certificate to the last one that was presented: its
    /// issuer is the one that a person would have to trust.
    pub(super) fn new(leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Self {
        let Some(leaf) = names(leaf) else {
            return Self {
                issuer: None,
                is_self_signed: false,
            };
        };
        let others: Vec<Names<'_>> = others
            .iter()
            .take(LONGEST_CHAIN)
            .filter_map(|one| names(one))
            .collect();
        let mut at = &leaf;
        for _ in 0..LONGEST_CHAIN {
            let above = others.iter().find(|one| one.subject == at.issuer);
            match above {
                Some(above) if above.issuer != at.issuer => at = above,
                _ => break,
            }
        }
        Self {
            issuer: common_name(at.issuer),
            is_self_signed: at.issuer == at.subject,
        }
    }

    /// The issuer's name, harmless for a terminal.
    pub(super) fn issuer(&self) -> String {
        let name = self.issuer.as_deref().unwrap_or("an issuer without a name");
        clean::text(name)
    }

    /// Whether the last certificate names itself as its issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        self.is_self_signed
    }
}

/// The two names of a certificate, as they are encoded.
struct Names<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
}

fn names(certificate: &[u8]) -> Option<Names<'_>> {
    let (certificate, _) = value_of(certificate, SEQUENCE)?;
    let (mut rest, _) = value_of(certificate, SEQUENCE)?;
    if let Some((_, after)) = value_of(rest, VERSION) {
        rest = after;
    }
    let (_, rest) = value_of(rest, INTEGER)?;
    let (_, rest) = value_of(rest, SEQUENCE)?;
    let (issuer, rest) = value_of(rest, SEQUENCE)?;
    let (_, rest) = value_of(rest, SEQUENCE)?;
    let (subject, _) = value_of(rest, SEQUENCE)?;
    Some(Names { issuer, subject })
}

/// The common name, else the organization, else its unit (RFC 5280 §4.1.2.4).
fn common_name(name: &[u8]) -> Option<String> {
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
    const UNIT: &[u8] = &[0x55, 0x04, 0x0b];
    [COMMON_NAME, ORGANIZATION, UNIT]
        .into_iter()
        .find_map(|kind| attribute(name, kind))
}

fn attribute(mut name: &[u8], kind: &[u8]) -> Option<String> {
    let mut found = None;
    while let Some((set, rest)) = value_of(name, SET) {
        let (pair, _) = value_of(set, SEQUENCE)?;
        let (this_kind, value) = value_of(pair, OBJECT_IDENTIFIER)?;
        // The last one is the most specific.
        if this_kind == kind {
            found = text(value);
        }
        name = rest;
    }
    found
}

/// A `DirectoryString`, of any of its types.
fn text(encoded: &[u8]) -> Option<String> {
    let (tag, bytes, _) = element(encoded)?;
    let text = match tag {
        UTF8_STRING | PRINTABLE_STRING | IA5_STRING => String::from_utf8_lossy(bytes).into_owned(),
        TELETEX_STRING => bytes.iter().map(|byte| char::from(*byte)).collect(),
        BMP_STRING => {
            let units = bytes
                .chunks_exact(2)
                .filter_map(|pair| pair.try_into().ok());
            let units: Vec<u16> = units.map(u16::from_be_bytes).collect();
            String::from_utf16_lossy(&units)
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// The content of the first element, when it has this tag, and what follows it.
fn value_of(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, value, rest) = element(bytes)?;
    (found == tag).then_some((value, rest))
}

/// Tag, content and rest (X.690 §8.1), with lengths up to 4 bytes.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        length = digits
            .iter()
            .fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
        rest = after;
    }
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), content].concat()
    }

    fn name(kind: u8, tag: u8, text: &[u8]) -> Vec<u8> {
        let pair = [
            wrapped(OBJECT_IDENTIFIER, &[0x55, 0x04, kind]),
            wrapped(tag, text),
        ]
        .concat();
        wrapped(SEQUENCE, &wrapped(SET, &wrapped(SEQUENCE, &pair)))
    }

    fn certificate(issuer: &[u8], subject: &[u8]) -> CertificateDer<'static> {
        let signed = [
            wrapped(VERSION, &wrapped(INTEGER, &[2])),
            wrapped(INTEGER, &[1]),
            wrapped(SEQUENCE, &[]),
            issuer.to_vec(),
            wrapped(SEQUENCE, &[]),
            subject.to_vec(),
        ]
        .concat();
        wrapped(SEQUENCE, &wrapped(SEQUENCE, &signed)).into()
    }

    #[test]
    fn the_issuer_is_the_one_above_all_that_was_presented() {
        let root = name(3, UTF8_STRING, "Zscaler Root CA".as_bytes());
        let middle = name(3, PRINTABLE_STRING, b"Zscaler Intermediate");
        let leaf = certificate(&middle, &name(3, UTF8_STRING, b"login.example.com"));
        let above = certificate(&root, &middle);
        let itself = certificate(&root, &root);
        let issuer = |others: &[CertificateDer<'_>]| Presented::new(&leaf, others).issuer();
        assert_eq!(issuer(&[]), "Zscaler Intermediate");
        assert_eq!(issuer(std::slice::from_ref(&above)), "Zscaler Root CA");
        assert_eq!(issuer(&[itself.clone(), above]), "Zscaler Root CA");
        assert!(Presented::new(&itself, &[]).is_self_signed());
        assert!(!Presented::new(&leaf, &[]).is_self_signed());
    }

    #[test]
    fn a_chain_that_goes_in_circles_ends() {
        let (one, two) = (name(3, UTF8_STRING, b"one"), name(3, UTF8_STRING, b"two"));
        let chain = [certificate(&one, &two), certificate(&two, &one)];
        let leaf = certificate(&one, &name(3, UTF8_STRING, b"leaf"));
        assert!(["one", "two"].contains(&Presented::new(&leaf, &chain).issuer().as_str()));
    }

    #[test]
    fn names_are_read_in_every_alphabet_and_cleaned() {
        for (kind, tag, bytes, shown) in [
            (3, BMP_STRING, &[0, b'O', 0x20, 0xac][..], "O\u{20ac}"),
            (3, TELETEX_STRING, &[0xc9, b'a'][..], "Éa"),
            (10, IA5_STRING, b"Acme Ltd".as_slice(), "Acme Ltd"),
            (11, UTF8_STRING, b"Proxies".as_slice(), "Proxies"),
            (3, UTF8_STRING, b"a\x1b[2Jb".as_slice(), "a\u{fffd}[2Jb"),
            (3, UTF8_STRING, b"".as_slice(), "an issuer without a name"),
            (9, UTF8_STRING, b"x".as_slice(), "an issuer without a name"),
        ] {
            let leaf = certificate(&name(kind, tag, bytes), &name(3, UTF8_STRING, b"leaf"));
            assert_eq!(Presented::new(&leaf, &[]).issuer(), shown, "{kind} {tag}");
        }
    }

    #[test]
    fn what_is_no_certificate_or_breaks_off_names_nobody() {
        let whole = certificate(
            &name(3, UTF8_STRING, b"issuer"),
            &name(3, UTF8_STRING, b"leaf"),
        );
        for length in 0..whole.len() {
            let cut = CertificateDer::from(whole[..length].to_vec());
            assert_eq!(
                Presented::new(&cut, &[]).issuer(),
                "an issuer without a name"
            );
        }
        let endless = CertificateDer::from(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(
            Presented::new(&endless, &[]).issuer(),
            "an issuer without a name"
        );
    }
}
