//! A file that holds a private key must be its user's alone: who can read it can be the client.

use std::fs::File;
use std::path::Path;

use crate::failure::Failure;

/// Refuses a file that others can read. A pipe and the like have no readers but this one.
#[cfg(unix)]
pub(super) fn require_private(what: &str, path: &Path, file: &File) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;

    let found = file.metadata().map_err(|error| {
        Failure::config(format!("cannot look at {}", path.display())).caused_by(&error)
    })?;
    let mode = found.mode() & 0o777;
    if !found.is_file() || !is_open(mode, found.uid()) {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::config(format!(
        "others can read the {what} in {path} (mode {mode:o})"
    ))
    .hint_to(format!(
        "run `chmod 600 {path}`; if others use this machine, make a new key"
    )))
}

/// Windows keeps what lies in the profile of a user to that user.
#[cfg(not(unix))]
pub(super) fn require_private(_: &str, _: &Path, _: &File) -> Result<(), Failure> {
    Ok(())
}

/// Secrets that a container is given belong to root and are read by a group, mode 440: that much is let
/// through.
#[cfg(unix)]
fn is_open(mode: u32, owner: u32) -> bool {
    let (of_group, of_others) = (mode & 0o070, mode & 0o007);
    let is_mounted = owner == 0 && of_group & 0o030 == 0;
    of_others != 0 || (of_group != 0 && !is_mounted)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn c_38_a_key_file_is_its_owners_alone() {
        for (mode, owner, open) in [
            (0o600, 1000, false),
            (0o400, 1000, false),
            (0o640, 1000, true),
            (0o644, 1000, true),
            (0o604, 1000, true),
            (0o620, 1000, true),
            (0o440, 0, false),
            (0o400, 0, false),
            (0o460, 0, true),
            (0o444, 0, true),
        ] {
            assert_eq!(is_open(mode, owner), open, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn c_38_the_refusal_names_the_file_its_mode_and_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("robot.pem");
        std::fs::write(&path, "canary").unwrap();
        let set = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).unwrap();
            require_private("private key", &path, &File::open(&path).unwrap())
        };
        let refused = set(0o644).unwrap_err();
        assert_eq!(refused.exit(), 5);
        assert!(refused.message().contains("robot.pem (mode 644)"));
        assert!(refused.hint().unwrap().starts_with("run `chmod 600 "));
        assert!(set(0o600).is_ok());
    }

    #[test]
    fn a_pipe_is_not_judged() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(reader));
        assert!(require_private("private key", Path::new("/dev/fd/9"), &file).is_ok());
    }
}
