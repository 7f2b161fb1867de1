//! Who signed in last at each issuer: buttons on the sign-in page of dev mode.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

/// So many names are offered.
const SHOWN: usize = 5;
/// So many issuers are remembered.
const MOST_ISSUERS: usize = 1_000;

/// The last names of each issuer, newest first.
#[derive(Debug, Default)]
pub(crate) struct RecentUsers(Mutex<HashMap<String, VecDeque<String>>>);

impl RecentUsers {
    /// Notes a sign-in.
    pub(crate) fn add(&self, issuer: &str, username: &str) {
        let Ok(mut issuers) = self.0.lock() else {
            return;
        };
        if issuers.len() >= MOST_ISSUERS && !issuers.contains_key(issuer) {
            return;
        }
        let names = issuers.entry(issuer.to_owned()).or_default();
        names.retain(|known| known != username);
        names.push_front(username.to_owned());
        names.truncate(SHOWN);
    }

    /// Forgets everybody.
    pub(crate) fn clear(&self) {
        if let Ok(mut issuers) = self.0.lock() {
            issuers.clear();
        }
    }

    /// The names to offer.
    pub(crate) fn of(&self, issuer: &str) -> Vec<String> {
        let Ok(issuers) = self.0.lock() else {
            return Vec::new();
        };
        issuers
            .get(issuer)
            .map(|names| names.iter().cloned().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_five_names_newest_first() {
        let recent = RecentUsers::default();
        for name in ["a", "b", "c", "d", "e", "f", "c"] {
            recent.add("default", name);
        }
        assert_eq!(recent.of("default"), ["c", "f", "e", "d", "b"]);
        assert!(recent.of("other").is_empty());
    }
}
