//! The operator's list of passwords that nobody may choose, such as those of known breaches.
//!
//! NIST SP 800-63B-4 §3.1.1.2: <https://pages.nist.gov/800-63-4/sp800-63b.html>. Lists of the most usual
//! passwords have up to tens of millions of lines, nearly all of them too short for a password here. So of
//! each line that is long enough eight bytes are kept, and no line is.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use hallpass_issuer::factors::password::SHORTEST;

/// The passwords of a file; none where no file is named.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PasswordBlocklist {
    path: Option<PathBuf>,
    /// In order.
    fingerprints: Arc<[u64]>,
}

impl PasswordBlocklist {
    /// Reads a file with one password in each line. Capital letters are small ones here. What is no UTF-8 is
    /// passed over, since nobody can type it.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let (mut fingerprints, mut line) = (Vec::new(), Vec::new());
        while file.read_until(b'\n', &mut line)? > 0 {
            let text = str::from_utf8(&line).unwrap_or_default();
            let text = text.trim_end_matches(['\r', '\n']).to_lowercase();
            if text.chars().count() >= SHORTEST {
                fingerprints.push(fingerprint(&text));
            }
            line.clear();
        }
        fingerprints.sort_unstable();
        fingerprints.dedup();
        Ok(Self {
            path: Some(path.to_owned()),
            fingerprints: fingerprints.into(),
        })
    }

    /// Whether a password, in small letters, stands on the list.
    pub(crate) fn contains(&self, lower: &str) -> bool {
        let wanted = fingerprint(lower);
        self.fingerprints.binary_search(&wanted).is_ok()
    }

    /// The file.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether no line of it is long enough to be a password.
    pub(crate) fn is_empty(&self) -> bool {
        self.fingerprints.is_empty()
    }
}

impl fmt::Debug for PasswordBlocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordBlocklist")
            .field("path", &self.path)
            .field("passwords", &self.fingerprints.len())
            .finish()
    }
}

/// Nobody finds two passwords of one fingerprint by accident: a million of them meet another
/// one in one try of 10^13.
fn fingerprint(lower: &str) -> u64 {
    let hash = digest::digest(&digest::SHA256, lower.as_bytes());
    let (first, _) = hash.as_ref().split_first_chunk().unwrap_or((&[0; 8], &[]));
    u64::from_be_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &[u8]) -> PasswordBlocklist {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        PasswordBlocklist::read(file.path()).unwrap()
    }

    #[test]
    fn each_line_is_a_password_whatever_ends_it() {
        let list = list("correct horse\r\nTrustNo1Trust\n\nshort\nlast of them all".as_bytes());
        assert_eq!(list.fingerprints.len(), 3);
        for known in ["correct horse", "trustno1trust", "last of them all"] {
            assert!(list.contains(known), "{known}");
        }
        for other in [
            "",
            "short",
            "correct horse ",
            "correct horse\r",
            "correct hors",
        ] {
            assert!(!list.contains(other), "{other}");
        }
    }

    #[test]
    fn lines_that_nobody_can_type_are_passed_over() {
        let list = list(b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\nelf letters later\n");
        assert_eq!(list.fingerprints.len(), 1);
        assert!(list.contains("elf letters later"));
    }

    #[test]
    fn debug_output_shows_no_password() {
        let shown = format!("{:?}", list(b"correct horse battery\n"));
        assert!(
            shown.contains("passwords: 1") && !shown.contains("horse"),
            "{shown}"
        );
    }
}
