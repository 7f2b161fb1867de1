//! The names under which other programs find this one: each is a command of its own.

use std::ffi::OsString;
use std::path::Path;

/// The words of the command line; called by one of the names, those of the command that it means.
pub(crate) fn called_as(words: Vec<OsString>) -> Vec<OsString> {
    let command = words.first().and_then(|name| {
        let name = Path::new(name).file_name()?.to_str()?;
        let name = name.strip_suffix(std::env::consts::EXE_SUFFIX)?;
        let (_, helper) = NAMES.iter().find(|(known, _)| *known == name)?;
        Some(["hallpass", "credential", helper])
    });
    match command {
        Some(command) => {
            let command = command.into_iter().map(OsString::from);
            command.chain(words.into_iter().skip(1)).collect()
        }
        None => words,
    }
}

/// Every name, and which helper it means.
const NAMES: [(&str, &str); 4] = [
    ("git-credential-hallpass", "git"),
    ("docker-credential-hallpass", "docker"),
    ("kubectl-hallpass", "kubectl"),
    ("bazel-credential-hallpass", "json"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_command() {
        let read = |words: &[&str]| -> Vec<String> {
            let words = words.iter().map(OsString::from).collect();
            let read = called_as(words).into_iter();
            read.map(|word| word.into_string().unwrap()).collect()
        };
        for (words, means) in [
            (
                &["git-credential-hallpass", "get"][..],
                &["hallpass", "credential", "git", "get"][..],
            ),
            (
                &["/usr/bin/docker-credential-hallpass", "list"],
                &["hallpass", "credential", "docker", "list"],
            ),
            (
                &["kubectl-hallpass"],
                &["hallpass", "credential", "kubectl"],
            ),
            (&["hallpass", "token"], &["hallpass", "token"]),
            (&["credential-hallpass"], &["credential-hallpass"]),
            (&[], &[]),
        ] {
            assert_eq!(read(words), means);
        }
    }
}
