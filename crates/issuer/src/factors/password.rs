//! Passwords: what a new one must be, and how a hashed one is written down.
//!
//! NIST SP 800-63B-4 §3.1.1.2 (length before composition): <https://pages.nist.gov/800-63-4/sp800-63b.html>,
//! Argon2id, RFC 9106: <https://www.rfc-editor.org/rfc/rfc9106>

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hallpass_protocol::Secret;

/// So many characters at least.
pub const SHORTEST: usize = 12;
/// So many bytes at most: nobody makes the server hash a book.
pub const LONGEST: usize = 1024;

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Fewer than [`SHORTEST`] characters.
    #[error("a password has at least {SHORTEST} characters")]
    TooShort,
    /// More than [`LONGEST`] bytes.
    #[error("a password has at most {LONGEST} bytes")]
    TooLong,
    /// It is the user name, the address, or made of them and little else.
    #[error("a password is not the user name or the e-mail address")]
    IsName,
    /// A few characters, again and again.
    #[error("this password repeats a few characters")]
    Repeats,
    /// It stands on the list of those that everybody tries first.
    #[error("this password is among those that are tried first")]
    Common,
}

/// Checks a new password. `names` are the account's own words: its user name, its address.
/// `is_common` asks the operator's list, if there is one.
pub fn check_new(
    password: &Secret<String>,
    names: &[&str],
    is_common: impl FnOnce(&str) -> bool,
) -> Result<(), BadPassword> {
    let text = password.expose();
    if text.len() > LONGEST {
        return Err(BadPassword::TooLong);
    }
    if text.chars().count() < SHORTEST {
        return Err(BadPassword::TooShort);
    }
    let lower = text.to_lowercase();
    for name in names.iter().map(|name| name.to_lowercase()) {
        // With the name taken out, what is left must still be a password's worth of half a password.
        if name.len() >= 3
            && lower.contains(&name)
            && lower.replace(&name, "").chars().count() < SHORTEST / 2
        {
            return Err(BadPassword::IsName);
        }
    }
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 4 {
        return Err(BadPassword::Repeats);
    }
    if is_tried_first(&lower) || is_common(&lower) {
        return Err(BadPassword::Common);
    }
    Ok(())
}

/// What many people reach for, in the languages of the pages.
const WORDS: [&str; 14] = [
    "password",
    "passwort",
    "passphrase",
    "kennwort",
    "motdepasse",
    "contraseña",
    "contrasena",
    "welcome",
    "willkommen",
    "bienvenue",
    "bienvenido",
    "iloveyou",
    "letmein",
    "admin",
];
/// Keys side by side, and signs in their order.
const ROWS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiopü",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
];
/// So many signs in a row are one idea.
const RUN: usize = 4;

/// Whether a password is one of the usual words, a walk along the keyboard, or made of both and
/// little else.
fn is_tried_first(lower: &str) -> bool {
    let mut rest: String = lower.chars().filter(|sign| !sign.is_whitespace()).collect();
    for word in WORDS {
        rest = rest.replace(word, "");
    }
    without_runs(&rest) < SHORTEST / 2
}

/// How many signs of a text are in no run along a row, in either direction.
fn without_runs(text: &str) -> usize {
    let signs: Vec<char> = text.chars().collect();
    let backwards: Vec<String> = ROWS.map(|row| row.chars().rev().collect()).into();
    let rows = || ROWS.into_iter().chain(backwards.iter().map(String::as_str));
    let mut is_in_run = vec![false; signs.len()];
    for (start, window) in signs.windows(RUN).enumerate() {
        let run: String = window.iter().collect();
        if rows().any(|row| row.contains(&run)) {
            is_in_run
                .iter_mut()
                .skip(start)
                .take(RUN)
                .for_each(|sign| *sign = true);
        }
    }
    is_in_run.into_iter().filter(|in_run| !in_run).count()
}

/// How much work a guess is (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// How often it is gone through.
    pub passes: u32,
    /// Lanes that could be filled at the same time.
    pub lanes: u32,
}

impl Default for Cost {
    /// 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// A hashed password, with all that is needed to hash a guess alike. Its text is that of the PHC
/// string format, which other servers write too: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// The work.
    pub cost: Cost,
    /// What makes two equal passwords differ.
    pub salt: Vec<u8>,
    /// The output.
    pub hash: Vec<u8>,
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost {
            memory_kib,
            passes,
            lanes,
        } = self.cost;
        let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        let (salt, hash) = (encode(&self.salt), encode(&self.hash));
        write!(
            f,
            "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}"
        )
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash")
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

impl FromStr for PasswordHash {
    type Err = ();

    /// Reads what [`fmt::Display`] wrote, and what others write of the same kind.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('$');
        let fixed = [parts.next(), parts.next(), parts.next()];
        if fixed != [Some(""), Some("argon2id"), Some("v=19")] {
            return Err(());
        }
        let mut numbers = parts.next().ok_or(())?.split(',');
        let mut number = |name: &str| {
            let text = numbers.next().and_then(|pair| pair.strip_prefix(name));
            text.and_then(|digits| digits.parse::<u32>().ok()).ok_or(())
        };
        let cost = Cost {
            memory_kib: number("m=")?,
            passes: number("t=")?,
            lanes: number("p=")?,
        };
        let mut bytes = || {
            let text = parts.next().ok_or(())?;
            STANDARD_NO_PAD.decode(text).map_err(|_| ())
        };
        let (salt, hash) = (bytes()?, bytes()?);
        if parts.next().is_some() || salt.len() < 8 || hash.len() < 16 {
            return Err(());
        }
        Ok(Self { cost, salt, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), BadPassword> {
        let password = Secret::new(password.to_owned());
        check_new(&password, &["Ada", "ada@example.com"], |text| {
            text == "correct horse battery staple"
        })
    }

    #[test]
    fn a_password_is_long_and_not_the_name() {
        for (password, expected) in [
            ("", Err(BadPassword::TooShort)),
            ("elevenchars", Err(BadPassword::TooShort)),
            ("éééééààààào", Err(BadPassword::TooShort)),
            ("twelve chars", Ok(())),
            ("ada@example.com", Err(BadPassword::IsName)),
            ("ADA@EXAMPLE.COM!", Err(BadPassword::IsName)),
            ("adaadaadaada", Err(BadPassword::IsName)),
            ("ada likes engines", Ok(())),
            ("aaaaaaaaaaaaaaaa", Err(BadPassword::Repeats)),
            ("121212121212", Err(BadPassword::Repeats)),
            ("123456789012", Err(BadPassword::Common)),
            ("0987654321098", Err(BadPassword::Common)),
            ("qwertyuiopasdf", Err(BadPassword::Common)),
            ("Passwort12345", Err(BadPassword::Common)),
            ("my password is", Err(BadPassword::Common)),
            ("pass word pass word", Err(BadPassword::Common)),
            ("abcdefghijklm", Err(BadPassword::Common)),
            ("abcd likes engines", Ok(())),
            ("qwertz and bicycles", Ok(())),
            ("Correct Horse Battery Staple", Err(BadPassword::Common)),
        ] {
            assert_eq!(check(password), expected, "{password}");
        }
        assert_eq!(check(&"ab cd".repeat(300)), Err(BadPassword::TooLong));
    }

    #[test]
    fn a_hash_is_read_back_from_its_text() {
        let hash = PasswordHash {
            cost: Cost::default(),
            salt: vec![7; 16],
            hash: vec![9; 32],
        };
        let text = hash.to_string();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"));
        assert_eq!(text.parse(), Ok(hash.clone()));
        assert_eq!(
            format!("{hash:?}"),
            format!("PasswordHash {{ cost: {:?}, .. }}", Cost::default())
        );
        for bad in [
            "",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2i$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=16$m=1,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=1,t=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA",
            "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AA",
        ] {
            assert_eq!(bad.parse::<PasswordHash>(), Err(()), "{bad}");
        }
        assert_eq!(format!("{text}$x").parse::<PasswordHash>(), Err(()));
    }
}
