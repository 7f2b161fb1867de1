//! The code that a person carries from a terminal to a browser.
//!
//! RFC 8628 §6.1: <https://www.rfc-editor.org/rfc/rfc8628#section-6.1>

use std::fmt;

use crate::random::Random;

/// Letters without vowels and look-alikes: no words appear, nothing is misread.
pub const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A user code in its canonical form: upper-case letters of [`ALPHABET`], no separator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserCode(String);

/// How many letters a new code has (row S-272: ten in a crowd).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// `XXXX-XXXX`, 20^8 ≈ 2^34.5 codes.
    Eight,
    /// `XXXXX-XXXXX`, when very many codes of one client are live.
    Ten,
}

impl UserCode {
    /// Draws a code; every letter is equally likely.
    pub fn generate(length: Length, random: &dyn Random) -> Self {
        let wanted = match length {
            Length::Eight => 8,
            Length::Ten => 10,
        };
        let mut letters = String::with_capacity(wanted);
        while letters.len() < wanted {
            let mut pool = [0; 32];
            random.fill(&mut pool);
            // 240 is the largest multiple of 20 in a byte; what lies above would favour the first letters.
            let fair = pool.iter().filter(|byte| **byte < 240);
            let drawn = fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 20)));
            letters.extend(
                drawn
                    .take(wanted - letters.len())
                    .map(|letter| char::from(*letter)),
            );
        }
        Self(letters)
    }

    /// Reads what a person typed: upper-cased, everything outside the alphabet stripped.
    ///
    /// `None` when no code can have that many letters.
    pub fn from_input(text: &str) -> Option<Self> {
        let letters: String = text
            .chars()
            .map(|letter| letter.to_ascii_uppercase())
            .filter(|letter| u8::try_from(*letter).is_ok_and(|byte| ALPHABET.contains(&byte)))
            .take(11)
            .collect();
        matches!(letters.len(), 8 | 10).then_some(Self(letters))
    }

    /// The letters alone, as they are hashed and looked up.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserCode {
    /// The grouped form that people read: `WDJB-MJHT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        write!(f, "{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn s_07_ten_thousand_codes_have_the_form_and_every_letter_alike() {
        let mut counts = [0_u32; 20];
        for _ in 0..10_000 {
            let code = UserCode::generate(Length::Eight, &SystemRandom);
            let shown = code.to_string();
            assert_eq!((shown.len(), shown.get(4..5)), (9, Some("-")));
            for letter in code.letters().bytes() {
                counts[ALPHABET.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        // Chi-square with 19 degrees of freedom: 60 is passed by chance once in 250,000 runs.
        let expected = 4000.0;
        let chi: f64 = counts
            .iter()
            .map(|n| (f64::from(*n) - expected).powi(2) / expected)
            .sum();
        assert!(chi < 60.0, "chi-square {chi}");
    }

    #[test]
    fn s_08_entry_is_forgiving() {
        let code = UserCode::from_input("WDJB-MJHT").unwrap();
        for typed in ["wdjb mjht", "WDJBMJHT", " wdjb-mjht ", "w-d-j-b m.j.h.t"] {
            assert_eq!(UserCode::from_input(typed).as_ref(), Some(&code), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in ["", "WDJB", "WDJB-MJHTB", &"B".repeat(5000), "1234-5678"] {
            assert_eq!(UserCode::from_input(typed), None);
        }
    }

    #[test]
    fn s_272_a_long_code_is_two_groups_of_five() {
        let shown = UserCode::generate(Length::Ten, &SystemRandom).to_string();
        assert_eq!((shown.len(), shown.get(5..6)), (11, Some("-")));
    }
}
