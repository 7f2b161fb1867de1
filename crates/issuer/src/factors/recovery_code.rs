//! Codes on paper, for the day on which the app or the key is lost: each works once.
//!
//! NIST SP 800-63B-4 §3.1.2 (look-up secrets): <https://pages.nist.gov/800-63-4/sp800-63b.html>

use aws_lc_rs::hmac;
use hallpass_protocol::random::{self, Random};
use hallpass_protocol::{Secret, UserId};

use crate::tokens::one_time::SecretHash;

/// So many a person gets at a time.
pub const COUNT: usize = 10;
/// So many letters each has: 50 bits.
const LETTERS: usize = 10;
/// Neither I, L, O nor U: what is copied by hand stays what it was.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One code, as its letters.
#[derive(Clone, Debug)]
pub struct RecoveryCode(Secret<String>);

/// Turns codes into what is stored of them. It is its own random value, made once and never rotated
/// (row S-262): codes on paper cannot be made anew when a key ring changes.
#[derive(Clone, Debug)]
pub struct RecoveryKey(Secret<[u8; 32]>);

impl RecoveryCode {
    /// Draws a code.
    pub fn generate(random: &dyn Random) -> Self {
        let drawn: [u8; LETTERS] = random::bytes(random);
        let letter = |byte: &u8| {
            ALPHABET
                .get(usize::from(byte % 32))
                .copied()
                .map(char::from)
        };
        Self(Secret::new(drawn.iter().filter_map(letter).collect()))
    }

    /// Reads what a person typed, however they spelled it; `None` when it is none.
    pub fn parse(typed: &str) -> Option<Self> {
        let letters: Option<String> = typed
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—'))
            .take(LETTERS + 1)
            .map(|c| match c.to_ascii_uppercase() {
                'O' => Some('0'),
                'I' | 'L' => Some('1'),
                c if c.is_ascii() && ALPHABET.contains(&(c as u8)) => Some(c),
                _ => None,
            })
            .collect();
        letters
            .filter(|letters| letters.len() == LETTERS)
            .map(|letters| Self(Secret::new(letters)))
    }

    /// As people read it: `4F7KQ-9XW2M`.
    pub fn shown(&self) -> Secret<String> {
        let (first, second) = self.0.expose().split_at(LETTERS / 2);
        Secret::new(format!("{first}-{second}"))
    }
}

impl RecoveryKey {
    /// The key from its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// What is stored of a person's code, and found by it. The same code of two people is stored
    /// differently.
    pub fn mac(&self, user: &UserId, code: &RecoveryCode) -> SecretHash {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        let mut context = hmac::Context::with_key(&key);
        let user = user.as_str().as_bytes();
        context.update(b"recovery-code/1");
        context.update(&(user.len() as u64).to_be_bytes());
        context.update(user);
        context.update(code.0.expose().as_bytes());
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        SecretHash::from_bytes(mac)
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_spelled() {
        let read = |text| RecoveryCode::parse(text).map(|code| code.shown().expose().clone());
        let wanted = Some("4F7KQ-9XW01".to_owned());
        for good in [
            "4F7KQ-9XW01",
            "4f7kq9xw01",
            " 4f7kq 9xwoi ",
            "4F7KQ–9XWOl",
            "4-F-7-K-Q-9-X-W-O-L",
        ] {
            assert_eq!(read(good), wanted, "{good:?}");
        }
        for bad in [
            "",
            "-",
            "4F7KQ-9XW0",
            "4F7KQ-9XW012",
            "4F7KQ-9XWU1",
            "4F7KQ_9XW01",
            "4F7KQ-9XWé1",
            "\0",
            "’; DROP TABLE",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn codes_differ_and_are_not_printed() {
        let drawn: Vec<RecoveryCode> = (0..200)
            .map(|_| RecoveryCode::generate(&SystemRandom))
            .collect();
        let mut shown: Vec<String> = drawn
            .iter()
            .map(|code| code.shown().expose().clone())
            .collect();
        for text in &shown {
            assert_eq!(text.len(), 11);
            assert!(RecoveryCode::parse(text).is_some());
        }
        shown.sort();
        shown.dedup();
        assert_eq!(shown.len(), 200);
        let text = format!("{:?}", drawn[0]);
        assert_eq!(text, "RecoveryCode([redacted])");
    }

    #[test]
    fn what_is_stored_depends_on_key_person_and_code() {
        let (key, other) = (
            RecoveryKey::from_bytes([1; 32]),
            RecoveryKey::from_bytes([2; 32]),
        );
        let code = RecoveryCode::parse("4F7KQ-9XW01").unwrap();
        let (ada, eve) = (UserId::new("ada"), UserId::new("eve"));
        let mac = key.mac(&ada, &code);
        assert_eq!(
            mac,
            key.mac(&ada, &RecoveryCode::parse("4f7kq9xwol").unwrap())
        );
        assert_ne!(mac, key.mac(&eve, &code));
        assert_ne!(mac, other.mac(&ada, &code));
        assert_ne!(
            mac,
            key.mac(&ada, &RecoveryCode::parse("4F7KQ-9XW02").unwrap())
        );
        // What stands at the joint of two fields is of one of them.
        let (a, b) = (
            UserId::new("ada4"),
            RecoveryCode::parse("F7KQ9XW014").unwrap(),
        );
        assert_ne!(mac, key.mac(&a, &b));
    }
}
