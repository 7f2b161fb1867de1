//! The environment variables, read once at start; nothing else in this crate reads them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What the process was given.
#[derive(Clone, Default)]
pub(crate) struct Environment(Arc<BTreeMap<OsString, OsString>>);

impl Environment {
    /// Reads the process's variables.
    pub(crate) fn read() -> Self {
        Self(Arc::new(std::env::vars_os().collect()))
    }

    /// A variable that is text; one that is empty counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.raw(name)?.to_str()
    }

    /// A variable that names a file or folder.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    /// Whether a switch is on: set, and neither empty, `0` nor `false`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.raw(name)
            .is_some_and(|value| value != "0" && value != "false")
    }

    /// The names of this program's own variables that are set; their values may be secret.
    pub(crate) fn own_names(&self) -> Vec<String> {
        let names = self.0.keys().filter_map(|name| name.to_str());
        let own = names.filter(|name| name.starts_with("HALLPASS_"));
        own.map(str::to_owned).collect()
    }

    /// The variables that the server's settings are read from.
    pub(crate) fn server_variables(&self) -> Vec<(String, String)> {
        let pairs = self.0.iter();
        let texts = pairs.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        texts
            .filter(|(name, _)| name.starts_with("HALLPASS__") || *name == "CREDENTIALS_DIRECTORY")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn raw(&self, name: &str) -> Option<&OsString> {
        self.0
            .get(OsString::from(name).as_os_str())
            .filter(|value| !value.is_empty())
    }
}

/// Values may be secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: &str) -> Environment {
        Environment(Arc::new([(name.into(), value.into())].into()))
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        assert_eq!(environment("A", "").text("A"), None);
        assert_eq!(environment("A", "x").text("A"), Some("x"));
    }

    #[test]
    fn a_switch_that_is_zero_is_off() {
        for (value, is_on) in [
            ("1", true),
            ("yes", true),
            ("0", false),
            ("false", false),
            ("", false),
        ] {
            assert_eq!(environment("A", value).is_on("A"), is_on, "{value}");
        }
    }
}
