//! Codes of an authenticator app: six digits that change every 30 seconds.
//!
//! TOTP, RFC 6238: <https://www.rfc-editor.org/rfc/rfc6238>, HOTP, RFC 4226 §5.3 (truncation).
//! HMAC-SHA-1 is what every app knows; what weakens SHA-1 alone does not weaken its HMAC (RFC 6151
//! says so of MD5, NIST SP 800-107 of SHA-1).

use aws_lc_rs::hmac;
use hallpass_protocol::random::{self, Random};
use hallpass_protocol::{Secret, Timestamp};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// So long a code is the one (RFC 6238 §5.2: 30 seconds are recommended).
pub const STEP_SECONDS: i64 = 30;
/// So many digits a code has.
pub const DIGITS: u32 = 6;
/// So many bytes a seed has (RFC 4226 §4, R6).
pub const SEED: usize = 20;
/// Codes of so many steps before and after the present one are taken: clocks differ (RFC 6238 §6).
const TOLERANCE: i64 = 1;

/// What an app and the server share.
#[derive(Clone, Debug)]
pub struct TotpSeed(Secret<[u8; SEED]>);

/// The number of a code's 30 seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(i64);

impl Step {
    /// As it is stored.
    pub fn number(self) -> i64 {
        self.0
    }

    /// As it was stored.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The present one.
    pub fn at(now: Timestamp) -> Self {
        Self(now.unix_seconds().div_euclid(STEP_SECONDS))
    }
}

impl TotpSeed {
    /// Draws a seed.
    pub fn generate(random: &dyn Random) -> Self {
        Self(Secret::new(random::bytes(random)))
    }

    /// A seed as it was stored.
    pub fn from_bytes(bytes: [u8; SEED]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The seed as it is stored: sealed.
    pub fn as_bytes(&self) -> &[u8; SEED] {
        self.0.expose()
    }

    /// The seed as a person types it into an app: base32 (RFC 4648 §6), without padding.
    pub fn base32(&self) -> Secret<String> {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut text = String::with_capacity(SEED * 8 / 5);
        for group in self.0.expose().chunks(5) {
            let bits = group
                .iter()
                .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for place in (0..8).rev() {
                let letter = usize::try_from(bits >> (place * 5) & 31).unwrap_or_default();
                text.extend(LETTERS.get(letter).copied().map(char::from));
            }
        }
        Secret::new(text)
    }

    /// What a QR code tells an app: `otpauth://totp/…`, the form that all apps read.
    pub fn uri(&self, service: &str, username: &str) -> Secret<String> {
        let escape = |text: &str| -> String {
            // A colon parts the service from the name.
            let plain = text.replace(':', " ");
            url::form_urlencoded::byte_serialize(plain.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        };
        let (service, username, seed) = (escape(service), escape(username), self.base32());
        Secret::new(format!(
            "otpauth://totp/{service}:{username}?secret={}&issuer={service}&algorithm=SHA1\
             &digits={DIGITS}&period={STEP_SECONDS}",
            seed.expose(),
        ))
    }

    /// The code of a step, as the app shows it.
    pub fn code(&self, step: Step) -> Secret<String> {
        let number = self.number(step, DIGITS);
        Secret::new(format!("{number:0width$}", width = DIGITS as usize))
    }

    /// The step whose code was typed, if it is near enough and later than the last one that was
    /// used (RFC 6238 §5.2: a code is accepted once). Every step is looked at, so that the time this
    /// takes says nothing.
    pub fn verify(&self, typed: &str, last: Option<Step>, now: Timestamp) -> Option<Step> {
        let typed = read(typed)?;
        let Step(present) = Step::at(now);
        let mut found = Step(i64::MIN);
        for step in present - TOLERANCE..=present + TOLERANCE {
            let is_it = self.number(Step(step), DIGITS).ct_eq(&typed);
            found.0 = i64::conditional_select(&found.0, &step, is_it);
        }
        let is_new = last.is_none_or(|last| found > last);
        (found.0 != i64::MIN && is_new).then_some(found)
    }

    /// RFC 4226 §5.3.
    fn number(&self, Step(step): Step, digits: u32) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 15);
        let four = tag.get(offset..).and_then(|rest| rest.first_chunk::<4>());
        let number = u32::from_be_bytes(four.copied().unwrap_or_default()) & 0x7fff_ffff;
        number % 10_u32.pow(digits)
    }
}

/// A code as people type it: some apps show a space in its middle.
fn read(typed: &str) -> Option<u32> {
    let digits: String = typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(16)
        .collect();
    let is_code = digits.len() == DIGITS as usize && digits.bytes().all(|b| b.is_ascii_digit());
    if is_code { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    fn seed() -> TotpSeed {
        TotpSeed::from_bytes(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn rfc_6238_appendix_b() {
        let file = include_str!("../../../protocol/tests/vectors/rfc6238.json");
        let file: Value = serde_json::from_str(file).unwrap();
        let seed = file["seed"].as_str().unwrap().as_bytes();
        let seed = TotpSeed::from_bytes(seed.try_into().unwrap());
        let vectors = file["sha1"].as_array().unwrap();
        assert_eq!(vectors.len(), 6);
        for vector in vectors {
            let step = Step::at(at(vector["time"].as_i64().unwrap()));
            let steps = i64::from_str_radix(vector["steps"].as_str().unwrap(), 16).unwrap();
            assert_eq!(step.number(), steps);
            let code = vector["code"].as_str().unwrap();
            assert_eq!(format!("{:08}", seed.number(step, 8)), code);
            // Ours are the last six of its eight digits.
            assert_eq!(seed.code(step).expose(), code.get(2..).unwrap());
        }
    }

    #[test]
    fn a_code_is_good_half_a_minute_before_and_after_and_no_longer() {
        let (seed, now) = (seed(), at(1_000_000_000));
        for (steps, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = Step(Step::at(now).number() + steps);
            let code = seed.code(step);
            let found = seed.verify(code.expose(), None, now);
            assert_eq!(found, good.then_some(step), "{steps}");
        }
        let far = Duration::from_mins(5);
        let code = seed.code(Step::at(now + far));
        assert_eq!(seed.verify(code.expose(), None, now), None);
    }

    #[test]
    fn a_79_a_step_that_was_used_is_refused_and_so_are_those_before_it() {
        let (seed, now) = (seed(), at(1_000_000_000));
        let present = Step::at(now);
        let [before, this, after] = [-1, 0, 1].map(|n| Step(present.number() + n));
        for (used, wanted) in [
            (before, vec![this, after]),
            (this, vec![after]),
            (after, vec![]),
        ] {
            for step in [before, this, after] {
                let code = seed.code(step);
                let found = seed.verify(code.expose(), Some(used), now);
                assert_eq!(found.is_some(), wanted.contains(&step), "{used:?} {step:?}");
            }
        }
        // A clock that went back revives none.
        let code = seed.code(this);
        assert_eq!(
            seed.verify(code.expose(), Some(this), at(999_999_990)),
            None
        );
    }

    #[test]
    fn what_is_typed_is_six_digits() {
        let (seed, now) = (seed(), at(1_111_111_109));
        assert_eq!(seed.code(Step::at(now)).expose(), "081804");
        for good in ["081804", " 081804 ", "081 804", "0 8 1 8 0 4"] {
            assert!(seed.verify(good, None, now).is_some(), "{good:?}");
        }
        for bad in [
            "",
            "81804",
            "0081804",
            "+81804",
            "-81804",
            "081804a",
            "07081804",
            "０８１８０４",
            "0x13f8c",
            "081805",
            "\0",
            "081804081804081804081804",
        ] {
            assert_eq!(seed.verify(bad, None, now), None, "{bad:?}");
        }
    }

    #[test]
    fn the_seed_is_told_as_apps_read_it_and_never_printed() {
        let seed = seed();
        // RFC 4648 §6, of "12345678901234567890".
        assert_eq!(seed.base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = seed.uri("Acme: & Söhne", "ada@x");
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Acme%20%20%26%20S%C3%B6hne:ada%40x\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme%20%20%26%20S%C3%B6hne\
             &algorithm=SHA1&digits=6&period=30"
        );
        assert!(!format!("{seed:?}").contains("1234"));
    }
}
